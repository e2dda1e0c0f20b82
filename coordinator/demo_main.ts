/**
 * `deno task demo`: a whole world with everything that it needs, on one machine:
 * a NATS server, the coordinator, and every system's instances as processes.
 *
 * @module
 */
import { Command } from "commander";
import { drawId, onStopSignal, runProgram, syncInterval } from "../lib/cli.ts";
import { systemClock } from "../lib/clock.ts";
import { loadManifests } from "../lib/manifest/load.ts";
import type { Manifests } from "../lib/manifest/manifest.ts";
import { createRandom } from "../lib/random.ts";
import { limitWarnings, type Report } from "../lib/report.ts";
import { createSubjects, PREFIX_DEFAULT } from "../lib/wire/subjects.ts";
import { openConnection, openEmbedded } from "./connection.ts";
import { Coordinator } from "./coordinator.ts";
import { EditorProcess } from "./editor_process.ts";
import { Local, LOCAL_GRAIN } from "./local.ts";
import { StatusDisplay } from "./status_display.ts";
import { formatSummary, statusLine, summarize, type Summary } from "./summary.ts";
import { Supervisor } from "./supervisor.ts";
import { SupervisorService } from "./supervisor_service.ts";
import { addWorldFlags, chooseWorld, snapshotPolicy, type WorldFlags } from "./world_flags.ts";

interface Flags extends WorldFlags {
  readonly nats?: string;
  readonly data?: string;
  readonly sync?: string;
  readonly prefix: string;
  readonly local?: true;
  readonly editor: boolean;
  readonly json?: true;
}

const EPILOGUE = `
It starts a NATS server of its own (and fetches one where the machine has none),
the coordinator, as many processes per system as its manifest says, and the editor,
whose address it prints. Ctrl-C ends them all. With --local everything runs in this
one process, without a server, and gives the same world to the bit.

Examples:
  deno task demo
  deno task demo --ticks 300 --json
  deno task demo --local --max-speed --ticks 1000`;

const SECOND_MS = 1000;

async function main(args: string[]): Promise<void> {
  const program = addWorldFlags(new Command("deno task demo"))
    .description("Run a world: NATS server, coordinator and systems.")
    .option("--nats <url>", "use this NATS server instead of an own one")
    .option("--data <dir>", "where the own NATS server keeps its streams")
    .option("--sync <time>", "how often it syncs them to the disk, or always", syncInterval)
    .option("--prefix <subject>", "prefix of all subjects", PREFIX_DEFAULT)
    .option("--local", "run all in this process, on an in-memory bus")
    .option("--no-editor", "without the web editor")
    .option("--json", "print the summary as one JSON object on the last line")
    .addHelpText("after", EPILOGUE)
    .allowExcessArguments(false);
  program.parse(args, { from: "user" });
  const flags = program.opts<Flags>();
  const summary = await runDemo(flags, await loadManifests(flags.manifests));
  console.log(flags.json ? JSON.stringify(summary) : formatSummary(summary));
}

async function runDemo(flags: Flags, manifests: Manifests): Promise<Summary> {
  using display = new StatusDisplay(systemClock);
  const report = limitWarnings(display.report, systemClock);
  const stop = new AbortController();
  using _ = onStopSignal((count) => count > 1 ? Deno.exit(130) : stop.abort());
  const run = { flags, manifests, report, display, signal: stop.signal };
  return flags.local ? await runLocal(run) : await runProcesses(run);
}

interface Run {
  readonly flags: Flags;
  readonly manifests: Manifests;
  readonly report: Report;
  readonly display: StatusDisplay;
  readonly signal: AbortSignal;
}

async function runProcesses(run: Run): Promise<Summary> {
  const { flags, manifests, report } = run;
  await using connection = flags.nats === undefined
    ? await openEmbedded({ data: flags.data, sync: flags.sync, report })
    : await openConnection({ nats: flags.nats, sync: flags.sync, report });
  const coordinator = await connection.during(() => openCoordinator(run, connection));
  const subjects = createSubjects(flags.prefix);
  const { prefix } = subjects;
  const process = { env: connection.env, prefix, clock: systemClock, report };
  await using supervisor = new Supervisor({
    ...process,
    manifests,
    nameInstance: (system) => `${system}-${drawId()}`,
  });
  supervisor.start();
  using _ = new SupervisorService({ bus: connection.bus, subjects, supervisor, report });
  await using _editor = flags.editor ? new EditorProcess(process) : undefined;
  report.info(`started ${count(manifests)} instances of ${manifests.systems.length} systems`);
  return await connection.during(() => watch(run, coordinator));
}

async function runLocal(run: Run): Promise<Summary> {
  const { manifests, report, flags } = run;
  const subjects = createSubjects(flags.prefix);
  await using local = new Local({
    manifests,
    subjects,
    clock: systemClock,
    report,
    random: createRandom(1),
  });
  const coordinator = await openCoordinator(
    { ...run, flags: { grain: LOCAL_GRAIN, ...flags } },
    local.connect("coordinator"),
  );
  await local.start();
  return await watch(run, coordinator);
}

function openCoordinator(
  { flags, manifests, report }: Run,
  { bus, log }: ReturnType<Local["connect"]>,
): Promise<Coordinator> {
  return Coordinator.open({
    bus,
    log,
    clock: systemClock,
    subjects: createSubjects(flags.prefix),
    manifests,
    world: chooseWorld(manifests, flags.world),
    hz: flags.hz,
    isUnpaced: flags.maxSpeed === true,
    isResident: flags.resident,
    isBarrier: flags.barrier === true,
    grain: flags.grain,
    snapshots: snapshotPolicy(flags),
    replicas: 1,
    report: { info: () => {}, warn: (line) => report.warn(line) },
  });
}

/** Runs the ticks with a status line, until they are done or Ctrl-C. */
async function watch(
  { flags, display, report, signal }: Run,
  coordinator: Coordinator,
): Promise<Summary> {
  signal.addEventListener("abort", () => {
    report.info("stopping");
    coordinator.stop({ abandon: true });
  }, { once: true });
  if (signal.aborted) coordinator.stop();
  let last = { tick: 0, at: systemClock.now() };
  display.show(() => {
    const now = { tick: coordinator.tickNumber, at: systemClock.now() };
    const ticksPerSecond = (now.tick - last.tick) / (now.at - last.at) * SECOND_MS;
    last = now;
    return statusLine(coordinator, { ticksPerSecond });
  });
  await coordinator.run(flags.ticks);
  return summarize(coordinator);
}

function count({ systems }: Manifests): number {
  return systems.reduce((sum, { instances }) => sum + instances, 0);
}

if (import.meta.main) await runProgram(() => main(Deno.args));
