/**
 * A mistake in what the user gave (a flag, a manifest, a message), as opposed
 * to a bug: its message alone says what to do, so programs print it without a
 * stack and exit with 1.
 *
 * @module
 */
export class UserError extends Error {
  override readonly name: string = "UserError";
}
