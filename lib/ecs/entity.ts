/**
 * An entity is a name for a row: a number that the coordinator allocates from 1
 * upwards and never uses again. On the wire it is a u64; in TypeScript it is a
 * safe integer, which lasts for 2^53 - 1 entities.
 *
 * @module
 */

export type Entity = number;

/** The value of an `entity` field that points nowhere. */
export const NO_ENTITY: Entity = 0;
