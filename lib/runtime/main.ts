/**
 * `deno task system <name>`: runs one instance of a system until it is told to
 * stop. A script that is run by itself ends up here as well.
 *
 * @module
 */
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import type { Bus } from "../bus/bus.ts";
import type { Log } from "../bus/log.ts";
import { NoServerError } from "../bus/nats_dial.ts";
import {
  drawId,
  LOG_JSON,
  onStopSignal,
  positiveInteger,
  runProgram,
  stdinEnd,
  tickReport,
} from "../cli.ts";
import { delay, systemClock } from "../clock.ts";
import { errorMessage } from "../error_message.ts";
import { loadManifests } from "../manifest/load.ts";
import type { Manifests, SystemManifest } from "../manifest/manifest.ts";
import { suggestion } from "../manifest/nearest.ts";
import { connectProgram, NATS_DEFAULT, natsOption } from "../nats_connection.ts";
import type { Report } from "../report.ts";
import { UserError } from "../user_error.ts";
import { createSubjects, PREFIX_DEFAULT } from "../wire/subjects.ts";
import { Instance } from "./instance.ts";
import { loadScript } from "./load_script.ts";
import type { SystemDefinition } from "./system.ts";

interface Flags {
  readonly instance?: string;
  readonly manifests: string;
  readonly nats: string;
  readonly prefix: string;
  readonly credits: number;
  readonly stopWithStdin?: boolean;
  readonly logJson?: boolean;
}

/** Shards that an instance takes at a time: one to compute, the others on their way. */
const CREDITS_DEFAULT = 4;
const CONNECT_RETRY_MS = 1000;

const EPILOGUE = `
Start as many as you like, on as many machines as reach the NATS server; stop any
with Ctrl-C (it finishes what it has) or kill it (another takes over).

Examples:
  deno task system physics
  deno task system physics --nats nats://10.0.0.5:4222 --manifests ../my_world/manifests`;

function createCommand(name: string): Command {
  return new Command(name)
    .description("Run one instance of a system: the process that its script runs in.")
    .option("--manifests <dir>", "folder of the manifests", "manifests")
    .addOption(natsOption(NATS_DEFAULT))
    .option("--prefix <subject>", "prefix of all subjects", PREFIX_DEFAULT)
    .option("--credits <n>", "shards to take at a time", positiveInteger, CREDITS_DEFAULT)
    .option("--instance <id>", "what it is called, one word that no other has", instanceName)
    .option(...LOG_JSON)
    .option("--stop-with-stdin", "stop when standard input ends, as for a child process")
    .addHelpText("after", EPILOGUE)
    .allowExcessArguments(false);
}

/** `deno task system <name> [flags]` */
async function main(args: string[]): Promise<void> {
  const program = createCommand("deno task system").argument("<name>", "the system to run");
  program.parse(args, { from: "user" });
  const flags = program.opts<Flags>();
  const manifests = await loadManifests(flags.manifests);
  const manifest = systemNamed(manifests, program.args[0]);
  const definition = await loadScript(manifest);
  await runInstance(flags, { manifests, manifest, definition });
}

/** Runs a script's system from the script itself; its manifests are `../manifests` by default. */
export function runScript(url: string, definition: SystemDefinition): Promise<void> {
  return runProgram(async () => {
    const path = fileURLToPath(url);
    const name = basename(path, ".ts");
    const program = createCommand(basename(path)).parse(Deno.args, { from: "user" });
    const isGiven = program.getOptionValueSource("manifests") === "cli";
    const flags = program.opts<Flags>();
    const manifests = await loadManifests(
      isGiven ? flags.manifests : resolve(dirname(path), "../manifests"),
    );
    const manifest = manifests.systems.find(({ script }) => script === path) ??
      systemNamed(manifests, name);
    await runInstance(flags, { manifests, manifest, definition });
  });
}

async function runInstance(
  flags: Flags,
  { manifests, manifest, definition }: {
    manifests: Manifests;
    manifest: SystemManifest;
    definition: SystemDefinition;
  },
): Promise<void> {
  const subjects = createSubjects(flags.prefix);
  const instanceId = flags.instance ?? `${manifest.name}-${drawId()}`;
  const report = tickReport(instanceId, flags);
  const stop = new AbortController();
  using _ = onStopSignal((count) => count > 1 ? Deno.exit(130) : stop.abort());
  if (flags.stopWithStdin) stdinEnd().then(() => stop.abort());
  const connection = await connectPatiently(flags.nats, {
    name: instanceId,
    report,
    signal: stop.signal,
  });
  if (connection === undefined) return;
  const instance = new Instance({
    ...connection,
    clock: systemClock,
    subjects,
    manifests,
    manifest,
    definition,
    instanceId,
    credits: flags.credits,
    report,
  });
  report.follow(() => instance.tick);
  const stopped = new Promise<void>((resolve) => {
    if (stop.signal.aborted) resolve();
    stop.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  instance.start().catch((error) => {
    report.warn(errorMessage(error));
    stop.abort();
  });
  await stopped;
  await instance.stop();
  await connection.bus.close();
  report.info("stopped");
  // Standard input may still be read, which would keep the process alive.
  if (flags.stopWithStdin) Deno.exit(0);
}

/** Connects as soon as there is a server; undefined when it was stopped before. */
async function connectPatiently(
  servers: string,
  { name, report, signal }: { name: string; report: Report; signal: AbortSignal },
): Promise<{ bus: Bus; log: Log } | undefined> {
  let isSaid = false;
  while (!signal.aborted) {
    try {
      return await connectProgram(servers, { name, report });
    } catch (error) {
      if (!(error instanceof NoServerError)) throw error;
      if (!isSaid) report.warn(`${error.message}; trying again until one answers`);
      isSaid = true;
      await delay(systemClock, CONNECT_RETRY_MS, signal);
    }
  }
  return undefined;
}

function systemNamed({ systems, folder }: Manifests, name: string): SystemManifest {
  const manifest = systems.find((system) => system.name === name);
  if (manifest !== undefined) return manifest;
  const names = systems.map((system) => system.name);
  throw new UserError(
    `Cannot run system "${name}": ${folder} has no ${name}.yaml${suggestion(name, names)}`,
  );
}

/** Parses a flag's value as an instance's id. */
function instanceName(text: string): string {
  if (/^[^\s.*>]{1,256}$/.test(text)) return text;
  throw new InvalidArgumentError('It takes one word without ".", "*" and ">".');
}

if (import.meta.main) await runProgram(() => main(Deno.args));
