import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import * as fc from "fast-check";
import { overlay } from "../bench/overlay.ts";
import { World } from "../lib/ecs/world.ts";
import { SnapshotError } from "../lib/snapshot/snapshot_error.ts";
import { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { captureWorld, restoreWorld } from "../lib/snapshot/world_image.ts";
import { decodePayload, encodeMessage } from "../lib/wire/codec.ts";
import { FLAG, LISTS_COMPONENT, MASS, SCHEMA } from "./ecs_model.ts";
import { assertSameWorld, metaFor, openStore, worlds } from "./snapshot_fixture.ts";

const RUNS = 100;
/** So small that a few rows fill a part. */
const SMALL_PAYLOAD_BYTES = 8000;

function worldOf(count: number): World {
  const world = new World(SCHEMA);
  for (let i = 0; i < count; i++) {
    world.changeTick = i;
    world.spawn(new Map([[MASS, { kg: i }], [FLAG, {}]]));
  }
  return world;
}

Deno.test("load() gives back what save() stored, in as many parts as it takes", async () => {
  let several = 0;
  await fc.assert(
    fc.asyncProperty(worlds, async (world) => {
      const { store } = await openStore({ payloadBytesMax: SMALL_PAYLOAD_BYTES });
      const meta = metaFor("a", { note: "x", restoredIn: 9 });
      const { parts } = await store.save(captureWorld(world), meta);
      if (parts > 1) several++;
      const loaded = await store.load("a");
      assertEquals(loaded.meta, meta);
      assertEquals([...loaded.image.schema.values()], [...SCHEMA.values()]);
      assertSameWorld(restoreWorld(loaded.image.schema, loaded.image), world);
      assertSameWorld(restoreWorld(SCHEMA, loaded.image), world);
    }),
    { numRuns: RUNS },
  );
  assert(several > 0);
});

Deno.test("save() cuts a large table into parts below the largest message", async () => {
  const { store, log, subjects } = await openStore({ payloadBytesMax: SMALL_PAYLOAD_BYTES });
  const world = worldOf(5000);
  const { parts, bytes, entities } = await store.save(captureWorld(world), metaFor("a"));
  let stored = 0;
  for await (const { data } of log.read(subjects.streams.snapshots, { filter: "*.snapshot.a.*" })) {
    assert(data.length <= SMALL_PAYLOAD_BYTES);
    stored += data.length;
  }
  assertEquals([stored, entities], [bytes, 5000]);
  assert(parts > 10);
  assertSameWorld(restoreWorld(SCHEMA, (await store.load("a")).image), world);
});

Deno.test("load() takes parts that are stored twice once", async () => {
  const { store, log, subjects } = await openStore({ payloadBytesMax: SMALL_PAYLOAD_BYTES });
  const world = worldOf(1000);
  const { parts } = await store.save(captureWorld(world), metaFor("a"));
  assert(parts > 2);
  const filter = subjects.snapshot("a", "*");
  const stored = await Array.fromAsync(log.read(subjects.streams.snapshots, { filter }));
  await log.append(subjects.snapshot("a", parts - 1), stored[parts - 1].data);
  await log.append(subjects.snapshot("a", 1), stored[1].data);
  assertSameWorld(restoreWorld(SCHEMA, (await store.load("a")).image), world);
});

Deno.test("load() takes parts that were stored in another order than they were sent in", async () => {
  const { store, log, subjects } = await openStore({ payloadBytesMax: SMALL_PAYLOAD_BYTES });
  const world = worldOf(2000);
  const { parts } = await store.save(captureWorld(world), metaFor("a"));
  assert(parts > 6);
  const filter = subjects.snapshot("a", "*");
  const stored = await Array.fromAsync(log.read(subjects.streams.snapshots, { filter }));
  const storeIn = async (order: readonly number[]) => {
    await log.purge(subjects.streams.snapshots, { filter });
    for (const part of order) await log.append(subjects.snapshot("a", part), stored[part].data);
  };
  const inOrder = stored.map((_, part) => part);
  await storeIn([1, 2, 0, 4, 3, ...inOrder.slice(5)]);
  assertSameWorld(restoreWorld(SCHEMA, (await store.load("a")).image), world);
  await storeIn(inOrder.toSpliced(1, 1));
  await assertRejects(() => store.load("a"), SnapshotError, `part 1 of ${parts} is missing`);
});

Deno.test("save() takes everything away again when the log does not take it", async () => {
  const { store, log, subjects } = await openStore({ payloadBytesMax: SMALL_PAYLOAD_BYTES });
  const world = worldOf(100);
  world.spawn(new Map([[LISTS_COMPONENT, { string_field: "x".repeat(SMALL_PAYLOAD_BYTES) }]]));
  const save = () => store.save(captureWorld(world), metaFor("a"));
  await assertRejects(save, SnapshotError, `Cannot save snapshot "a"`);
  assertEquals((await log.info(subjects.streams.snapshots)).messages, 0);
});

Deno.test("save() does not take for stored what another process has cleared away meanwhile", async () => {
  const { store, log, subjects } = await openStore({ payloadBytesMax: SMALL_PAYLOAD_BYTES });
  const stream = subjects.streams.snapshots;
  const cleared = overlay(log, {
    append: async (subject, data, options) => {
      const sequence = await log.append(subject, data, options);
      if (subject === subjects.snapshot("a", 5)) await store.clear("a");
      return sequence;
    },
  });
  const options = { log: cleared, subjects, payloadBytesMax: SMALL_PAYLOAD_BYTES };
  const save = () => new SnapshotStore(options).save(captureWorld(worldOf(5000)), metaFor("a"));
  const reason =
    /^Cannot save snapshot "a": part 0 of \d+ was deleted by another process.*try again$/;
  assertMatch((await assertRejects(save, SnapshotError)).message, reason);
  assertEquals((await log.info(stream)).messages, 0);
});

Deno.test("save() refuses an id that is taken, and clears away what a broken save left", async () => {
  const { store, log, subjects } = await openStore();
  await log.append(subjects.snapshot("a", 0), new Uint8Array(3));
  await log.append(subjects.snapshot("a", 7), new Uint8Array(3));
  await store.save(captureWorld(worldOf(3)), metaFor("a"));
  await assertRejects(
    () => store.save(captureWorld(worldOf(3)), metaFor("a")),
    SnapshotError,
    "there is one already",
  );
  assertEquals((await store.load("a")).image.nextEntity, 4);
});

Deno.test("list() has the whole snapshots by tick, and delete() takes one away with its parts", async () => {
  const { store, log, subjects } = await openStore();
  for (const tick of [30, 10, 20]) {
    await store.save(captureWorld(worldOf(tick)), metaFor(`t${tick}`, { tick }));
  }
  await log.append(subjects.snapshot("unfinished", 0), new Uint8Array(3));
  const list = async () =>
    (await store.list()).map(({ meta, entities }) => [meta.id, meta.tick, entities]);
  assertEquals(await list(), [["t10", 10, 10], ["t20", 20, 20], ["t30", 30, 30]]);
  await store.delete("t20");
  assertEquals(await list(), [["t10", 10, 10], ["t30", 30, 30]]);
  await assertRejects(() => store.delete("t20"), SnapshotError, "there is none with this id");
  await assertRejects(() => store.load("t20"), SnapshotError, "there is none with this id");
  assertEquals((await log.info(subjects.streams.snapshots)).messages, 5);
});

Deno.test("newest() skips what is damaged, saying what and why, and what is no state of this log", async () => {
  const { store, log, subjects } = await openStore();
  const image = captureWorld(worldOf(50));
  for (const tick of [1, 2, 3, 4]) await store.save(image, metaFor(`t${tick}`, { tick }));
  await store.save(image, metaFor("t5", { tick: 5, kind: "imported" }));
  await store.save(image, metaFor("t6", { tick: 6, kind: "restore", restoredIn: 7 }));
  const stream = subjects.streams.snapshots;
  await log.purge(stream, { filter: subjects.snapshot("t4", "*") });
  await log.purge(stream, { filter: subjects.snapshot("t3", 0) });
  await log.append(subjects.snapshot("t3", 0), new Uint8Array(9));
  await log.append(subjects.snapshot("t9"), new Uint8Array(9));
  const skipped: string[] = [];
  const newest = await store.newest({
    firstSequence: 1,
    onSkipped: (id, reason) => skipped.push(`${id}: ${reason}`),
  });
  assertEquals(newest?.meta.id, "t2");
  assertEquals(skipped.length, 3);
  assert(skipped[0].startsWith("t9: Cannot decode SnapshotManifest"));
  assert(skipped[1].endsWith("part 0 of 1 is missing"));
  assert(/part 0 of 1 is damaged: it has 9 bytes instead of \d+$/.test(skipped[2]), skipped[2]);
});

Deno.test("newest() skips what a log that was cut does not lead on from", async () => {
  const { store } = await openStore();
  const image = captureWorld(worldOf(1));
  for (const tick of [1, 2]) {
    await store.save(image, metaFor(`t${tick}`, { tick, sequence: tick * 10 }));
  }
  const skipped: string[] = [];
  const newest = async (firstSequence: number) =>
    (await store.newest({
      firstSequence,
      onSkipped: (id, reason) => skipped.push(`${id}: ${reason}`),
    }))?.meta.id;
  assertEquals(await newest(21), "t2");
  assertEquals(skipped, []);
  assertEquals(await newest(22), undefined);
  assertEquals(skipped.length, 2);
  assertMatch(skipped[0], /^t2: the log was cut .* begins with sequence 22, .* snapshot with 21$/);
  await store.clear("t2");
  assertEquals(await newest(11), "t1");
});

Deno.test("load() takes the manifest's parts, whatever lies in the stream and in which order", async () => {
  const { store, log, subjects } = await openStore({ payloadBytesMax: SMALL_PAYLOAD_BYTES });
  const world = worldOf(2000);
  const { parts } = await store.save(captureWorld(world), metaFor("a"));
  assert(parts > 5);
  const filter = subjects.snapshot("a", "*");
  const stored = await Array.fromAsync(log.read(subjects.streams.snapshots, { filter }));
  await log.purge(subjects.streams.snapshots, { filter });
  await log.append(subjects.snapshot("a", 1), new Uint8Array(7));
  for (const { subject, data } of stored.toReversed()) await log.append(subject, data);
  await log.append(subjects.snapshot("a", 0), new Uint8Array(7));
  await log.append(subjects.snapshot("a", parts), new Uint8Array(7));
  for (const { subject, data } of stored) await log.append(subject, data);
  assertSameWorld(restoreWorld(SCHEMA, (await store.load("a")).image), world);
});

Deno.test("of two snapshots of one tick the newer is that of the later term, whichever was stored first", async () => {
  const { store } = await openStore();
  const image = captureWorld(worldOf(1));
  await store.save(image, metaFor("later", { epoch: 2, kind: "migrated" }));
  await store.save(image, metaFor("earlier", { epoch: 1 }));
  const newest = await store.newest({ firstSequence: 1, onSkipped: () => {} });
  assertEquals(newest?.meta.id, "later");
});

Deno.test("newest() is undefined where there is nothing to go on from", async () => {
  const { store } = await openStore();
  await store.save(captureWorld(worldOf(1)), metaFor("a", { kind: "imported" }));
  const skipped: string[] = [];
  assertEquals(
    await store.newest({ firstSequence: 1, onSkipped: (id) => skipped.push(id) }),
    undefined,
  );
  assertEquals(skipped, []);
});

Deno.test("load() refuses a snapshot of a newer format, and says so", async () => {
  const { store, log, subjects } = await openStore();
  await store.save(captureWorld(worldOf(1)), metaFor("a"));
  for await (const { data } of log.lastPerSubject(subjects.streams.snapshots, "test.snapshot.a")) {
    const manifest = decodePayload("SnapshotManifest", data);
    const newer = encodeMessage("SnapshotManifest", { ...manifest, version: 2 });
    await log.append(subjects.snapshot("a"), newer.data);
  }
  await assertRejects(() => store.load("a"), SnapshotError, "its format has version 2");
});
