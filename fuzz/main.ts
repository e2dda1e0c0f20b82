/**
 * `deno task fuzz`: feeds mutated input to everything that takes input from
 * outside, and says what does worse than refuse it.
 *
 * @module
 */
import { Command, Option } from "commander";
import { drawSeed, positiveInteger, runProgram } from "../lib/cli.ts";
import { systemClock } from "../lib/clock.ts";
import { type Batch, BATCH_INPUTS, Fuzzer, TARGETS } from "./batch.ts";
import { FuzzTally } from "./fuzz_tally.ts";
import { planBatches } from "./plan.ts";
import type { WorkerReport } from "./worker_main.ts";

interface Flags {
  readonly inputs: number;
  readonly target?: string;
  readonly seed?: number;
  readonly workers: number;
}

const INPUTS_DEFAULT = 1_000_000;
const PROGRESS_MS = 10_000;
/** A batch that takes longer than this hangs. */
const BATCH_MS_MAX = 300_000;

const EPILOGUE = `
Inputs are real messages, manifests and snapshots with some of their bits, lengths
or values changed. Each must be taken or refused in bounded time: nothing else may
be thrown, nothing may hang, and the memory in use must not grow.

Examples:
  deno task fuzz --inputs 100000
  deno task fuzz --target codec --seed 42`;

async function main(args: string[]): Promise<void> {
  const names = TARGETS.map(({ name }) => name);
  const program = new Command("deno task fuzz")
    .description("Feed mutated input to whatever takes input from outside.")
    .option("--inputs <n>", "how many, over all targets", positiveInteger, INPUTS_DEFAULT)
    .addOption(new Option("--target <name>", "this one alone").choices(names))
    .option("--seed <n>", "of the first batch; another each time by default", positiveInteger)
    .option("--workers <n>", "threads", positiveInteger, navigator.hardwareConcurrency)
    .addHelpText("after", `${EPILOGUE}\n\nWith --target and --seed: that one batch.`)
    .allowExcessArguments(false);
  program.parse(args, { from: "user" });
  const flags = program.opts<Flags>();
  const { target, seed } = flags;
  const isGood = target !== undefined && seed !== undefined
    ? await runOne({ target, seed, inputs: BATCH_INPUTS })
    : await runMany(flags);
  if (!isGood) Deno.exit(1);
}

async function runOne(batch: Batch): Promise<boolean> {
  const { failure, ...outcome } = await new Fuzzer(systemClock).run(batch);
  console.log(failure ?? JSON.stringify(outcome, null, 2));
  return failure === undefined;
}

async function runMany({ inputs, target, workers, seed = drawSeed() }: Flags): Promise<boolean> {
  console.log(`batches of ${BATCH_INPUTS} inputs, from seed ${seed} on`);
  const targets = TARGETS.filter(({ name }) => target === undefined || name === target);
  const batches = planBatches(targets, { inputs, seed });
  const tally = new FuzzTally();
  const startedAt = systemClock.now();
  let saidAt = startedAt;
  const onReport = (worker: number, report: WorkerReport) => {
    tally.add(worker, report);
    if (report.outcome.failure) console.log(report.outcome.failure);
    const now = systemClock.now();
    if (now - saidAt < PROGRESS_MS) return;
    saidAt = now;
    console.log(tally.progress(now - startedAt));
  };
  await Promise.all(
    Array.from(
      { length: workers },
      (_, worker) => work(batches, (report) => onReport(worker, report)),
    ),
  );
  console.log(tally.summary(systemClock.now() - startedAt));
  return tally.isGood;
}

/** Runs batch after batch on a thread, until there are no more. */
async function work(
  batches: Iterator<Batch>,
  onReport: (report: WorkerReport) => void,
): Promise<void> {
  const worker = new Worker(new URL("./worker_main.ts", import.meta.url), { type: "module" });
  try {
    for (let next = batches.next(); !next.done; next = batches.next()) {
      onReport(await runBatch(worker, next.value));
    }
  } finally {
    worker.terminate();
  }
}

function runBatch(worker: Worker, batch: Batch): Promise<WorkerReport> {
  const what = `seed ${batch.seed} of target ${batch.target}`;
  const { promise, resolve, reject } = Promise.withResolvers<WorkerReport>();
  const watchdog = systemClock.after(
    BATCH_MS_MAX,
    () => reject(new Error(`It hangs: ${what} has taken more than ${BATCH_MS_MAX} ms`)),
  );
  worker.onerror = ({ message }) => reject(new Error(`A worker has ended in ${what}: ${message}`));
  worker.onmessage = ({ data }: MessageEvent<WorkerReport>) => resolve(data);
  worker.postMessage(batch);
  return promise.finally(() => watchdog.cancel());
}

if (import.meta.main) await runProgram(() => main(Deno.args));
