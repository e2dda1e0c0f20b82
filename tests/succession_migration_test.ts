import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { SnapshotError } from "../lib/snapshot/snapshot_error.ts";
import { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { componentType, createSchema } from "../lib/ecs/component.ts";
import { SUBJECTS } from "./fake_instance.ts";
import { Frozen, Mass, Position, Velocity } from "./graph_fixture.ts";
import { entities, TickHarness } from "./tick_harness.ts";

const WIDE = componentType("Mass", [
  { name: "value", type: "f64", default: 0 },
  { name: "unit", type: "string", default: "kg" },
]);

/** A world of three entities, whose masses are set in a tick that no snapshot has. */
async function openDead(): Promise<TickHarness> {
  const harness = await TickHarness.open({ systems: [], entities: entities(3) });
  const setting = harness.command([
    { op: "set", entity: 1, component: "Mass", value: { value: 2.5 } },
    { op: "despawn", entity: 3 },
  ]);
  await harness.settle();
  const { ran } = await harness.start(4);
  await setting;
  await ran;
  harness.kill("coordinator");
  return harness;
}

async function listed(harness: TickHarness): Promise<string[]> {
  const { log, bus } = harness.connect("store");
  const { payloadBytesMax } = bus;
  const store = new SnapshotStore({ log, subjects: SUBJECTS, payloadBytesMax });
  return (await harness.pump(store.list())).map(({ meta }) => `${meta.kind} ${meta.tick}`);
}

Deno.test("a world is replayed in the layouts that it was logged in, and then follows the new ones", async () => {
  await using harness = await openDead();
  const schema = createSchema([Position, Velocity, WIDE, Frozen]);
  const second = await harness.wait(harness.openMigrating("second", schema));
  assertEquals([second.tickNumber, second.entityCount], [4, 2]);
  assertEquals(await listed(harness), ["initial 0", "migrated 4"]);
  const report = harness.lines.join("\n");
  assertMatch(report, /Mass\.unit +is new; every row gets the default/);
  assertMatch(report, /Mass\.value +was f32 and is f64; every value is kept/);
  const { ran } = await harness.start(6);
  await ran;
  const digest = second.digest();
  harness.kill("second");
  const third = await harness.wait(harness.openMigrating("third", schema));
  assertEquals([third.tickNumber, third.digest()], [6, digest]);
});

Deno.test("a world that would lose values is refused before the log is touched, unless it may", async () => {
  await using harness = await openDead();
  const schema = createSchema([Position, Velocity, Frozen]);
  const refused = harness.wait(harness.openMigrating("second", schema));
  const error = await assertRejects(() => refused, SnapshotError, "Cannot go on from tick 4");
  assert(error.message.includes("Mass  is gone; 2 entities lose it"), error.message);
  const original = await harness.wait(harness.openCoordinator("third"));
  assertEquals(original.tickNumber, 4);
  harness.kill("third");
  const fourth = await harness.wait(
    harness.openMigrating("fourth", schema, { isLossAllowed: true }),
  );
  assertEquals([fourth.tickNumber, fourth.entityCount], [4, 2]);
  assertEquals(await listed(harness), ["initial 0", "migrated 4"]);
});

Deno.test("a component that is new takes no migration", async () => {
  await using harness = await openDead();
  const schema = createSchema([componentType("New", []), Frozen, Mass, Velocity, Position]);
  const second = await harness.wait(harness.openMigrating("second", schema));
  assertEquals(second.tickNumber, 4);
  assertEquals(await listed(harness), ["initial 0"]);
});

Deno.test("who cannot go on with a world does not take the place of who leads it", async () => {
  await using harness = await TickHarness.open({ systems: [], entities: entities(3) });
  const leader = harness.coordinator;
  const schema = createSchema([Position, Velocity, Frozen]);
  await harness.control({ op: "pause" });
  const { ran } = await harness.start(3);
  const taking = harness.wait(harness.openMigrating("second", schema, { takeover: true }));
  await assertRejects(() => taking, SnapshotError, "3 entities lose it");
  await harness.advance(1000);
  await harness.control({ op: "resume" });
  await harness.pump(ran);
  assertEquals(leader.tickNumber, 3);
});
