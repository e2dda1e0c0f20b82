import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Follower } from "../coordinator/follower.ts";
import { saveState } from "../coordinator/rebase.ts";
import { componentType, createSchema, type Schema } from "../lib/ecs/component.ts";
import { worldDigest } from "../lib/ecs/world_digest.ts";
import { schemaDigest } from "../lib/snapshot/schema_difference.ts";
import { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { restoreWorld } from "../lib/snapshot/world_image.ts";
import { UserError } from "../lib/user_error.ts";
import { encodeMessage } from "../lib/wire/codec.ts";
import { overlay } from "../bench/overlay.ts";
import type { Log } from "../lib/bus/log.ts";
import { SUBJECTS } from "./fake_instance.ts";
import { COMPONENTS, Frozen, Position, Velocity } from "./graph_fixture.ts";
import { entities, spawnMass, TickHarness } from "./tick_harness.ts";

const { components, snapshots } = SUBJECTS.streams;
const HEAVY = componentType("Mass", [{ name: "value", type: "f32", default: 5 }]);
const CHANGED = createSchema([Position, Velocity, HEAVY, Frozen]);

function openFollower(
  harness: TickHarness,
  { change = (log) => log, schema = createSchema(COMPONENTS) }: {
    change?: (log: Log) => Log;
    schema?: Schema;
  } = {},
): Follower {
  const { log: direct, bus: { payloadBytesMax } } = harness.connect("follower");
  const log = change(direct);
  const { clock, lines } = harness;
  const report = { info: () => {}, warn: (line: string) => lines.push(line) };
  const store = new SnapshotStore({ log, subjects: SUBJECTS, payloadBytesMax });
  const ports = { log, clock, subjects: SUBJECTS, store, report };
  return new Follower(ports, schema);
}

/** A world of one entity that has ticked twice. */
async function openTicked(): Promise<TickHarness> {
  const harness = await TickHarness.open({ systems: [], entities: entities(1) });
  await (await harness.start(2)).ran;
  return harness;
}

/** Another leader changes the components. */
function change(harness: TickHarness) {
  return harness.wait(harness.openMigrating("second", CHANGED, { takeover: true }));
}

const OTHERS = [
  ["a tick depends on them", (harness: TickHarness) => spawnMass(harness, 3)],
  ["no tick depends on them", async (harness: TickHarness) => (await harness.start(3)).ran],
] as const;

for (const [what, goOn] of OTHERS) {
  Deno.test(`a follower begins anew where components change as it reads: ${what}`, async () => {
    await using harness = await openTicked();
    let isChanged = false;
    const slow = (log: Log) =>
      overlay(log, {
        async *read(stream, options) {
          if (stream === components && !isChanged) {
            isChanged = true;
            await change(harness);
            await goOn(harness);
          }
          yield* log.read(stream, options);
        },
      });
    const follower = openFollower(harness, { change: slow });
    await harness.wait(follower.catchUp());
    const { state } = follower.replica ?? {};
    assert(state !== undefined);
    assertEquals([state.tick, worldDigest(state.world)], [3, harness.coordinator.digest()]);
    assertEquals(state.world.schema.get("Mass"), HEAVY);
  });
}

/** A world whose components changed after tick 2, and the snapshot of that is damaged. */
async function openDamaged(): Promise<TickHarness> {
  const harness = await openTicked();
  await change(harness);
  await spawnMass(harness, 3);
  const { log } = harness.connect("storage");
  const filter = SUBJECTS.snapshot(`migrated-${(await harness.commits())[2].epoch}`, "*");
  await harness.pump(log.purge(snapshots, { filter }));
  return harness;
}

Deno.test("a follower repeats a change of components whose snapshot is damaged, and says so once", async () => {
  await using harness = await openDamaged();
  const follower = openFollower(harness, { schema: CHANGED });
  for (let i = 0; i < 2; i++) await harness.pump(follower.catchUp());
  const { state } = follower.replica ?? {};
  assert(state !== undefined);
  assertEquals([state.tick, worldDigest(state.world)], [3, harness.coordinator.digest()]);
  assertEquals(follower.migration({ isLossAllowed: false }), undefined);
  const lines = harness.lines.filter((line) => /skipping|the components changed/.test(line));
  assertMatch(lines[0], /^skipping snapshot "migrated-\d+": Cannot load/);
  assertMatch(lines[1], /tick 3: the components changed as term \d+ began, and the snapshot/);
  assertEquals(lines.length, 2);
});

Deno.test("a follower of the components before a change whose snapshot is damaged is refused", async () => {
  await using harness = await openDamaged();
  await assertRejects(
    () => harness.pump(openFollower(harness).catchUp()),
    UserError,
    'from snapshot "initial-1" to tick 2 and no further',
  );
});

Deno.test("a follower sees that components changed when the snapshot of that is gone again", async () => {
  await using harness = await openTicked();
  const follower = openFollower(harness);
  await harness.pump(follower.catchUp());
  await change(harness);
  const coordinator = await harness.start(4);
  await coordinator.ran;
  await harness.wait(harness.control({ op: "snapshot" }));
  const { log, bus: { payloadBytesMax } } = harness.connect("storage");
  const store = new SnapshotStore({ log, subjects: SUBJECTS, payloadBytesMax });
  await harness.pump(store.delete(`migrated-${(await harness.commits())[2].epoch}`));
  await harness.pump(follower.catchUp());
  assertEquals(follower.replica?.state.world.schema.get("Mass"), HEAVY);
});

Deno.test("a follower passes over the changed world of a leader that was succeeded before its first tick", async () => {
  await using harness = await openTicked();
  const changed = openFollower(harness, { schema: CHANGED });
  await harness.pump(changed.catchUp());
  const { state, epoch: before = 0 } = changed.replica ?? {};
  const { image } = changed.migration({ isLossAllowed: false }) ?? {};
  assert(state !== undefined && image !== undefined);
  const { log, bus: { payloadBytesMax } } = harness.connect("stray");
  const epoch = before + 100;
  const value = { epoch, tick_id: 2, components: schemaDigest(CHANGED) };
  const { data, options } = encodeMessage("TermStart", value, { epoch, tick: 2 });
  const sequence = await harness.pump(log.append(SUBJECTS.commit, data, options));
  await harness.wait(harness.openCoordinator("second", true));
  await spawnMass(harness, 3);
  const store = new SnapshotStore({ log, subjects: SUBJECTS, payloadBytesMax });
  const world = restoreWorld(CHANGED, image);
  await harness.pump(
    saveState(
      { store, dateMs: () => 0 },
      { state: { ...state, world }, epoch, sequence },
      { id: "stray", kind: "migrated" },
    ),
  );
  for (const schema of [CHANGED, createSchema(COMPONENTS)]) {
    const follower = openFollower(harness, { schema });
    await harness.pump(follower.catchUp());
    const { tick, world } = follower.replica?.state ?? state;
    assertEquals([tick, worldDigest(world)], [3, harness.coordinator.digest()]);
  }
  assertMatch(harness.lines.join("\n"), /skipping snapshot "stray": the log goes on from tick 2/);
});

Deno.test("a follower begins with the snapshot that came for the one that it was about to read", async () => {
  await using harness = await TickHarness.open({
    systems: [],
    isUnpaced: false,
    entities: entities(1),
  });
  await harness.start(Infinity);
  await harness.advance(100);
  let isReplaced = false;
  const slow = (log: Log) =>
    overlay(log, {
      async *read(stream, options) {
        if (stream === snapshots && !isReplaced) {
          isReplaced = true;
          await harness.wait(harness.control({ op: "snapshot" }));
          const { bus: { payloadBytesMax } } = harness.connect("storage");
          await new SnapshotStore({ log, subjects: SUBJECTS, payloadBytesMax }).delete("initial-1");
        }
        yield* log.read(stream, options);
      },
    });
  const follower = openFollower(harness, { change: slow });
  await harness.wait(follower.catchUp());
  assertEquals([isReplaced, follower.replica?.state.tick], [true, harness.coordinator.tickNumber]);
});

Deno.test("a follower begins anew where the log is cut to a newer snapshot as it is read, and again", async () => {
  await using harness = await TickHarness.open({ systems: [], isUnpaced: false });
  await harness.start(Infinity);
  let cuts = 0;
  const slow = (log: Log) =>
    overlay(log, {
      async *read(stream, options) {
        if (stream === components && cuts < 2) {
          cuts++;
          for (let i = 0; i < 3; i++) await harness.advance(100);
          await harness.wait(harness.control({ op: "snapshot" }));
          const { sequence = 0 } = await log.last(components, SUBJECTS.commit) ?? {};
          await log.purge(components, { before: sequence });
          await harness.advance(100);
        }
        yield* log.read(stream, options);
      },
    });
  await harness.advance(100);
  const follower = openFollower(harness, { change: slow });
  await harness.wait(follower.catchUp());
  const { tick = 0 } = follower.replica?.state ?? {};
  assertEquals([cuts, tick], [2, harness.coordinator.tickNumber]);
  const lines = harness.lines.filter((line) => /going on from the newest snapshot/.test(line));
  assertEquals(lines.length, 2, lines.join("\n"));
});
