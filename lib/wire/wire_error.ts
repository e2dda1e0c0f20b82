/**
 * A message from the bus that is not what the protocol allows. Receivers catch
 * it, count the message as refused and go on.
 *
 * @module
 */
export class WireError extends Error {
  override readonly name: string = "WireError";
}

/** Nothing is wrong with the message, but too much is under way; it may be sent again later. */
export class BusyError extends WireError {
  override readonly name = "BusyError";
}
