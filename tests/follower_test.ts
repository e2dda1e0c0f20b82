import { assert, assertEquals, assertMatch } from "@std/assert";
import { Follower } from "../coordinator/follower.ts";
import { componentType, createSchema } from "../lib/ecs/component.ts";
import { worldDigest } from "../lib/ecs/world_digest.ts";
import { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { overlay } from "../bench/overlay.ts";
import type { Log } from "../lib/bus/log.ts";
import { SUBJECTS } from "./fake_instance.ts";
import { COMPONENTS, Frozen, Position, Velocity } from "./graph_fixture.ts";
import { entities, spawnMass, TickHarness } from "./tick_harness.ts";

const { components, snapshots } = SUBJECTS.streams;
const HEAVY = componentType("Mass", [{ name: "value", type: "f32", default: 5 }]);
const CHANGED = createSchema([Position, Velocity, HEAVY, Frozen]);

function openFollower(harness: TickHarness, change: (log: Log) => Log = (log) => log): Follower {
  const { log, bus: { payloadBytesMax } } = harness.connect("follower");
  const { clock, lines } = harness;
  const report = { info: () => {}, warn: (line: string) => lines.push(line) };
  const store = new SnapshotStore({ log, subjects: SUBJECTS, payloadBytesMax });
  const ports = { log: change(log), clock, subjects: SUBJECTS, store, report };
  return new Follower(ports, createSchema(COMPONENTS));
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
  ["the log then leads elsewhere", (harness: TickHarness) => spawnMass(harness, 3)],
  ["the log does not show it", async (harness: TickHarness) => (await harness.start(3)).ran],
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
    const follower = openFollower(harness, slow);
    await harness.wait(follower.catchUp());
    const { state } = follower.replica ?? {};
    assert(state !== undefined);
    assertEquals([state.tick, worldDigest(state.world)], [3, harness.coordinator.digest()]);
    assertEquals(follower.snapshotSchema, CHANGED);
  });
}

Deno.test("a follower passes over a damaged snapshot of changed components, and says so once", async () => {
  await using harness = await openTicked();
  await change(harness);
  await (await harness.start(3)).ran;
  const { log } = harness.connect("storage");
  const filter = SUBJECTS.snapshot(`migrated-${(await harness.commits())[2].epoch}`, "*");
  await harness.pump(log.purge(snapshots, { filter }));
  const follower = openFollower(harness);
  for (let i = 0; i < 2; i++) await harness.pump(follower.catchUp());
  assertEquals(follower.replica?.state.tick, 3);
  const [line, ...others] = harness.lines.filter((line) => /skipping/.test(line));
  assertMatch(line, /^skipping snapshot "migrated-\d+": Cannot load/);
  assertEquals(others, []);
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
  const follower = openFollower(harness, slow);
  await harness.wait(follower.catchUp());
  const { tick = 0 } = follower.replica?.state ?? {};
  assertEquals([cuts, tick], [2, harness.coordinator.tickNumber]);
  const lines = harness.lines.filter((line) => /going on from the newest snapshot/.test(line));
  assertEquals(lines.length, 2, lines.join("\n"));
});
