/**
 * A promise that the production code has broken: what a simulation looks for.
 *
 * @module
 */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** @throws {Violation} unless `holds`. */
export function insist(holds: boolean, promise: () => string): asserts holds {
  if (!holds) throw new Violation(promise());
}
