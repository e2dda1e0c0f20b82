/**
 * The part of `@std/assert` that the tests use, over `node:assert`: the same
 * names and signatures, so that `deno.jsr.json` can map the name to JSR.
 *
 * @module
 */
import nodeAssert from "node:assert/strict";

// deno-lint-ignore no-explicit-any -- the signature of the package that this stands in for
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

/** Throws unless `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  nodeAssert.ok(expr, msg || undefined);
}

/** Throws unless the two are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  nodeAssert.deepStrictEqual(actual, expected, msg);
}

/** Throws when the two are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  nodeAssert.notDeepStrictEqual(actual, expected, msg);
}

/** Throws unless `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (!actual.includes(expected)) {
    nodeAssert.fail(msg ?? `Expected actual: "${actual}" to contain: "${expected}".`);
  }
}

/** Throws unless `actual` matches `expected`. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  nodeAssert.match(actual, expected, msg);
}

/** Throws unless the two differ by at most `tolerance` (default: 1e-7 of `expected`). */
export function assertAlmostEquals(actual: number, expected: number, tolerance?: number): void {
  const allowed = tolerance ?? (Number.isFinite(expected) ? Math.abs(expected) * 1e-7 : 1e-7);
  if (Object.is(actual, expected) || Math.abs(actual - expected) <= allowed) return;
  nodeAssert.fail(`Expected actual: ${actual} to be within ${allowed} of ${expected}.`);
}

/** Throws unless `fn` throws an `errorClass` whose message includes `msgIncludes`. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass?: ErrorClass<E>,
  msgIncludes = "",
): E {
  try {
    fn();
  } catch (error) {
    return checkError(error, errorClass, msgIncludes);
  }
  return nodeAssert.fail("Expected function to throw.");
}

/** Throws unless `fn` rejects with an `errorClass` whose message includes `msgIncludes`. */
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass?: ErrorClass<E>,
  msgIncludes = "",
): Promise<E> {
  try {
    await fn();
  } catch (error) {
    return checkError(error, errorClass, msgIncludes);
  }
  return nodeAssert.fail("Expected function to reject.");
}

function checkError<E extends Error>(
  error: unknown,
  errorClass: ErrorClass<E> | undefined,
  msgIncludes: string,
): E {
  if (!(error instanceof (errorClass ?? Error))) {
    nodeAssert.fail(`Expected error to be ${errorClass?.name ?? "an Error"}, was: ${error}`);
  }
  assertStringIncludes(error.message, msgIncludes);
  return error as E;
}
