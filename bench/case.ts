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
  /** What the two numbers do not say, in a line. */
  readonly note?: string;
}

export interface BenchCase {
  readonly name: string;
  /** What is measured, in one line. */
  readonly what: string;
  /** What it is compared with. */
  readonly against: string;
  readonly unit: string;
  /** What the ratio ours / theirs is to be, at most unless `bound` says otherwise. */
  readonly goal: number;
  readonly bound?: Bound;
  /** Both sides once; a case keeps what is costly to set up between its rounds. */
  open(): Promise<BenchSession>;
}

/** Where `ours` is a rate, more is better. */
export type Bound = "at most" | "at least";

export interface BenchSession extends AsyncDisposable {
  /** @throws {Error} when a side gave a wrong result. */
  measure(): Promise<Measured>;
}

/**
 * Opens a session: `open` puts what is to end with it on the stack, and returns
 * what measures both sides.
 */
export async function openSession(
  open: (stack: AsyncDisposableStack) => Promise<BenchSession["measure"]>,
): Promise<BenchSession> {
  await using stack = new AsyncDisposableStack();
  const measure = await open(stack);
  const resources = stack.move();
  return { measure, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

/** @throws {Error} when two worlds that should be the same are not. */
export function expectSame(ours: Digested, theirs: Digested): void {
  const [digest, expected] = [ours.digest(), theirs.digest()];
  if (digest !== expected) throw new Error(`Cannot use a wrong result: ${digest}, not ${expected}`);
}

interface Digested {
  digest(): bigint;
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
  readonly bound: Bound;
  readonly holds: boolean;
  readonly rounds: number;
  /** Of the last round. */
  readonly note?: string;
}

/** The first round is for the engines' compilers, and does not count. */
const WARM_UP_ROUNDS = 1;
const ROUNDS = 5;

/** The medians over several rounds, and of the rounds' ratios. */
export async function runCase(
  bench: BenchCase,
  onRound: (round: number, measured: Measured) => void,
): Promise<BenchResult> {
  await using session = await bench.open();
  for (let round = 1; round <= WARM_UP_ROUNDS; round++) await session.measure();
  const rounds: Measured[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const measured = await session.measure();
    rounds.push(measured);
    onRound(round, measured);
  }
  const ratio = median(rounds.map(({ ours, theirs }) => ours / theirs));
  const { name, what, against, unit, goal, bound = "at most" } = bench;
  const note = rounds.at(-1)?.note;
  return {
    name,
    what,
    against,
    unit,
    ours: median(rounds.map(({ ours }) => ours)),
    theirs: median(rounds.map(({ theirs }) => theirs)),
    ratio,
    goal,
    bound,
    holds: bound === "at most" ? ratio <= goal : ratio >= goal,
    rounds: ROUNDS,
    ...(note !== undefined && { note }),
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
