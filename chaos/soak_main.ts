/**
 * `deno task soak`: runs a world at full speed for a long time and says whether
 * memory, handles and streams stay as they are.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { chooseWorld } from "../coordinator/world_flags.ts";
import { onStopSignal, positiveNumber, runProgram } from "../lib/cli.ts";
import { systemClock } from "../lib/clock.ts";
import { errorMessage } from "../lib/error_message.ts";
import { loadManifests } from "../lib/manifest/load.ts";
import { createRandom } from "../lib/random.ts";
import { UserError } from "../lib/user_error.ts";
import type { Flatness } from "./flatness.ts";
import { Soak, type SoakResult } from "./soak.ts";
import { formatTable } from "./tally.ts";

interface Flags {
  readonly minutes: number;
  readonly manifests: string;
  readonly world?: string;
  readonly json?: true;
}

const MANIFESTS = fileURLToPath(new URL("../manifests", import.meta.url));
const MINUTE_MS = 60_000;
const MEBIBYTE = 1024 * 1024;

const EPILOGUE = `
It starts a NATS server, a coordinator and the systems' instances as processes, lets
the world run as fast as it goes, spawns and despawns entities, and has instances
join, leave and die. It passes, and exits with 0, when in the last third of the time no
process takes 5 % more memory than in the middle third (the server: than its log has
grown), none has more handles open, and no stream is larger.

Examples:
  deno task soak
  deno task soak --minutes 5 --json`;

async function main(args: string[]): Promise<void> {
  const program = new Command("deno task soak")
    .description("Run a world at full speed for long, and measure what it takes.")
    .option("--minutes <n>", "how long", positiveNumber, 30)
    .option("--manifests <dir>", "folder of the manifests", MANIFESTS)
    .option("--world <name>", "world to start with; by default the folder's only one")
    .option("--json", "print the result as one JSON object on the last line")
    .addHelpText("after", EPILOGUE)
    .allowExcessArguments(false);
  program.parse(args, { from: "user" });
  Deno.exit(await perform(program.opts<Flags>()));
}

/** Resolves with the exit code. */
async function perform(flags: Flags): Promise<number> {
  const manifests = await loadManifests(flags.manifests);
  const world = chooseWorld(manifests, flags.world);
  if (world === undefined) throw new UserError(`Cannot soak: ${flags.manifests} has no world`);
  const dataDir = await Deno.makeTempDir({ prefix: "orrery-soak-" });
  const stop = new AbortController();
  using _ = onStopSignal(() => stop.abort(new Error("stopped")));
  try {
    const result = await Soak.perform({
      manifests,
      world,
      dataDir,
      durationMs: flags.minutes * MINUTE_MS,
      clock: systemClock,
      random: createRandom(1),
      signal: stop.signal,
      report: (line) => console.error(line),
    });
    return show(flags, result);
  } catch (error) {
    console.error(errorMessage(error));
    return stop.signal.aborted ? 130 : 1;
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

function show({ json, minutes }: Flags, result: SoakResult): number {
  const { ticks, memory, handles, streams } = result;
  const isPassed = [...memory, ...handles, ...streams].every(({ isFlat }) => isFlat);
  if (json) {
    console.log(JSON.stringify({ minutes, ...result, passed: isPassed }));
  } else {
    const head = ["", "first third", "middle", "last", "growth", ""];
    const mebibytes = (value: number) => `${(value / MEBIBYTE).toFixed(1)} MiB`;
    const rows = [
      ...memory.map((line) => row(line, "memory", mebibytes)),
      ...handles.map((line) => row(line, "handles", (value) => `${value}`)),
      ...streams.map((line) => row(line, "stream", mebibytes)),
    ];
    console.log(formatTable([head, ...rows]));
    console.log(`${ticks} ticks in ${minutes} minutes: ${isPassed ? "passed" : "FAILED"}`);
  }
  return isPassed ? 0 : 1;
}

function row(
  { what, thirds, growth, isFlat }: Flatness,
  kind: string,
  format: (value: number) => string,
): string[] {
  const percent = `${(100 * growth).toFixed(1)} %`;
  return [`${kind}, ${what}`, ...thirds.map(format), percent, isFlat ? "flat" : "GROWS"];
}

if (import.meta.main) await runProgram(() => main(Deno.args));
