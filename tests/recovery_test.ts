import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { replay, replicaOf } from "../coordinator/recovery.ts";
import { createSchema } from "../lib/ecs/component.ts";
import { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { UserError } from "../lib/user_error.ts";
import { overlay } from "../bench/overlay.ts";
import { SUBJECTS } from "./fake_instance.ts";
import { COMPONENTS } from "./graph_fixture.ts";
import { entities, TickHarness } from "./tick_harness.ts";

const PERIOD_MS = 100;
const TICKS = 25;
const { components, snapshots } = SUBJECTS.streams;

/** A paced world with snapshots at its beginning and at the ticks 10 and 20. */
function openPaced(): Promise<TickHarness> {
  const policy = { every: { ticks: 10 }, kept: 3 };
  return TickHarness.open({
    systems: [],
    isUnpaced: false,
    entities: entities(3),
    snapshots: policy,
  });
}

async function tickTo(harness: TickHarness, tick: number): Promise<void> {
  while (harness.coordinator.tickNumber < tick) await harness.advance(PERIOD_MS);
}

/** The same after 25 ticks, of which each changes a mass, and after its coordinator's death. */
async function openDead(): Promise<TickHarness> {
  const harness = await openPaced();
  const { ran } = await harness.start(TICKS);
  for (let tick = 1; tick < TICKS; tick++) {
    const value = { value: tick };
    const setting = harness.command([{ op: "set", entity: 1, component: "Mass", value }]);
    await harness.settle();
    await tickTo(harness, tick + 1);
    await harness.pump(setting);
  }
  await harness.pump(ran);
  harness.kill("coordinator");
  return harness;
}

function storageOf(harness: TickHarness) {
  const { log, bus: { payloadBytesMax } } = harness.connect("storage");
  return { log, store: new SnapshotStore({ log, subjects: SUBJECTS, payloadBytesMax }) };
}

/** Takes away the parts of a snapshot. */
function damage(harness: TickHarness, id: string): Promise<void> {
  const { log } = storageOf(harness);
  return harness.pump(log.purge(snapshots, { filter: SUBJECTS.snapshot(id, "*") }));
}

/** Leaves of the log only what comes after a snapshot, as is done where it takes too much room. */
async function cut(harness: TickHarness, id: string): Promise<void> {
  const { log, store } = storageOf(harness);
  const info = (await harness.pump(store.list())).find(({ meta }) => meta.id === id);
  assert(info !== undefined);
  await harness.pump(log.purge(components, { before: info.meta.sequence }));
}

Deno.test("a coordinator passes over a damaged snapshot, says why, and comes to the same world", async () => {
  await using harness = await openDead();
  const digest = harness.coordinator.digest();
  await damage(harness, "t20");
  const second = await harness.wait(harness.openCoordinator("second"));
  assertEquals([second.tickNumber, second.digest()], [TICKS, digest]);
  const skipped = `skipping snapshot "t20": Cannot load snapshot "t20": part 0 of 1 is missing`;
  assertEquals(harness.lines.filter((line) => /skipping/.test(line)), [skipped]);
  assertEquals(await harness.values("Mass", "value"), [TICKS - 1, 0, 0]);
});

Deno.test("a world whose log was cut behind the last whole snapshot is refused, with both reasons", async () => {
  await using harness = await openDead();
  await cut(harness, "t20");
  await damage(harness, "t20");
  const opening = harness.openCoordinator("second");
  const { message } = await assertRejects(() => harness.wait(opening), UserError);
  assertMatch(
    message,
    /its log has ticks, but TEST_SNAPSHOTS has no whole snapshot to go on from$/m,
  );
  assertMatch(message, /^ {2}"t20": Cannot load snapshot "t20": part 0 of 1 is missing$/m);
  assertMatch(message, /^ {2}"t10": the log was cut behind it: it begins with sequence \d+,/m);
  assertMatch(message, /--fork.*--begin.*remove the streams TEST_COMPONENTS and TEST_SNAPSHOTS/);
  assertEquals((await harness.commits()).at(-1)?.tick_id, TICKS, "the log is as it was");
});

Deno.test("a world is not begun anew where there is a snapshot of it, though damaged", async () => {
  await using harness = await openPaced();
  harness.kill("coordinator");
  await damage(harness, "initial-1");
  const opening = harness.openCoordinator("second");
  const { message } = await assertRejects(() => harness.wait(opening), UserError);
  assertMatch(
    message,
    /"test": TEST_SNAPSHOTS has no whole snapshot.*\n {2}"initial-1": Cannot load/,
  );
});

Deno.test("a standby that nothing leads to the world waits for the leader's next snapshot", async () => {
  await using harness = await openPaced();
  const leader = harness.coordinator;
  await harness.start(Infinity);
  await tickTo(harness, 25);
  await cut(harness, "t20");
  await damage(harness, "t20");
  const standingBy = harness.standBy("standby", new AbortController().signal);
  await tickTo(harness, 35);
  harness.kill("coordinator");
  const standby = await harness.wait(standingBy);
  assertEquals([standby?.tickNumber, standby?.digest()], [35, leader.digest()]);
  const skipped = harness.lines.filter((line) => /skipping snapshot "t20"/.test(line));
  assertEquals(skipped.length, 1, "it is said once");
});

Deno.test("a replay that takes long says once a second how far it is", async () => {
  await using harness = await openDead();
  const { log, store } = storageOf(harness);
  const { clock } = harness;
  const snapshot = await harness.pump(store.load("initial-1"));
  const replica = replicaOf(snapshot, { schema: createSchema(COMPONENTS), subjects: SUBJECTS });
  const slow = overlay(log, {
    read: async function* (stream, options) {
      for await (const entry of log.read(stream, options)) {
        clock.advance(300);
        yield entry;
      }
    },
  });
  const lines: string[] = [];
  const report = { info: (line: string) => lines.push(line), warn: () => {} };
  const from = replica.sequence + 1;
  const ports = { log: slow, clock, subjects: SUBJECTS, store, report };
  const last = await harness.pump(replay(ports, replica, from));
  assertEquals([replica.state.tick, last - from + 1], [TICKS, TICKS]);
  assertEquals(lines, [
    "replaying the log: tick 4, 16 %",
    "replaying the log: tick 8, 32 %",
    "replaying the log: tick 12, 48 %",
    "replaying the log: tick 16, 64 %",
    "replaying the log: tick 20, 80 %",
    "replaying the log: tick 24, 96 %",
  ]);
});
