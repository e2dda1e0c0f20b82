/**
 * `deno task coord`: runs the coordinator until its last tick, or until it is
 * told to stop.
 *
 * @module
 */
import { Command, Option } from "commander";
import {
  LOG_JSON,
  onStopSignal,
  positiveInteger,
  runProgram,
  syncInterval,
  tickReport,
} from "../lib/cli.ts";
import { systemClock, type Timer } from "../lib/clock.ts";
import { digestHex } from "../lib/ecs/digest.ts";
import { loadManifests } from "../lib/manifest/load.ts";
import { natsOption } from "../lib/nats_connection.ts";
import type { Report } from "../lib/report.ts";
import { createSubjects, PREFIX_DEFAULT } from "../lib/wire/subjects.ts";
import { FencedError } from "./fence.ts";
import { openConnection } from "./connection.ts";
import { Coordinator, type CoordinatorOptions } from "./coordinator.ts";
import { addWorldFlags, chooseWorld, snapshotPolicy, type WorldFlags } from "./world_flags.ts";

interface Flags extends WorldFlags {
  readonly nats?: string;
  readonly data?: string;
  readonly sync?: string;
  readonly prefix: string;
  readonly replicas: number;
  readonly takeover?: true;
  readonly migrate?: true;
  readonly standby?: true;
  readonly logJson?: true;
}

const EPILOGUE = `
Without --nats and NATS_URL it connects to nats://localhost:4222 and, where no
server answers there, starts one of its own. Start systems beside it with
\`deno task system <name>\`, as many instances as you like, at any time.

It goes on with the world that its log holds; --world matters to a new one only.
Where another coordinator leads that world, it does not start. Ctrl-C ends it after
the tick that is running; a second one at once. It ends with code 3 when another
coordinator has taken its place.

Examples:
  deno task coord
  deno task coord --world flock --hz 30
  deno task coord --nats nats://10.0.0.5:4222 --manifests ../my_world/manifests`;

const FENCED_EXIT_CODE = 3;
/** How long the tick that runs may take to end once a stop is asked for. */
const STOP_TICK_MS = 2000;

async function main(args: string[]): Promise<void> {
  const program = addWorldFlags(new Command("deno task coord"))
    .description("Run the coordinator: the authority over one world.")
    .addOption(natsOption())
    .option("--data <dir>", "where an embedded NATS server keeps its streams")
    .option("--sync <time>", "how often it syncs them to the disk, or always", syncInterval)
    .option("--prefix <subject>", "prefix of all subjects", PREFIX_DEFAULT)
    .option("--replicas <n>", "copies of the streams in a cluster, at least", positiveInteger, 1)
    .addOption(
      new Option("--standby", "follow the coordinator that leads, and take its place when it ends")
        .conflicts("takeover"),
    )
    .option("--takeover", "take the place of a coordinator that leads this world now")
    .option("--migrate", "go on even if values are lost that components.yaml has no place for")
    .option(...LOG_JSON)
    .addHelpText("after", EPILOGUE)
    .allowExcessArguments(false);
  program.parse(args, { from: "user" });
  await coordinate(program.opts<Flags>());
}

/** So that whoever restarts what ends with an error can tell that there is nothing to restart. */
function exitWhenFenced(error: unknown): never {
  if (!(error instanceof FencedError)) throw error;
  console.error(error.message);
  Deno.exit(FENCED_EXIT_CODE);
}

async function coordinate(flags: Flags): Promise<void> {
  const report = tickReport("coord", flags);
  const manifests = await loadManifests(flags.manifests);
  const world = chooseWorld(manifests, flags.world);
  await using connection = await openConnection({ ...flags, report });
  const options: CoordinatorOptions = {
    bus: connection.bus,
    log: connection.log,
    clock: systemClock,
    subjects: createSubjects(flags.prefix),
    manifests,
    world,
    hz: flags.hz,
    isUnpaced: flags.maxSpeed === true,
    isResident: flags.resident,
    isBarrier: flags.barrier === true,
    grain: flags.grain,
    snapshots: snapshotPolicy(flags),
    replicas: flags.replicas,
    takeover: flags.takeover === true,
    isLossAllowed: flags.migrate === true,
    report,
  };
  const coordinator = await connection.during(() => openCoordinator(flags, options));
  if (coordinator === undefined) return report.info("stopped");
  report.follow(() => coordinator.tickNumber);
  report.info(
    `world ${world?.name ?? "(empty)"} with ${coordinator.entityCount} entities and ` +
      `${manifests.systems.length} systems is up at ${connection.name}`,
  );
  await connection.during(() => run(coordinator, flags, report));
}

/** Undefined when it was to stand by, and was stopped before it could lead. */
async function openCoordinator(
  flags: Flags,
  options: CoordinatorOptions,
): Promise<Coordinator | undefined> {
  if (!flags.standby) return await Coordinator.open(options);
  const stop = new AbortController();
  using _ = onStopSignal(() => stop.abort());
  options.report.info("standing by");
  return await Coordinator.standBy(options, stop.signal);
}

async function run(coordinator: Coordinator, flags: Flags, report: Report): Promise<void> {
  let deadline: Timer | undefined;
  using _ = onStopSignal((count) => {
    if (count > 1) return coordinator.stop({ abandon: true });
    report.info("stopping after this tick");
    coordinator.stop();
    deadline = systemClock.after(STOP_TICK_MS, () => coordinator.stop({ abandon: true }));
  });
  await coordinator.run(flags.ticks).finally(() => deadline?.cancel());
  report.info(`stopped at tick ${coordinator.tickNumber}`);
  console.log(JSON.stringify({
    ticks: coordinator.tickNumber,
    entities: coordinator.entityCount,
    hash: digestHex(coordinator.digest()),
  }));
}

if (import.meta.main) await runProgram(() => main(Deno.args).catch(exitWhenFenced));
