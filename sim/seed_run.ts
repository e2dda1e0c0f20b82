/**
 * What came of a seed: its simulation's figures, or how it failed.
 *
 * @module
 */
import { simulate, type SimulationOptions, type SimulationResult } from "./simulation.ts";

export interface SeedFailure {
  readonly seed: number;
  /** What was broken, and where it came from. */
  readonly failure: string;
  readonly hasSnapshots: boolean;
}

export type SeedOutcome = SimulationResult | SeedFailure;

/** Runs one seed; a failure is an outcome like any other. */
export async function runSeed(
  seed: number,
  options: Omit<SimulationOptions, "seed"> = {},
): Promise<SeedOutcome> {
  try {
    return await simulate({ ...options, seed });
  } catch (error) {
    return { seed, failure: describe(error), hasSnapshots: options.hasSnapshots ?? true };
  }
}

export function isFailure(outcome: SeedOutcome): outcome is SeedFailure {
  return "failure" in outcome;
}

/** The command that runs a seed again, and shows what happens. */
export function replayCommand(
  { seed, hasSnapshots }: Pick<SeedFailure, "seed" | "hasSnapshots">,
): string {
  return `deno task sim --seed ${seed}${hasSnapshots ? "" : " --no-snapshots"} --trace`;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by ${describe(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
