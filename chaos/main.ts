/**
 * `deno task chaos`: kills and stops the processes of a running world at random
 * moments, and proves that nothing is lost.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { drawSeed, onStopSignal, positiveInteger, positiveNumber, runProgram } from "../lib/cli.ts";
import { systemClock } from "../lib/clock.ts";
import { errorMessage } from "../lib/error_message.ts";
import { loadManifests } from "../lib/manifest/load.ts";
import { Run, type RunResult } from "./run.ts";
import { formatTally, type Outcome, tally } from "./tally.ts";

interface Flags {
  readonly rounds: number;
  readonly seed: number;
  readonly hz: number;
  readonly manifests: string;
  readonly standby: boolean;
  readonly json?: true;
}

const WORLD = fileURLToPath(new URL("./world/manifests", import.meta.url));

const EPILOGUE = `
It starts a NATS server, two coordinators of which one stands by, and the systems'
instances, all as processes of their own. In each round some of them get a SIGKILL or
a SIGSTOP; what was killed is started again, what was stopped goes on, and the next
tick has to be committed. In the end a coordinator takes up the world from its log,
and its hash has to be that of the same world undisturbed. Exits with 1 when it is
not, when a tick is missing, or when a process ends that nobody killed.

The same seed draws the same faults; when exactly they strike is up to the machine.
With --manifests every system has to say \`on_miss: hold\`.

Examples:
  deno task chaos
  deno task chaos --rounds 200 --seed 7 --json`;

async function main(args: string[]): Promise<void> {
  const program = new Command("deno task chaos")
    .description("Kill and stop the processes of a running world, and lose nothing.")
    .option("--rounds <n>", "faults, one after the other", positiveInteger, 20)
    .option("--seed <n>", "what is drawn; by default another one each time", positiveInteger)
    .option("--hz <n>", "ticks a second", positiveNumber, 30)
    .option("--manifests <dir>", "folder of the manifests", WORLD)
    .option("--no-standby", "one coordinator alone")
    .option("--json", "print the result as one JSON object on the last line")
    .addHelpText("after", EPILOGUE)
    .allowExcessArguments(false);
  program.parse(args, { from: "user" });
  const flags = program.opts<Omit<Flags, "seed"> & { seed?: number }>();
  const seed = flags.seed ?? drawSeed();
  Deno.exit(await perform({ ...flags, seed }));
}

/** Resolves with the exit code. */
async function perform(flags: Flags): Promise<number> {
  const { rounds, seed, hz, standby: hasStandby } = flags;
  const report = (line: string) => console.error(line);
  const manifests = await loadManifests(flags.manifests);
  const dataDir = await Deno.makeTempDir({ prefix: "orrery-chaos-" });
  const stop = new AbortController();
  using _ = onStopSignal(() => stop.abort(new Stopped()));
  const outcomes: Outcome[] = [];
  report(`seed ${seed}`);
  try {
    const result = await Run.perform({
      manifests,
      dataDir,
      hz,
      hasStandby,
      rounds,
      seed,
      clock: systemClock,
      signal: stop.signal,
      report,
      onOutcome: (outcome) => outcomes.push(outcome),
    });
    return show(flags, outcomes, result);
  } catch (error) {
    console.log(formatTally(tally(outcomes)));
    const reason = errorMessage(error);
    console.error(`seed ${seed}, round ${outcomes.length + 1}: ${reason}`);
    return error instanceof Stopped ? 130 : 1;
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

class Stopped extends Error {
  override readonly message = "stopped";
}

function show(flags: Flags, outcomes: readonly Outcome[], result: RunResult): number {
  const { final: { ticks, entities, hash }, undisturbed, fenced } = result;
  const isSame = hash === undisturbed.hash && entities === undisturbed.entities;
  const faults = tally(outcomes);
  if (flags.json) {
    const { rounds, seed } = flags;
    const expected_hash = undisturbed.hash;
    console.log(
      JSON.stringify({
        seed,
        rounds,
        ticks,
        lost: 0,
        entities,
        hash,
        expected_hash,
        fenced,
        faults,
      }),
    );
  } else {
    console.log(formatTally(faults));
    console.log(`${ticks} ticks of ${entities} entities, each in the log exactly once`);
    console.log(`${fenced} coordinators were followed while they were stopped, and stepped down`);
    console.log(
      `hash ${hash}, undisturbed ${undisturbed.hash}: ${isSame ? "the same" : "DIFFERENT"}`,
    );
  }
  return isSame ? 0 : 1;
}

if (import.meta.main) await runProgram(() => main(Deno.args));
