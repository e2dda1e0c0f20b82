/**
 * What distribution and durability cost: bytes, time and memory.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { systemClock } from "../lib/clock.ts";
import { rowBytesOf } from "../lib/ecs/field_type.ts";
import type { Access } from "../lib/ecs/query.ts";
import { createRandom } from "../lib/random.ts";
import { createSubjects } from "../lib/wire/subjects.ts";
import { Local, LOCAL_GRAIN } from "../coordinator/local.ts";
import { BareWorld } from "./bare_world.ts";
import { BenchWorld, PREFIX } from "./bench_world.ts";
import { type BenchCase, expectSame, median, openSession } from "./case.ts";
import { outputOf } from "./child.ts";
import { demoSetting, moveSetting, physicsSetting } from "./setting.ts";
import { SteppedCoordinator } from "./stepped_coordinator.ts";
import { uncaptured } from "./uncaptured_log.ts";
import { WireCounter } from "./wire_counter.ts";

const NS_PER_MS = 1e6;
const MIB = 1024 * 1024;

export const costCases: readonly BenchCase[] = [
  {
    name: "bytes",
    what: "bytes on the wire per entity and tick; the demo's physics over bodies that fly on",
    against: "whole columns both ways, without headers",
    unit: "B",
    goal: 0.35,
    open: openBytes,
  },
  {
    name: "persist",
    what: "from tick to tick with the log in a file, 100000 entities that all change",
    against: "without a log",
    unit: "ms",
    goal: 1.2,
    open: openPersist,
  },
  {
    name: "growth",
    what: "time per entity and tick; the worst of 1k, 100k and 1M bodies in the demo's physics",
    against: "10k bodies",
    unit: "ns",
    goal: 1.25,
    open: openGrowth,
  },
  {
    name: "memory",
    what: "peak memory of a coordinator of 1M bodies, more than an empty one's",
    against: "the bytes in its columns",
    unit: "MiB",
    goal: 3,
    open: openMemory,
  },
  {
    name: "local",
    what: "a tick of the demo's world, all in one process",
    against: "its scripts called straight over the same typed arrays",
    unit: "ms",
    goal: 1.3,
    open: openLocal,
  },
];

const BYTES = { bodies: 20_000, ticks: 10 };

function openBytes() {
  return openSession(async (stack) => {
    const setting = await physicsSetting(BYTES.bodies);
    const [physics] = setting.manifests.systems;
    const counter = new WireCounter(createSubjects(PREFIX), physics.name);
    const world = stack.use(
      await BenchWorld.open({
        setting,
        wrap: ({ bus, log }) => ({ bus: counter.watch(bus), log }),
      }),
    );
    const bare = await BareWorld.open(setting);
    const { read, write, optional } = physics.query;
    const theirs = rowBytes([...read, ...write, ...optional]) + rowBytes(write);
    return async () => {
      const before = counter.bytes;
      await world.run(BYTES.ticks);
      await bare.run(BYTES.ticks);
      expectSame(world, bare);
      return { ours: (counter.bytes - before) / BYTES.ticks / BYTES.bodies, theirs };
    };
  });
}

function rowBytes(accesses: readonly Access[]): number {
  return accesses.flatMap(({ fields }) => fields)
    .reduce((sum, { type }) => sum + rowBytesOf(type), 0);
}

const PERSIST = { entities: 100_000, ticks: 40 };

function openPersist() {
  return openSession(async (stack) => {
    const setting = await moveSetting(PERSIST.entities);
    const on = stack.use(await BenchWorld.open({ setting }));
    const off = stack.use(
      await BenchWorld.open({
        setting,
        wrap: (connection) => uncaptured(connection, createSubjects(PREFIX)),
      }),
    );
    const bare = await BareWorld.open(setting);
    return async () => {
      const { periodMs: ours } = await on.run(PERSIST.ticks);
      const { periodMs: theirs } = await off.run(PERSIST.ticks);
      await bare.run(PERSIST.ticks);
      for (const world of [on, off]) expectSame(world, bare);
      return { ours, theirs };
    };
  });
}

/** The largest comes first, since it takes long to spawn while the others would wait. */
const GROWTH = [
  { bodies: 1_000_000, ticks: 3 },
  { bodies: 100_000, ticks: 10 },
  { bodies: 10_000, ticks: 50 },
  { bodies: 1000, ticks: 200 },
];
const GROWTH_BASE = 10_000;

function openGrowth() {
  return openSession(async (stack) => {
    const worlds: (typeof GROWTH[number] & { world: BenchWorld })[] = [];
    for (const size of GROWTH) {
      const setting = await physicsSetting(size.bodies);
      const bare = await BareWorld.open(setting);
      await bare.run(size.ticks);
      const world = stack.use(await BenchWorld.open({ setting }));
      await world.run(size.ticks);
      expectSame(world, bare);
      worlds.push({ ...size, world });
    }
    return async () => {
      const nsByBodies = new Map<number, number>();
      for (const { bodies, ticks, world } of worlds) {
        const { periodMs } = await world.run(ticks);
        nsByBodies.set(bodies, periodMs * NS_PER_MS / bodies);
      }
      const theirs = nsByBodies.get(GROWTH_BASE) ?? 0;
      nsByBodies.delete(GROWTH_BASE);
      const note = Array.from(nsByBodies, ([bodies, ns]) => `${bodies}: ${ns.toFixed(0)} ns`);
      return { ours: Math.max(...nsByBodies.values()), theirs, note: note.join(", ") };
    };
  });
}

const MEMORY = { bodies: 1_000_000, ticks: 4 };
const MEMORY_MAIN = fileURLToPath(new URL("./memory_main.ts", import.meta.url));

function openMemory() {
  return openSession(async () => {
    const bare = await BareWorld.open(await physicsSetting(MEMORY.bodies));
    await bare.run(MEMORY.ticks);
    const run = async (bodies: number) => {
      const output = await outputOf(MEMORY_MAIN, [`${bodies}`, `${MEMORY.ticks}`]);
      if (output === undefined) throw new Error("Cannot measure the memory: its process failed");
      const { peakBytes, digest }: { peakBytes: number; digest: string } = JSON.parse(output);
      return { peakBytes, digest: () => BigInt(digest) };
    };
    return async () => {
      const full = await run(MEMORY.bodies);
      const empty = await run(0);
      expectSame(full, bare);
      const ours = (full.peakBytes - empty.peakBytes) / MIB;
      return {
        ours,
        theirs: bare.columnBytes / MIB,
        note: `empty: ${Math.round(empty.peakBytes / MIB)} MiB`,
      };
    };
  });
}

const LOCAL_TICKS = 20;

function openLocal() {
  return openSession(async (stack) => {
    const setting = await demoSetting();
    const subjects = createSubjects();
    const local = new Local({
      manifests: setting.manifests,
      subjects,
      clock: systemClock,
      report: { info: () => {}, warn: console.error },
      random: createRandom(1),
    });
    const coordinator = await SteppedCoordinator.open({
      ...local.connect("coordinator"),
      subjects,
      setting,
      grain: LOCAL_GRAIN,
    });
    stack.defer(() => coordinator.close());
    stack.use(local);
    await local.start();
    const bare = await BareWorld.open(setting);
    return async () => {
      const { periodMs } = await coordinator.run(LOCAL_TICKS);
      const theirs = median(await bare.run(LOCAL_TICKS));
      expectSame(coordinator, bare);
      return { ours: periodMs, theirs };
    };
  });
}
