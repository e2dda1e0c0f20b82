/**
 * Whatever was thrown, in words.
 *
 * @module
 */

/** The message of an error; anything else as text. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
