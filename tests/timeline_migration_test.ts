import { assertEquals, assertRejects } from "@std/assert";
import { type ReplayRange, replayRange } from "../coordinator/replay.ts";
import { Timeline } from "../coordinator/timeline.ts";
import { componentType, createSchema, type Schema } from "../lib/ecs/component.ts";
import { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { UserError } from "../lib/user_error.ts";
import { SUBJECTS } from "./fake_instance.ts";
import { Frozen, Mass, Position, Velocity } from "./graph_fixture.ts";
import { entities, spawnMass, TickHarness } from "./tick_harness.ts";

const HEAVY = componentType("Mass", [{ name: "value", type: "f32", default: 5 }]);
const BEFORE = createSchema([Position, Velocity, Mass, Frozen]);
const AFTER = createSchema([Position, Velocity, HEAVY, Frozen]);
const RANGES = "ticks 0 to 4, and ticks 4 to 9";

/** A world whose components changed after tick 4; ticks 1 and 5 spawn an entity with the default of then. */
async function openChanged(): Promise<TickHarness> {
  const harness = await TickHarness.open({ systems: [], entities: entities(1) });
  await spawnMass(harness, 4);
  harness.kill("coordinator");
  await harness.wait(harness.openMigrating("second", AFTER));
  await spawnMass(harness, 9);
  return harness;
}

function openTimeline(harness: TickHarness): Promise<Timeline> {
  const { log, bus: { payloadBytesMax } } = harness.connect("replay");
  const store = new SnapshotStore({ log, subjects: SUBJECTS, payloadBytesMax });
  const report = { info() {}, warn() {} };
  return harness.pump(Timeline.open({ log, store, subjects: SUBJECTS, report }));
}

/** Goes through a range; with a schema, running no systems again. */
async function go(
  harness: TickHarness,
  { from, to }: Partial<ReplayRange>,
  schema?: Schema,
): Promise<{ from: number; to: number; entities: number }> {
  const timeline = await openTimeline(harness);
  const verify = schema && { schema, systems: new Map() };
  const replayed = await harness.pump(
    replayRange({ timeline, from, to, verify, onTick: () => {} }),
  );
  const { world } = replayed.replica.state;
  return { from: replayed.from, to: replayed.to, entities: world.entityCount };
}

Deno.test("a range of ticks ends where the components changed, and the next begins there", async () => {
  await using harness = await openChanged();
  assertEquals((await openTimeline(harness)).ranges, [
    { first: 0, last: 4 },
    { first: 4, last: 9 },
  ]);
  assertEquals(await go(harness, { to: 3 }), { from: 3, to: 3, entities: 2 });
  assertEquals(await go(harness, { from: 1, to: 4 }), { from: 1, to: 4, entities: 2 });
  assertEquals(await go(harness, { from: 4, to: 9 }), { from: 4, to: 9, entities: 3 });
  assertEquals(await go(harness, { to: 7 }), { from: 7, to: 7, entities: 3 });
});

Deno.test("a replay across changed components says where they changed and what can be replayed", async () => {
  await using harness = await openChanged();
  const { message } = await assertRejects(() => go(harness, { from: 3, to: 8 }), UserError);
  assertEquals(
    message,
    "Cannot go from tick 3 to tick 8: the components changed after tick 4. " +
      `What can be gone through at a time is ${RANGES}`,
  );
  const beyond = () => go(harness, { from: 3, to: 10 });
  await assertRejects(
    beyond,
    UserError,
    `Cannot go back to tick 10: what is retained is ${RANGES}`,
  );
});

Deno.test("components that changed twice before any tick leave no range of their own", async () => {
  await using harness = await openChanged();
  harness.kill("second");
  await harness.wait(harness.openCoordinator("third"));
  harness.kill("third");
  await harness.wait(harness.openMigrating("fourth", AFTER));
  await spawnMass(harness, 10);
  assertEquals((await openTimeline(harness)).ranges, [
    { first: 0, last: 4 },
    { first: 4, last: 9 },
    { first: 9, last: 10 },
  ]);
  assertEquals(await go(harness, { from: 9, to: 10 }), { from: 9, to: 10, entities: 4 });
});

Deno.test("verifying begins at the oldest snapshot that has the components of the manifests", async () => {
  await using harness = await openChanged();
  assertEquals(await go(harness, {}, AFTER), { from: 5, to: 9, entities: 3 });
  assertEquals(await go(harness, { from: 7 }, AFTER), { from: 7, to: 9, entities: 3 });
  assertEquals(await go(harness, {}, BEFORE), { from: 1, to: 4, entities: 2 });
  assertEquals(await go(harness, { from: 4, to: 4 }, BEFORE), { from: 4, to: 4, entities: 2 });
  const across = () => go(harness, { from: 4 }, AFTER);
  const fitting = "what has the components of the manifests is ticks 4 to 9";
  await assertRejects(across, UserError, `Cannot go back to tick 3: ${fitting}`);
});

Deno.test("verifying with components that the world never had says so, and over which ticks", async () => {
  await using harness = await openChanged();
  const other = createSchema([Position, Velocity, Frozen]);
  const reason = `Cannot run systems again over ${RANGES}: the components were others`;
  await assertRejects(() => go(harness, {}, other), UserError, reason);
  harness.kill("second");
  const wide = createSchema([Position, Velocity, HEAVY, Frozen, componentType("New", [])]);
  await harness.wait(harness.openMigrating("third", wide));
  // All that fits is what has begun just now, and the ticks before, which lacked only what is new.
  assertEquals(await go(harness, {}, wide), { from: 5, to: 9, entities: 3 });
  const heavier = componentType("Mass", [{ name: "value", type: "f32", default: 6 }]);
  harness.kill("third");
  const schema = createSchema([Position, Velocity, heavier, Frozen]);
  await harness.wait(harness.openMigrating("fourth", schema));
  await assertRejects(() => go(harness, {}, schema), UserError, "no tick before it is retained");
});
