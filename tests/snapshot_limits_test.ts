import { assert, assertEquals, assertRejects } from "@std/assert";
import { setImmediate } from "node:timers";
import { Pace } from "../coordinator/pace.ts";
import { Snapshotter } from "../coordinator/snapshotter.ts";
import { World } from "../lib/ecs/world.ts";
import { captureWorld } from "../lib/snapshot/world_image.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { SCHEMA } from "./ecs_model.ts";
import { openStore } from "./snapshot_fixture.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

const LOG_BYTES_MAX = 100_000;
const SECOND_MS = 1000;

/** A snapshotter without a coordinator, and the log that its snapshots are about. */
async function openSnapshotter() {
  const { store, log, subjects } = await openStore();
  const name = subjects.streams.components;
  await log.open({
    name,
    subjects: [subjects.commit],
    storage: "file",
    bytesMax: LOG_BYTES_MAX,
    replicas: 1,
  });
  const clock = new VirtualClock();
  const lines: string[] = [];
  let tick = 0;
  const snapshotter = new Snapshotter({
    store,
    log,
    stream: { name, bytesMax: LOG_BYTES_MAX },
    clock,
    policy: { every: { ticks: 1_000_000 }, kept: 2 },
    report: { info: () => {}, warn: (line) => void lines.push(line) },
    dateMs: () => 0,
    betweenTicks: (act) => act(),
    capture: () => ({
      image: captureWorld(new World(SCHEMA)),
      meta: { tick, epoch: 1, digest: 0n, sequence, lastRuns: {} },
    }),
    settled: () => Promise.resolve(),
    event: () => {},
  }, { isBehind: false });
  let sequence = 0;
  /** A tick whose commit takes so many bytes, a second later. */
  const advance = async (bytes: number) => {
    sequence = await log.append(subjects.commit, new Uint8Array(bytes));
    clock.advance(SECOND_MS);
    snapshotter.afterTick(++tick);
    await settle();
  };
  const ids = async () => (await store.list()).map(({ meta }) => meta.id);
  return { snapshotter, advance, ids, lines, log, name };
}

/** Lets the in-memory log do everything that it was asked for. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) {
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }
}

Deno.test("a log that grows fast is reason for a snapshot before it is time", async () => {
  const { advance, ids, log, name } = await openSnapshotter();
  for (let i = 0; i < 3; i++) await advance(4000);
  assertEquals(await ids(), []);
  await advance(4000);
  await advance(10);
  assertEquals(await ids(), ["t5"]);
  for (let i = 0; i < 60; i++) await advance(4000);
  assertEquals((await ids()).length, 2);
  assert((await log.info(name)).bytes < LOG_BYTES_MAX / 2);
});

Deno.test("a log that is nearly full is cut to what comes after the newest snapshot", async () => {
  const { snapshotter, advance, lines, log, name } = await openSnapshotter();
  await advance(40_000);
  await snapshotter.save({ kind: "auto" });
  await advance(40_000);
  await snapshotter.save({ kind: "auto" });
  assertEquals((await log.info(name)).messages, 1);
  assert(lines[0].startsWith("the log takes 80"), lines[0]);
});

Deno.test("requests beyond what may wait are refused", async () => {
  const { snapshotter, ids } = await openSnapshotter();
  const saves = Array.from({ length: 16 }, () => snapshotter.save({ kind: "manual" }));
  await assertRejects(() => snapshotter.save({ kind: "manual" }), WireError, "too many snapshots");
  await Promise.all(saves);
  assertEquals((await ids()).length, 16);
});

Deno.test("Pace.hold() keeps a tick from beginning until all that holds it is done", async () => {
  const clock = new VirtualClock();
  const pace = new Pace(clock, { hz: 10, isUnpaced: true });
  const works = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  for (const { promise } of works) pace.hold(promise);
  let begun = false;
  const next = pace.next().then((isDue) => begun = isDue);
  works[0].reject(new Error("failed"));
  await works[0].promise.catch(() => {});
  await settle();
  assertEquals([begun, pace.isHeld], [false, true]);
  works[1].resolve();
  await next;
  assertEquals([begun, pace.isHeld], [true, false]);
});

Deno.test("Pace.next() does not begin a tick that was held when it was stopped", async () => {
  const pace = new Pace(new VirtualClock(), { hz: 10, isUnpaced: true });
  const work = Promise.withResolvers<void>();
  pace.hold(work.promise);
  const next = pace.next();
  pace.stop();
  work.resolve();
  assertEquals(await next, false);
});
