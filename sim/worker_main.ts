/**
 * Runs simulations, one seed after the other, on a thread of their own.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { runSeed, type SeedOutcome } from "./seed_run.ts";

/** Seeds to run, from the first on. */
export interface SeedRange {
  readonly first: number;
  readonly count: number;
}

async function run({ first, count }: SeedRange): Promise<void> {
  for (let seed = first; seed < first + count; seed++) {
    const outcome: SeedOutcome = await runSeed(seed);
    self.postMessage(outcome);
  }
}

self.onmessage = ({ data }: MessageEvent<SeedRange>) => void run(data);
