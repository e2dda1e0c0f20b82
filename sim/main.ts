/**
 * `deno task sim`: runs simulations, and says which seeds break a promise.
 *
 * @module
 */
import { Command } from "commander";
import { drawSeed, positiveInteger, runProgram } from "../lib/cli.ts";
import { systemClock } from "../lib/clock.ts";
import { isFailure, runSeed, type SeedOutcome } from "./seed_run.ts";
import { describeFailure, Tally } from "./tally.ts";
import type { SeedRange } from "./worker_main.ts";

interface Flags {
  readonly seeds: number;
  readonly seed?: number;
  readonly from?: number;
  readonly workers: number;
  readonly snapshots: boolean;
  readonly trace?: true;
}

const SEEDS_DEFAULT = 1000;
/** Seeds that a worker takes at a time. */
const BATCH_SEEDS = 25;
const PROGRESS_MS = 5000;

const EPILOGUE = `
A seed stands for a small world, its systems, what is commanded from outside, and
all that goes wrong: messages that are lost, late, doubled or reordered, processes
that are killed or stand still, connections that break, servers that restart. The
same seed gives the same run, event by event.

Examples:
  deno task sim --seeds 10000
  deno task sim --seed 42 --trace`;

async function main(args: string[]): Promise<void> {
  const program = new Command("deno task sim")
    .description("Run the coordinator, the runtime and recovery on a faulty network.")
    .option("--seeds <n>", "how many seeds to run", positiveInteger, SEEDS_DEFAULT)
    .option("--seed <n>", "run this seed alone", positiveInteger)
    .option("--from <n>", "the first seed; new ones each time by default", positiveInteger)
    .option("--workers <n>", "threads", positiveInteger, navigator.hardwareConcurrency)
    .option("--no-snapshots", "with --seed: take none but the first, whatever the seed has drawn")
    .option("--trace", "with --seed: say what happens, line by line")
    .addHelpText("after", EPILOGUE)
    .allowExcessArguments(false);
  program.parse(args, { from: "user" });
  const flags = program.opts<Flags>();
  const isGood = flags.seed === undefined ? await runMany(flags) : await runOne(flags.seed, flags);
  if (!isGood) Deno.exit(1);
}

async function runOne(
  seed: number,
  { trace, snapshots: hasSnapshots }: Flags,
): Promise<boolean> {
  const onLine = trace && ((line: string) => console.log(line));
  const outcome = await runSeed(seed, { onLine, hasSnapshots });
  console.log(isFailure(outcome) ? describeFailure(outcome) : JSON.stringify(outcome, null, 2));
  return !isFailure(outcome);
}

async function runMany({ seeds, workers, from = drawSeed() }: Flags): Promise<boolean> {
  console.log(`seeds ${from} to ${from + seeds - 1}`);
  const startedAt = systemClock.now();
  const tally = new Tally();
  let saidAt = startedAt;
  const ranges = rangesOf(from, seeds);
  const onOutcome = (outcome: SeedOutcome) => {
    tally.add(outcome);
    if (isFailure(outcome)) console.log(describeFailure(outcome));
    const now = systemClock.now();
    if (now - saidAt < PROGRESS_MS) return;
    saidAt = now;
    console.log(tally.progress(now - startedAt));
  };
  await Promise.all(Array.from({ length: workers }, () => work(ranges, onOutcome)));
  console.log(tally.summary(systemClock.now() - startedAt));
  return tally.failures.length === 0;
}

function* rangesOf(first: number, count: number): Generator<SeedRange> {
  for (let done = 0; done < count; done += BATCH_SEEDS) {
    yield { first: first + done, count: Math.min(BATCH_SEEDS, count - done) };
  }
}

/** Runs range after range on a thread, until there are no more. */
async function work(
  ranges: Iterator<SeedRange>,
  onOutcome: (outcome: SeedOutcome) => void,
): Promise<void> {
  const worker = new Worker(new URL("./worker_main.ts", import.meta.url), { type: "module" });
  try {
    for (let next = ranges.next(); !next.done; next = ranges.next()) {
      await runRange(worker, next.value, onOutcome);
    }
  } finally {
    worker.terminate();
  }
}

function runRange(
  worker: Worker,
  range: SeedRange,
  onOutcome: (outcome: SeedOutcome) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let missing = range.count;
    worker.onerror = (event) => reject(new Error(`A worker has failed: ${event.message}`));
    worker.onmessage = ({ data }: MessageEvent<SeedOutcome>) => {
      onOutcome(data);
      if (--missing === 0) resolve();
    };
    worker.postMessage(range);
  });
}

if (import.meta.main) await runProgram(() => main(Deno.args));
