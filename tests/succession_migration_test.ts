import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { SnapshotError } from "../lib/snapshot/snapshot_error.ts";
import { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { UserError } from "../lib/user_error.ts";
import { encodeMessage } from "../lib/wire/codec.ts";
import { componentType, createSchema } from "../lib/ecs/component.ts";
import { overlay } from "../bench/overlay.ts";
import type { Log } from "../lib/bus/log.ts";
import { SUBJECTS } from "./fake_instance.ts";
import { Frozen, Mass, Position, Velocity } from "./graph_fixture.ts";
import { entities, spawnMass, TickHarness } from "./tick_harness.ts";

const WIDE = componentType("Mass", [
  { name: "value", type: "f64", default: 0 },
  { name: "unit", type: "string", default: "kg" },
]);

const HEAVY = componentType("Mass", [{ name: "value", type: "f32", default: 5 }]);
const BEFORE = createSchema([Position, Velocity, Mass, Frozen]);
const HEAVIER = createSchema([Position, Velocity, HEAVY, Frozen]);

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

function openStore(harness: TickHarness): SnapshotStore {
  const { log, bus } = harness.connect("store");
  const { payloadBytesMax } = bus;
  return new SnapshotStore({ log, subjects: SUBJECTS, payloadBytesMax });
}

async function listed(harness: TickHarness): Promise<string[]> {
  const infos = await harness.pump(openStore(harness).list());
  return infos.map(({ meta }) => `${meta.kind} ${meta.tick}`);
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

Deno.test("components that are declared in another order are the same", async () => {
  await using harness = await openDead();
  const schema = createSchema([Frozen, Mass, Velocity, Position]);
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

Deno.test("what was logged before a default changed has the one of then, and later spawns the new one", async () => {
  await using harness = await TickHarness.open({ systems: [], entities: entities(1) });
  await spawnMass(harness, 2);
  harness.kill("coordinator");
  const second = await harness.wait(harness.openMigrating("second", HEAVIER));
  assertEquals(second.tickNumber, 2);
  assertEquals(await listed(harness), ["initial 0", "migrated 2"]);
  const said = harness.lines.filter((line) => /components/.test(line));
  assertEquals(said, [
    "the components have changed: Mass.value has the default 5, before 0; every value is kept",
  ]);
  await spawnMass(harness, 4);
  assertEquals((await harness.values("Mass", "value")).toSorted(), [0, 0, 5]);
  const digest = second.digest();
  harness.kill("second");
  const third = await harness.wait(harness.openMigrating("third", HEAVIER));
  assertEquals([third.tickNumber, third.digest()], [4, digest]);
  assertEquals(await listed(harness), ["initial 0", "migrated 2"]);
  harness.kill("third");
  const fourth = await harness.wait(harness.openCoordinator("fourth"));
  assertEquals(fourth.tickNumber, 4);
  assertEquals((await harness.values("Mass", "value")).toSorted(), [0, 0, 5]);
  assertEquals(await listed(harness), ["initial 0", "migrated 2", "migrated 4"]);
});

Deno.test("a component that is new is in a snapshot before it is used, so that it can change later", async () => {
  await using harness = await openDead();
  const withNew = (type: "u8" | "u16") =>
    createSchema([
      ...[Position, Velocity, Mass, Frozen],
      componentType("New", [{ name: "n", type, default: 1 }]),
    ]);
  await harness.wait(harness.openMigrating("second", withNew("u8")));
  assertEquals(await listed(harness), ["initial 0", "migrated 4"]);
  assertMatch(harness.lines.join("\n"), /have changed: New is new; no entity has it/);
  const spawning = harness.command([{ op: "spawn", components: { New: {} } }]);
  await harness.settle();
  await (await harness.start(6)).ran;
  await spawning;
  harness.kill("second");
  const third = await harness.wait(harness.openMigrating("third", withNew("u16")));
  assertEquals([third.tickNumber, third.entityCount], [6, 3]);
  assertEquals(await listed(harness), ["initial 0", "migrated 4", "migrated 6"]);
});

Deno.test("a log that uses a component which its snapshot lacks is replayed with the manifests' one", async () => {
  const New = componentType("New", [{ name: "n", type: "u8", default: 1 }]);
  const schema = createSchema([Position, Velocity, Mass, Frozen, New]);
  await using harness = await TickHarness.open({ systems: [], entities: entities(1), schema });
  const spawning = harness.command([{ op: "spawn", components: { New: {} } }]);
  await harness.settle();
  await (await harness.start(2)).ran;
  await spawning;
  const digest = harness.coordinator.digest();
  harness.kill("coordinator");
  const store = openStore(harness);
  const [{ meta: { id } }] = await harness.pump(store.list());
  const { image, meta } = await harness.pump(store.load(id));
  await harness.pump(store.delete(id));
  const older = createSchema([Position, Velocity, Mass, Frozen]);
  await harness.pump(store.save({ ...image, schema: older }, meta));
  const second = await harness.wait(harness.openCoordinator("second"));
  assertEquals([second.tickNumber, second.digest()], [2, digest]);
  assertEquals(await listed(harness), ["initial 0", "migrated 2"]);
});

Deno.test("a standby learns of components that another leader has changed when it takes over", async () => {
  await using harness = await TickHarness.open({ systems: [], entities: entities(1) });
  const standingBy = harness.standBy("standby", new AbortController().signal);
  await harness.settle();
  await harness.wait(harness.openMigrating("second", HEAVIER, { takeover: true }));
  await (await harness.start(2)).ran;
  harness.kill("coordinator");
  harness.kill("second");
  const standby = await harness.wait(standingBy);
  assertEquals(standby?.tickNumber, 2);
  assertEquals(await listed(harness), ["initial 0", "migrated 0", "migrated 2"]);
  await spawnMass(harness, 3);
  harness.kill("standby");
  const last = await harness.wait(harness.openCoordinator("last"));
  assertEquals([last.tickNumber, last.entityCount], [3, 2]);
});

Deno.test("who takes the place of a leader that changes the components at that moment goes on from these", async () => {
  await using harness = await TickHarness.open({ systems: [], entities: entities(1) });
  let isChanged = false;
  const late = (log: Log) =>
    overlay(log, {
      async append(subject, data, options) {
        if (subject === SUBJECTS.commit && !isChanged) {
          isChanged = true;
          await harness.wait(harness.openMigrating("second", HEAVIER, { takeover: true }));
          await (await harness.start(2)).ran;
        }
        return await log.append(subject, data, options);
      },
    });
  const opening = harness.openMigrating("third", BEFORE, { takeover: true, change: late });
  const third = await harness.wait(opening);
  assertEquals(third.tickNumber, 2);
  assertEquals(await listed(harness), ["initial 0", "migrated 0", "migrated 2"]);
  await spawnMass(harness, 3);
  harness.kill("third");
  const last = await harness.wait(harness.openCoordinator("last"));
  assertEquals([last.tickNumber, last.digest()], [3, third.digest()]);
});

Deno.test("a log that does not lead where it says is refused with the tick and what can be done", async () => {
  await using harness = await openDead();
  const commits = await harness.commits();
  const forged = { ...commits[3], tick_id: 5, digest: 1n };
  const { data, options } = encodeMessage("TickCommit", forged);
  await harness.pump(harness.connect("rival").log.append(SUBJECTS.commit, data, options));
  const opening = harness.wait(harness.openCoordinator("second"));
  const { message } = await assertRejects(() => opening, UserError);
  const [what, why, todo] = message.split("\n");
  assertMatch(
    what,
    /^Cannot resume the world under the prefix "test".*"initial-\d+" to tick 4 and/,
  );
  assertMatch(why, /^ {2}Cannot replay tick 5: it leads to digest \w+, but 0+1 was committed$/);
  assertMatch(todo, /`deno task replay --prefix test --to 4 --fork NAME`/);
});
