/**
 * What it takes to lose nothing: to take up a large world from its log, to take
 * the place of a coordinator that has died, and to take a snapshot.
 *
 * @module
 */
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-deno";
import { fileURLToPath } from "node:url";
import { CommitWatch } from "../chaos/commit_watch.ts";
import { Troupe } from "../chaos/troupe.ts";
import { delay, systemClock } from "../lib/clock.ts";
import { loadManifests } from "../lib/manifest/load.ts";
import { createSubjects } from "../lib/wire/subjects.ts";
import { BareWorld } from "./bare_world.ts";
import { BenchWorld, PREFIX } from "./bench_world.ts";
import { type BenchCase, expectSame, openSession } from "./case.ts";
import { HZ, physicsSetting } from "./setting.ts";

const LARGE = { bodies: 1_000_000, ticks: 3 };
/** Of a tick; what a snapshot may pause the loop for at the least. */
const PERIOD_MS = 1000 / HZ;
const PAUSE_TICKS = 2;
const TAKEOVER_MS = 1000;

export const durabilityCases: readonly BenchCase[] = [
  {
    name: "recovery",
    what: "a coordinator takes up 1M bodies from snapshot and log",
    against: "a bare client that reads the same streams",
    unit: "ms",
    goal: 2,
    open: openRecovery,
  },
  {
    name: "takeover",
    what: "the next tick after the coordinator is killed, 1 standing by",
    against: "1 second",
    unit: "ms",
    goal: 1,
    open: openTakeover,
  },
  {
    name: "snapshot_pause",
    what:
      "the longest that the coordinator does nothing else while a snapshot of 1M bodies is made",
    against: "2 ticks at 60 Hz, or a bare copy of all columns where that takes longer",
    unit: "ms",
    goal: 1,
    open: openPause,
  },
];

function openRecovery() {
  return openSession(async (stack) => {
    const setting = await physicsSetting(LARGE.bodies);
    const world = stack.use(await BenchWorld.open({ setting }));
    await world.run(LARGE.ticks);
    const bare = await BareWorld.open(setting);
    await bare.run(LARGE.ticks);
    return async () => {
      const ours = await world.restart();
      expectSame(world, bare);
      const { ms, bytes } = await readStreams(world.servers);
      return { ours, theirs: ms, note: `${Math.round(bytes / 2 ** 20)} MiB` };
    };
  });
}

/** Reads every message of the snapshots' and the components' stream, and does nothing with it. */
async function readStreams(servers: string): Promise<{ ms: number; bytes: number }> {
  const connection = await connect({ servers });
  const { components, snapshots } = createSubjects(PREFIX).streams;
  const client = jetstream(connection);
  const manager = await jetstreamManager(connection);
  const startedAt = performance.now();
  let bytes = 0;
  for (const stream of [snapshots, components]) {
    let { messages } = (await manager.streams.info(stream)).state;
    if (messages === 0) continue;
    const consumer = await client.consumers.get(stream);
    for await (const message of await consumer.consume({ max_messages: 64 })) {
      bytes += message.data.length;
      if (--messages === 0) break;
    }
  }
  const ms = performance.now() - startedAt;
  await connection.close();
  return { ms, bytes };
}

const CHAOS_WORLD = fileURLToPath(new URL("../chaos/world/manifests", import.meta.url));

function openTakeover() {
  return openSession(async (stack) => {
    const manifests = await loadManifests(CHAOS_WORLD);
    const dataDir = await Deno.makeTempDir({ prefix: "orrery-bench-" });
    stack.defer(() => Deno.remove(dataDir, { recursive: true }));
    const troupe = stack.use(
      await Troupe.start({
        manifests,
        dataDir,
        coordinatorFlags: ["--hz", `${HZ}`],
        hasStandby: true,
        report: () => {},
      }),
    );
    const watch = stack.use(
      await CommitWatch.open({
        servers: troupe.url,
        clock: systemClock,
        subjects: createSubjects(),
      }),
    );
    const { signal } = new AbortController();
    return async () => {
      await watch.next(watch.published, signal);
      const leader = troupe.player(troupe.cast.leader);
      const tick = watch.published + 1;
      leader.kill("SIGKILL");
      const ours = await watch.next(tick, signal);
      await watch.check();
      await leader.restart();
      return { ours, theirs: TAKEOVER_MS };
    };
  });
}

function openPause() {
  return openSession(async (stack) => {
    const setting = await physicsSetting(LARGE.bodies);
    const world = stack.use(await BenchWorld.open({ setting }));
    const bare = await BareWorld.open(setting);
    await world.run(LARGE.ticks);
    await bare.run(LARGE.ticks);
    return async () => {
      // As between any two snapshots, something has changed.
      await world.run(1);
      await bare.run(1);
      const ours = await longestTurn(world.snapshot());
      expectSame(world, bare);
      const copyMs = bare.copy();
      const theirs = Math.max(PAUSE_TICKS * PERIOD_MS, copyMs);
      return { ours, theirs, note: `the copy alone: ${copyMs.toFixed(0)} ms` };
    };
  });
}

/** The most milliseconds that pass from one turn of the event loop to the next until `work` is done. */
async function longestTurn(work: Promise<void>): Promise<number> {
  let isDone = false;
  const done = work.finally(() => isDone = true);
  let longest = 0;
  for (let last = performance.now(); !isDone;) {
    await delay(systemClock, 0);
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }
  await done;
  return longest;
}
