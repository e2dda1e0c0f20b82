import { assert, assertEquals, assertRejects } from "@std/assert";
import { feed } from "../coordinator/recovery.ts";
import { Replica } from "../coordinator/replica.ts";
import type { SnapshotPolicy } from "../coordinator/snapshotter.ts";
import { initialState } from "../coordinator/world_state.ts";
import { componentType, createSchema } from "../lib/ecs/component.ts";
import { World } from "../lib/ecs/world.ts";
import { worldDigest } from "../lib/ecs/world_digest.ts";
import { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { captureWorld, type WorldImage } from "../lib/snapshot/world_image.ts";
import { RefusedError } from "../lib/wire/request.ts";
import { SUBJECTS } from "./fake_instance.ts";
import { COMPONENTS, Mass } from "./graph_fixture.ts";
import { metaFor } from "./snapshot_fixture.ts";
import { entities, HOLDER, openTicks, TickHarness, WRITER } from "./tick_harness.ts";

const PERIOD_MS = 100;

/** A paced world without systems. */
function openPaced(snapshots?: SnapshotPolicy): Promise<TickHarness> {
  const policy = snapshots && { snapshots };
  return TickHarness.open({
    systems: [],
    hz: 10,
    isUnpaced: false,
    entities: entities(3),
    ...policy,
  });
}

/** What anybody can do with the stored snapshots while the world runs. */
function storeOf(harness: TickHarness) {
  const { log, bus } = harness.connect("store");
  const { payloadBytesMax } = bus;
  const store = new SnapshotStore({ log, subjects: SUBJECTS, payloadBytesMax });
  const ids = async () =>
    (await harness.pump(store.list())).map(({ meta }) => `${meta.kind} ${meta.id}`);
  return { store, log, ids };
}

async function tickTo(harness: TickHarness, tick: number): Promise<void> {
  while (harness.coordinator.tickNumber < tick) await harness.advance(PERIOD_MS);
}

Deno.test("automatic snapshots come every so many ticks, and the newest are kept", async () => {
  await using harness = await openPaced({ every: { ticks: 10 }, kept: 2 });
  const { ids } = storeOf(harness);
  await harness.start(Infinity);
  assertEquals(await ids(), ["initial initial-1"]);
  await tickTo(harness, 10);
  assertEquals(await ids(), ["initial initial-1", "auto t10"]);
  await tickTo(harness, 29);
  assertEquals(await ids(), ["auto t10", "auto t20"]);
  await tickTo(harness, 30);
  assertEquals(await ids(), ["auto t20", "auto t30"]);
  assertEquals(harness.events.filter((line) => line.startsWith("snapshot.saved")), [
    "snapshot.saved t10",
    "snapshot.saved t20",
    "snapshot.saved t30",
  ]);
});

Deno.test("automatic snapshots come every so often in time", async () => {
  await using harness = await openPaced({ every: { ms: 1000 }, kept: 5 });
  const { ids } = storeOf(harness);
  await harness.start(Infinity);
  await tickTo(harness, 35);
  assertEquals(await ids(), ["initial initial-1", "auto t11", "auto t21", "auto t31"]);
});

Deno.test("no snapshot is taken unasked without a policy", async () => {
  await using harness = await openPaced();
  const { ids } = storeOf(harness);
  await harness.start(Infinity);
  await tickTo(harness, 100);
  assertEquals(await ids(), ["initial initial-1"]);
});

Deno.test("without a policy one is taken where the log is nearly full, which holds no tick then", async () => {
  await using harness = await openTicks([HOLDER], { rows: 200, logBytesMax: 20_000 });
  const { ids } = storeOf(harness);
  const { ran } = await harness.start(30);
  for (let tick = 0; tick < 30; tick++) {
    await harness.finish(harness.next("writer"));
    await harness.advance(1000);
  }
  await ran;
  assertEquals(harness.events.filter((event) => event.startsWith("log")), []);
  const [initial, first] = await ids();
  assertEquals(initial, "initial initial-1");
  assert(first.startsWith("auto"), first);
});

Deno.test("the log before the oldest kept snapshot goes, and the rest leads from it to the world", async () => {
  await using harness = await openPaced({ every: { ticks: 10 }, kept: 2 });
  const { store, log } = storeOf(harness);
  await harness.start(Infinity);
  await tickTo(harness, 36);
  const commits = await harness.commits();
  assertEquals([commits[0].tick_id, commits.at(-1)?.tick_id], [19, 36]);
  const { meta } = (await harness.pump(store.list()))[0];
  assertEquals(meta.tick, 20);
  const { image } = await harness.pump(store.load(meta.id));
  const state = initialState(createSchema(COMPONENTS), undefined);
  state.world.load(image);
  Object.assign(state, { tick: meta.tick, digest: meta.digest });
  const { epoch, sequence } = meta;
  const replica = new Replica({ state, epoch, sequence, commitSubject: SUBJECTS.commit });
  const entries = log.read(SUBJECTS.streams.components, { from: sequence + 1 });
  for (const entry of await harness.pump(Array.fromAsync(entries))) replica.apply(entry);
  assertEquals(replica.state.tick, 36);
  assertEquals(worldDigest(replica.state.world), harness.coordinator.digest());
});

Deno.test("a snapshot that was asked for is answered when it is stored, and stays", async () => {
  await using harness = await openPaced({ every: { ticks: 10 }, kept: 1 });
  const { ids, store } = storeOf(harness);
  await harness.start(Infinity);
  const { snapshot, tick_id } = await harness.control({ op: "snapshot", note: "before" });
  assertEquals([snapshot, tick_id], ["t1", 1]);
  await harness.control({ op: "pause" });
  assertEquals((await harness.control({ op: "snapshot" })).snapshot, "t1-2");
  await harness.control({ op: "resume" });
  await tickTo(harness, 50);
  assertEquals(await ids(), ["manual t1", "manual t1-2", "auto t50"]);
  assertEquals((await harness.pump(store.list()))[0].meta.note, "before");
});

Deno.test("a snapshot that is asked for amid a tick has the world after it", async () => {
  await using harness = await openTicks([WRITER], { rows: 2 });
  const { store } = storeOf(harness);
  await harness.start(3);
  const asked = harness.control({ op: "snapshot" }).catch(() => undefined);
  await asked;
  await harness.finishAll();
  const [, info] = await harness.pump(store.list());
  assertEquals([info.meta.kind, info.meta.tick], ["manual", 1]);
});

Deno.test("a store that takes nothing more is an alarm and an event, and ticks go on", async () => {
  await using harness = await openPaced({ every: { ticks: 10 }, kept: 2 });
  const { ids, log } = storeOf(harness);
  const limit = (bytesMax: number) =>
    harness.pump(log.open({
      name: SUBJECTS.streams.snapshots,
      subjects: [SUBJECTS.snapshot(">")],
      storage: "file",
      bytesMax,
      discard: "new",
      replicas: 1,
    }));
  const { bytes } = await harness.pump(log.info(SUBJECTS.streams.snapshots));
  await limit(bytes);
  await harness.start(Infinity);
  await tickTo(harness, 15);
  assertEquals(harness.events, ["snapshot.failed auto"]);
  assert(harness.lines.some((line) => line.includes("maximum bytes exceeded")), `${harness.lines}`);
  const asked = () => harness.control({ op: "snapshot" });
  await assertRejects(asked, RefusedError, `Cannot save snapshot "t15"`);
  assertEquals(await ids(), ["initial initial-1"]);
  await limit(10 * bytes);
  await tickTo(harness, 20);
  assertEquals(await ids(), ["initial initial-1", "auto t20"]);
});

Deno.test("restore makes the world the snapshot in a tick of its own, and ids are never used again", async () => {
  await using harness = await openPaced();
  const { store, log } = storeOf(harness);
  await harness.start(Infinity);
  await harness.control({ op: "snapshot" });
  const before = harness.coordinator.digest();
  const commands = harness.command([
    { op: "despawn", entity: 1 },
    { op: "spawn", components: { Mass: {} } },
    { op: "set", entity: 2, component: "Mass", value: { value: 7 } },
  ]);
  await harness.settle();
  await harness.advance(PERIOD_MS);
  await harness.pump(commands);
  assertEquals(harness.coordinator.tickNumber, 2);
  await harness.control({ op: "pause" });
  const { snapshot, tick_id } = await harness.control({ op: "restore", snapshot: "t1" });
  assertEquals([snapshot, tick_id, harness.coordinator.digest()], ["t1", 3, before]);
  await harness.control({ op: "resume" });
  const more = harness.command([{ op: "spawn", components: { Mass: {} } }]);
  await harness.settle();
  await tickTo(harness, 5);
  assertEquals((await harness.pump(more)).spawned, [5]);
  const [, , third] = await harness.commits();
  assertEquals([third.tick_id, third.restored, third.systems], [3, "r3", []]);
  assert(harness.events.includes("world.restored r3"));

  const state = initialState(createSchema(COMPONENTS), undefined);
  const initial = await harness.pump(store.load("initial-1"));
  state.world.load(initial.image);
  state.digest = initial.meta.digest;
  const replica = new Replica({ state, epoch: 1, sequence: 0, commitSubject: SUBJECTS.commit });
  const entries = await harness.pump(Array.fromAsync(log.read(SUBJECTS.streams.components)));
  for (const entry of entries) await harness.pump(feed(replica, entry, store));
  assertEquals(replica.state.tick, 5);
  assertEquals(worldDigest(state.world), harness.coordinator.digest());
});

Deno.test("restored rows reach the instances, whatever they keep", async () => {
  await using harness = await openTicks([WRITER], { rows: 1 });
  await harness.start(4);
  await harness.finish(harness.next("writer"));
  const saved = harness.control({ op: "snapshot" });
  await saved.catch(() => undefined);
  await harness.finish(harness.next("writer"));
  assertEquals(harness.coordinator.tickNumber, 2);
  const restored = harness.control({ op: "restore", snapshot: "t2" });
  await restored.catch(() => undefined);
  await harness.finish(harness.next("writer"));
  assertEquals(harness.coordinator.tickNumber, 4);
  assertEquals(await harness.values("Position", "x"), [2]);
});

/** One entity with a mass and with a component that the coordinator's schema lacks. */
function foreignImage(): WorldImage {
  const gone = componentType("Gone", []);
  const world = new World(createSchema([Mass, gone]));
  world.spawn(new Map([[Mass, { value: 5 }], [gone, {}]]));
  return captureWorld(world);
}

Deno.test("restore refuses what is not there and what no world can be, and the world stays", async () => {
  await using harness = await openPaced();
  const { store } = storeOf(harness);
  const image = foreignImage();
  for (const table of image.tables) table.entities.fill(99);
  await harness.pump(store.save(image, metaFor("broken", { kind: "imported" })));
  await harness.start(Infinity);
  const before = harness.coordinator.digest();
  const restore = (snapshot?: string) =>
    harness.control({ op: "restore", migrate: true, ...(snapshot !== undefined && { snapshot }) });
  await assertRejects(() => restore(), RefusedError, "it takes a snapshot's id");
  await assertRejects(() => restore("none"), RefusedError, "there is none with this id");
  await assertRejects(() => restore("broken"), RefusedError, "entity 99");
  assertEquals([harness.coordinator.digest(), harness.coordinator.tickNumber], [before, 1]);
});

Deno.test("restore refuses what would lose values, unless it may", async () => {
  await using harness = await openPaced();
  const { store } = storeOf(harness);
  await harness.pump(store.save(foreignImage(), metaFor("foreign", { kind: "imported" })));
  await harness.start(Infinity);
  const restore = (migrate: boolean) =>
    harness.control({ op: "restore", snapshot: "foreign", migrate });
  const error = await assertRejects(() => restore(false), RefusedError, "Gone  is gone");
  assert(error.message.includes("1 entity loses it"), error.message);
  assertEquals(harness.coordinator.entityCount, 3);
  assertEquals((await restore(true)).tick_id, 2);
  assertEquals(await harness.values("Mass", "value"), [5]);
});

Deno.test("the copy that a restore refers to stays as long as the log has the restore", async () => {
  await using harness = await openPaced({ every: { ticks: 10 }, kept: 3 });
  const { ids } = storeOf(harness);
  await harness.start(Infinity);
  await harness.control({ op: "snapshot" });
  await tickTo(harness, 14);
  await harness.control({ op: "restore", snapshot: "t1" });
  await tickTo(harness, 25);
  assertEquals(await ids(), ["manual t1", "restore r15", "auto t10", "auto t15", "auto t25"]);
  await tickTo(harness, 35);
  assertEquals(await ids(), ["manual t1", "auto t15", "auto t25", "auto t35"]);
});

Deno.test("a restored world does not depend on the copy for long, even if it is paused", async () => {
  await using harness = await openPaced({ every: { ms: 60_000 }, kept: 3 });
  const { ids, log } = storeOf(harness);
  await harness.start(Infinity);
  await harness.control({ op: "snapshot" });
  await tickTo(harness, 5);
  await harness.control({ op: "pause" });
  await harness.control({ op: "restore", snapshot: "t1" });
  assertEquals(await ids(), ["initial initial-1", "manual t1", "restore r6", "auto t6"]);
  harness.kill("coordinator");
  const copy = { filter: SUBJECTS.snapshot("r6", "*") };
  await harness.pump(log.purge(SUBJECTS.streams.snapshots, copy));
  const digest = harness.coordinator.digest();
  const second = await harness.wait(harness.openCoordinator("second"));
  assertEquals([second.tickNumber, second.digest()], [6, digest]);
});

Deno.test("what was left of a snapshot by a process that ended is cleared away after a minute", async () => {
  await using harness = await openPaced({ every: { ms: 20_000 }, kept: 2 });
  const { log } = storeOf(harness);
  const orphan = SUBJECTS.snapshot("t7", 3);
  await harness.start(Infinity);
  await harness.pump(log.append(orphan, new Uint8Array(3)));
  const isThere = async () =>
    (await harness.pump(log.subjects(SUBJECTS.streams.snapshots, orphan))).length === 1;
  await tickTo(harness, 795);
  assertEquals(await isThere(), true);
  await tickTo(harness, 805);
  assertEquals(await isThere(), false);
});

Deno.test("a snapshot that another process takes its time to store is left alone", async () => {
  await using harness = await openPaced({ every: { ms: 20_000 }, kept: 2 });
  const { store, log } = storeOf(harness);
  await harness.start(Infinity);
  for (let part = 0; part < 6; part++) {
    await harness.pump(log.append(SUBJECTS.snapshot("t7", part), new Uint8Array(3)));
    await tickTo(harness, (part + 1) * 250);
  }
  assertEquals((await harness.pump(store.unfinished())).get("t7"), 6);
});

Deno.test("a run ends when what is being stored is stored", async () => {
  await using harness = await openPaced({ every: { ticks: 10 }, kept: 2 });
  const { ids } = storeOf(harness);
  const { ran } = await harness.start(10);
  await tickTo(harness, 10);
  await harness.pump(ran);
  assertEquals(await ids(), ["initial initial-1", "auto t10"]);
});
