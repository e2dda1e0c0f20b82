/**
 * A bench case measures Orrery and a named floor or peer in the same run, turn
 * by turn, and compares their medians: on a machine that others use as well,
 * only the ratio means something.
 *
 * @module
 */

export interface Measured {
  /** What Orrery took, in the case's unit. */
  readonly ours: number;
  /** What the floor or peer took. */
  readonly theirs: number;
}

export interface BenchCase {
  readonly name: string;
  /** What is measured, in one line. */
  readonly what: string;
  /** What it is compared with. */
  readonly against: string;
  readonly unit: string;
  /** The ratio ours / theirs is to be at most this. */
  readonly goal: number;
  /** Both sides once; a case keeps what is costly to set up between its rounds. */
  open(): Promise<BenchSession>;
}

export interface BenchSession extends AsyncDisposable {
  /** @throws {Error} when a side gave a wrong result. */
  measure(): Promise<Measured>;
}

export interface BenchResult {
  readonly name: string;
  readonly what: string;
  readonly against: string;
  readonly unit: string;
  readonly ours: number;
  readonly theirs: number;
  readonly ratio: number;
  readonly goal: number;
  readonly holds: boolean;
  readonly rounds: number;
}

const ROUNDS = 7;

/** The medians over several rounds, and of the rounds' ratios. */
export async function runCase(bench: BenchCase, onRound: (round: number) => void) {
  await using session = await bench.open();
  const rounds: Measured[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    onRound(round);
    rounds.push(await session.measure());
  }
  const ratio = median(rounds.map(({ ours, theirs }) => ours / theirs));
  const { name, what, against, unit, goal } = bench;
  return {
    name,
    what,
    against,
    unit,
    ours: median(rounds.map(({ ours }) => ours)),
    theirs: median(rounds.map(({ theirs }) => theirs)),
    ratio,
    goal,
    holds: ratio <= goal,
    rounds: ROUNDS,
  } satisfies BenchResult;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
