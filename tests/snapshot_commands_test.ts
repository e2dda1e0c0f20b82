import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { SnapshotCommands } from "../coordinator/snapshot_commands.ts";
import { openComponents } from "../coordinator/streams.ts";
import { UserError } from "../lib/user_error.ts";
import { World } from "../lib/ecs/world.ts";
import { captureWorld } from "../lib/snapshot/world_image.ts";
import { SCHEMA } from "./ecs_model.ts";
import { metaFor, openStore } from "./snapshot_fixture.ts";

async function openCommands() {
  const opened = await openStore();
  const { log, subjects } = opened;
  await openComponents({ log, subjects, replicas: 1 });
  return { ...opened, commands: new SnapshotCommands(opened) };
}

function snapshotOf(id: string) {
  return { image: captureWorld(new World(SCHEMA)), meta: metaFor(id) };
}

Deno.test("a world that is begun on a log that was emptied is gone on from there", async () => {
  const { commands, log, subjects } = await openCommands();
  const append = () => log.append(subjects.commit, new Uint8Array(1));
  for (let i = 0; i < 3; i++) await append();
  await log.purge(subjects.streams.components);
  const { meta } = await commands.begin(snapshotOf("a"));
  assertEquals([meta.kind, meta.sequence], ["fork", 3]);
  await append();
  const { snapshots } = await commands.list();
  assertEquals(snapshots.map(({ isGoneOnFrom }) => isGoneOnFrom), [true]);
});

Deno.test("a snapshot with a damaged manifest is listed with the reason, and deleted by force", async () => {
  const { commands, store, log, subjects } = await openCommands();
  const { image, meta } = snapshotOf("a");
  await store.save(image, meta);
  await store.save(image, { ...meta, id: "b" });
  await log.append(subjects.snapshot("b"), new Uint8Array(9));
  const { snapshots, damaged } = await commands.list();
  assertEquals([snapshots.map(({ meta }) => meta.id), damaged.map(({ id }) => id)], [["a"], ["b"]]);
  assertMatch(damaged[0].reason, /^Cannot decode SnapshotManifest/);
  const refused = await assertRejects(() => commands.delete("b", { force: false }), UserError);
  assertMatch(refused.message, /"b": .* it is damaged: Cannot decode .*; pass --force/);
  await commands.delete("b", { force: true });
  assertEquals((await commands.list()).damaged, []);
  assertEquals(await log.subjects(subjects.streams.snapshots, subjects.snapshot("b", "*")), []);
  const gone = () => commands.delete("b", { force: true });
  await assertRejects(gone, UserError, `Cannot find snapshot "b"`);
});

Deno.test("a snapshot after which the components are others stays as long as one before it does", async () => {
  const { commands, store } = await openCommands();
  const { image, meta } = snapshotOf("a");
  await store.save(image, meta);
  await store.save(image, { ...meta, id: "b", kind: "migrated", epoch: meta.epoch + 1 });
  const remove = (id: string) => commands.delete(id, { force: false });
  const reason =
    /^Cannot delete snapshot "b": the components changed after tick \d+, .*; pass --force/;
  assertMatch((await assertRejects(() => remove("b"), UserError)).message, reason);
  await store.save(image, { ...meta, id: "c", epoch: meta.epoch + 2 });
  await remove("a");
  await remove("b");
  assertEquals((await commands.list()).snapshots.map(({ meta }) => meta.id), ["c"]);
});

Deno.test("a manifest that does not belong to its id is damaged, and no other snapshot's", async () => {
  const { commands, store, log, subjects } = await openCommands();
  const { image, meta } = snapshotOf("a");
  await store.save(image, meta);
  const entry = await log.last(subjects.streams.snapshots, subjects.snapshot("a"));
  await log.append(subjects.snapshot("b"), entry?.data ?? new Uint8Array());
  const { snapshots, damaged } = await commands.list();
  assertEquals(snapshots.map(({ meta }) => meta.id), ["a"]);
  assertEquals(damaged, [{ id: "b", reason: `its manifest has another id, "a"` }]);
  await assertRejects(() => store.load("b"), UserError, "another id");
  await commands.delete("b", { force: true });
  assertEquals((await store.load("a")).meta.id, "a");
});
