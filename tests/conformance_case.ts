/**
 * What the cases of the Bus's and the Log's conformance suite are made of.
 *
 * @module
 */
import type { Bus } from "../lib/bus/bus.ts";
import type { Log } from "../lib/bus/log.ts";

/** One client, and what its handlers threw. */
export interface TestClient {
  readonly bus: Bus;
  readonly log: Log;
  readonly errors: { readonly error: Error; readonly subject: string }[];
}

/** One piece of behaviour; `prefix` keeps its subjects and streams apart from the others'. */
export interface ConformanceCase {
  readonly name: string;
  run(context: { a: TestClient; b: TestClient; prefix: string }): Promise<void>;
}
