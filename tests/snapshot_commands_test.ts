import { assertEquals } from "@std/assert";
import { SnapshotCommands } from "../coordinator/snapshot_commands.ts";
import { openComponents } from "../coordinator/streams.ts";
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
