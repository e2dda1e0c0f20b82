/**
 * A message from the bus that is not what the protocol allows. Receivers catch
 * it, count the message as refused and go on.
 *
 * @module
 */
export class WireError extends Error {
  override readonly name = "WireError";
}
