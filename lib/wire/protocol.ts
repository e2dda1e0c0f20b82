/**
 * The version of the protocol. It is part of every registration; a coordinator
 * refuses instances that speak another one.
 *
 * @module
 */
export const PROTOCOL_VERSION = 1;
