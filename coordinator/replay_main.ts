/**
 * `deno task replay`: takes a world back to any tick that is retained, runs its
 * systems again to compare them with the log, or begins another world from there.
 *
 * @module
 */
import { Command, InvalidArgumentError } from "commander";
import type { Bus } from "../lib/bus/bus.ts";
import { type Log, StreamNotFoundError } from "../lib/bus/log.ts";
import { runProgram, terminalReport } from "../lib/cli.ts";
import { systemDateMs } from "../lib/clock.ts";
import { loadManifests } from "../lib/manifest/load.ts";
import { connectProgram, NATS_DEFAULT, natsOption } from "../lib/nats_connection.ts";
import { loadScript } from "../lib/runtime/load_script.ts";
import { encodeSnapshot, writeFile } from "../lib/snapshot/snapshot_file.ts";
import { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { toJson } from "../lib/plain_json.ts";
import { UserError } from "../lib/user_error.ts";
import { createSubjects, PREFIX_DEFAULT } from "../lib/wire/subjects.ts";
import { Progress } from "./progress.ts";
import { replayRange, snapshotOf, summarizeWorld, type Verification } from "./replay.ts";
import { ReplayError } from "./replica.ts";
import { replayJson, ticksText, verifiedText, worldText } from "./replay_text.ts";
import { SnapshotCommands } from "./snapshot_commands.ts";
import { writeWhole } from "./snapshot_paths.ts";
import { type Heading, infoText } from "./snapshot_text.ts";
import { Timeline } from "./timeline.ts";

interface Flags {
  readonly from?: number;
  readonly to?: number;
  readonly verify?: true;
  readonly export?: string;
  readonly fork?: string;
  readonly manifests: string;
  readonly nats: string;
  readonly prefix: string;
  readonly json?: true;
}

const DESCRIPTION = `Take a world back to any tick that is retained, and print what it was like.

It is built again from the newest snapshot before that tick and the log after it,
beside whatever coordinator is running, and its digest is compared with the log's
at every tick.`;

const EPILOGUE = `
What is retained goes from the oldest snapshot that is kept to the newest tick. Where
components.yaml changed in between, a replay goes up to that tick or from it on. With
--verify the systems' scripts are run again over what they were run over, as long as
the components were those of the manifests, and the first tick, system, component and
entity that differ are named; it then exits with 1.

Examples:
  deno task replay --to 1200
  deno task replay --from 1200 --to 1260
  deno task replay --from 1200 --verify
  deno task replay --to 1200 --fork what_if
  deno task coord --prefix what_if`;

async function main(args: string[]): Promise<void> {
  const program = new Command("deno task replay")
    .description(DESCRIPTION)
    .option("--from <tick>", "print every tick from this one on, or verify from it", tickNumber)
    .option("--to <tick>", "the tick to go to; the newest by default", tickNumber)
    .option("--verify", "run the systems again, and compare what they give with the log")
    .option("--manifests <dir>", "folder of the manifests, for --verify", "manifests")
    .option("--export <file>", "write the world at that tick to a file")
    .option("--fork <prefix>", "begin another world with it, under this prefix")
    .addOption(natsOption(NATS_DEFAULT))
    .option("--prefix <subject>", "prefix of all subjects", PREFIX_DEFAULT)
    .option("--json", "print one JSON object")
    .addHelpText("after", EPILOGUE)
    .allowExcessArguments(false);
  program.parse(args, { from: "user" });
  const flags = program.opts<Flags>();
  const report = terminalReport("replay");
  const verify = flags.verify && await loadVerification(flags.manifests);
  const { bus, log } = await connectProgram(flags.nats, { name: "replay", report });
  try {
    await replay(flags, { bus, log, verify });
  } catch (cause) {
    if (!(cause instanceof ReplayError || cause instanceof StreamNotFoundError)) throw cause;
    throw new UserError(cause.message, { cause });
  } finally {
    await bus.close();
  }
}

async function loadVerification(folder: string): Promise<Verification> {
  const { schema, systems } = await loadManifests(folder);
  const loaded = systems.map(async (manifest) => {
    const { run } = await loadScript(manifest);
    return [manifest.name, { manifest, run }] as const;
  });
  return { schema, systems: new Map(await Promise.all(loaded)) };
}

interface Connection {
  readonly bus: Bus;
  readonly log: Log;
}

async function replay(
  flags: Flags,
  { bus, log, verify }: Connection & { verify: Verification | undefined },
): Promise<void> {
  const { from, to, prefix } = flags;
  const ports = portsOf({ bus, log }, prefix);
  const timeline = await Timeline.open({ ...ports, report: terminalReport("replay") });
  using progress = new Progress("replaying", { isShown: Deno.stderr.isTerminal(), write });
  const replayed = await replayRange({
    timeline,
    from,
    to,
    verify,
    onTick: (tick, { first, to }) => progress.show(tick - first, to - first),
  });
  progress.end();
  const { replica, mismatch } = replayed;
  const kept: string[] = [];
  if (!mismatch && (flags.export ?? flags.fork) !== undefined) {
    const note = `tick ${replica.state.tick} of ${prefix}`;
    const snapshot = snapshotOf(replica, { createdAt: systemDateMs(), note });
    if (flags.export !== undefined) {
      await writeWhole(flags.export, writeFile(encodeSnapshot(snapshot)));
      kept.push(`wrote the world at tick ${replica.state.tick} to ${flags.export}`);
    }
    if (flags.fork !== undefined) {
      const commands = new SnapshotCommands(portsOf({ bus, log }, flags.fork));
      const info = await commands.begin(snapshot);
      kept.push(`begun ${flags.fork} with ${infoText(info)}`);
    }
  }
  const summary = summarizeWorld(replica);
  if (flags.json) console.log(toJson(replayJson(replayed, summary)));
  else {
    const ticks = from !== undefined && !verify ? [ticksText(replayed.ticks, heading), ""] : [];
    const verified = verify ? [verifiedText(replayed)] : [];
    const world = mismatch ? [] : [worldText(summary, heading)];
    console.log([...ticks, ...world, ...verified, ...kept].join("\n"));
  }
  if (mismatch) Deno.exitCode = 1;
}

function portsOf({ bus, log }: Connection, prefix: string) {
  const subjects = createSubjects(prefix);
  const { payloadBytesMax } = bus;
  const store = new SnapshotStore({ log, subjects, payloadBytesMax });
  return { bus, log, store, subjects };
}

const heading: Heading = (text) =>
  Deno.stdout.isTerminal() && !Deno.noColor ? `\x1b[1m${text}\x1b[22m` : text;

function write(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}

/** Parses a flag's value as the number of a tick. */
function tickNumber(text: string): number {
  const tick = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(tick)) return tick;
  throw new InvalidArgumentError("It takes the number of a tick, from 0.");
}

if (import.meta.main) await runProgram(() => main(Deno.args));
