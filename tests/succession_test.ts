import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { FencedError } from "../coordinator/fence.ts";
import { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { UserError } from "../lib/user_error.ts";
import { overlay } from "../bench/overlay.ts";
import type { Log } from "../lib/bus/log.ts";
import { encodeMessage } from "../lib/wire/codec.ts";
import { SUBJECTS } from "./fake_instance.ts";
import { HOLDER, openTicks, TickHarness } from "./tick_harness.ts";

const spawn = { op: "spawn", components: { Position: { x: 7 } } } as const;

/** A world of the holder after some ticks, of a coordinator that then died. */
async function openDead(ticks: number): Promise<TickHarness> {
  const harness = await openTicks([HOLDER], { rows: 3 });
  const { ran } = await harness.start(ticks);
  await harness.finishAll();
  await ran;
  harness.kill("coordinator");
  return harness;
}

Deno.test("a coordinator resumes the world that a dead one has left, and goes on with it", async () => {
  await using harness = await openDead(3);
  const digest = harness.coordinator.digest();
  const second = await harness.wait(harness.openCoordinator("second"));
  assertEquals([second.tickNumber, second.digest()], [3, digest]);
  assertMatch(harness.lines.join("\n"), /resumed the world at tick 3, in term \d+/);
  await harness.addInstance(HOLDER, "writer-2");
  const { ran } = await harness.start(5);
  await harness.finishAll();
  await ran;
  assertEquals(await harness.values("Position", "x"), [5, 5, 5]);
  const commits = await harness.commits();
  assertEquals(commits.map(({ tick_id }) => tick_id), [1, 2, 3, 4, 5]);
  assertEquals(commits.map(({ epoch }) => epoch > commits[0].epoch), [
    false,
    false,
    false,
    true,
    true,
  ]);
});

Deno.test("a coordinator redoes the tick that a dead one has not committed", async () => {
  await using harness = await openTicks([HOLDER], { rows: 2000, credits: 4 });
  await harness.start(9);
  const [taken] = harness.taken;
  taken.instance.finish(taken);
  await harness.settle();
  harness.kill("coordinator");
  const late = harness.taken[0];
  const second = await harness.wait(harness.openCoordinator("second"));
  assertEquals(second.tickNumber, 0);
  await harness.addInstance(HOLDER, "writer-2", 4);
  const { ran } = await harness.start(1);
  // Of the old term, and so without effect.
  await harness.finish(late);
  await harness.finishAll();
  await ran;
  assertEquals(new Set(await harness.values("Position", "x")), new Set([1]));
  assertEquals(second.stats.system("writer").late, 1);
});

Deno.test("a coordinator leaves a world alone that another one leads, and says how to take it", async () => {
  await using harness = await openTicks([HOLDER]);
  const opening = harness.openCoordinator("second");
  const { message } = await assertRejects(() => harness.wait(opening), UserError);
  assertMatch(message, /another coordinator does, and is at tick 0\..*--takeover.*--standby/);
});

Deno.test("a coordinator that another one takes over from is refused, and only then", async () => {
  await using harness = await openTicks([HOLDER]);
  const { ran } = await harness.start(9);
  await harness.finish(harness.next("writer"));
  const second = await harness.wait(harness.openCoordinator("second", true));
  assertEquals(second.tickNumber, 1);
  await harness.finishAll();
  await assertRejects(() => harness.pump(ran), FencedError);
  assertEquals((await harness.commits()).length, 1);
});

Deno.test("of two coordinators that take over at once, each begins a term of its own", async () => {
  await using harness = await openDead(2);
  const opened = ["second", "third"].map((name) => harness.openCoordinator(name, true));
  await harness.wait(Promise.all(opened));
  const { lines } = harness;
  const terms = lines.join("\n").match(/in term (\d+)/g) ?? [];
  assertEquals([terms.length, new Set(terms).size], [2, 2], lines.join("\n"));
});

Deno.test("a standby follows the leader, and takes its place within a second of its death", async () => {
  await using harness = await openTicks([HOLDER], { rows: 3 });
  const leader = harness.coordinator;
  const standingBy = harness.standBy("standby", new AbortController().signal);
  const { ran } = await harness.start(3);
  await harness.finishAll();
  await ran.catch(() => undefined);
  // The world of a leader that lives is not taken, however long nothing happens.
  const idle = harness.standBy("idle", AbortSignal.abort());
  assertEquals(await harness.wait(idle), undefined);
  harness.kill("coordinator");
  const { clock } = harness;
  const diedAt = clock.now();
  const standby = await harness.wait(standingBy);
  assert(standby !== undefined);
  assert(clock.now() - diedAt <= 1000, `${clock.now() - diedAt} ms`);
  assertEquals([standby.tickNumber, standby.digest()], [3, leader.digest()]);
  await harness.addInstance(HOLDER, "writer-2");
  const next = await harness.start(4);
  await harness.finishAll();
  await next.ran;
  assertEquals(await harness.values("Position", "x"), [4, 4, 4]);
});

Deno.test("a standby for which a restored snapshot comes too late follows anew from the newest one", async () => {
  await using harness = await TickHarness.open({ systems: [], isUnpaced: false });
  const standingBy = harness.standBy("standby", new AbortController().signal);
  await harness.start(Infinity);
  for (let i = 0; i < 5; i++) await harness.advance(100);
  harness.disconnect("standby");
  const restoring = harness.control({ op: "restore", snapshot: "initial-1" });
  const { snapshot: id = "", tick_id: tick } = await harness.wait(restoring);
  assertEquals(id, "initial-1");
  await harness.wait(harness.control({ op: "snapshot" }));
  const { log, bus: { payloadBytesMax } } = harness.connect("store");
  const store = new SnapshotStore({ log, subjects: SUBJECTS, payloadBytesMax });
  // Its leader died before it purged the log that the copy was for.
  await harness.wait(store.delete(`r${tick}`));
  harness.kill("coordinator");
  const leader = harness.coordinator;
  const left = [leader.tickNumber, leader.digest()];
  harness.reconnect("standby");
  // What it asked the log while it was disconnected is not answered.
  for (let i = 0; i < 20; i++) await harness.advance(1000);
  const standby = await harness.wait(standingBy);
  assertEquals([standby?.tickNumber, standby?.digest()], left);
  assertMatch(harness.lines.join("\n"), /there is none with this id; following anew/);
});

Deno.test("a standby leaves a leader alone that is paused, and one that others take over from", async () => {
  await using harness = await TickHarness.open({ systems: [] });
  const stop = new AbortController();
  const standingBy = harness.standBy("standby", stop.signal);
  await harness.control({ op: "pause" });
  const { ran } = await harness.start(9);
  for (let i = 0; i < 20; i++) await harness.advance(100);
  await harness.wait(harness.openCoordinator("second", true));
  for (let i = 0; i < 20; i++) await harness.advance(100);
  assertEquals(harness.coordinator.tickNumber, 0);
  // It looks, although a paused world has nothing to commit.
  await assertRejects(() => harness.pump(ran), FencedError, "in term");
  stop.abort();
  assertEquals(await harness.wait(standingBy), undefined);
});

Deno.test("a standby that comes upon a beginning as the lease lapses gives it time to lead", async () => {
  await using harness = await TickHarness.open({ systems: [] });
  const { log } = harness.connect("rival");
  const { data, options } = encodeMessage("TermStart", { epoch: 9, tick_id: 0 }, { epoch: 9 });
  const stop = new AbortController();
  let isBegun = false;
  // What had been sent to it when it stopped to follow, it still takes.
  const late = (known: Log) =>
    overlay(known, {
      async *follow(stream, { from, signal }) {
        yield* known.follow(stream, { from, signal });
        if (isBegun) return;
        isBegun = true;
        await log.append(SUBJECTS.commit, data, options);
        for await (const entry of log.read(stream, { from })) {
          if (entry.headers["epoch"] === "9") yield entry;
        }
      },
    });
  const standingBy = harness.standBy("standby", stop.signal, late);
  await harness.settle();
  harness.kill("coordinator");
  for (let i = 0; i < 16; i++) await harness.advance(50);
  assertEquals(isBegun, true);
  assertEquals(harness.lines.filter((line) => /resumed/.test(line)), []);
  // The one that began is not heard of, so it is dead.
  const standby = await harness.wait(standingBy);
  assertEquals(standby?.tickNumber, 0);
});

Deno.test("a standby that missed what was let go of since goes on from a newer snapshot", async () => {
  const snapshots = { every: { ticks: 3 }, kept: 1 };
  await using harness = await openTicks([HOLDER], { rows: 3, snapshots });
  const standingBy = harness.standBy("standby", new AbortController().signal);
  await harness.settle();
  harness.disconnect("standby");
  const { ran } = await harness.start(12);
  await harness.finishAll();
  await ran;
  harness.kill("coordinator");
  await harness.advance(1000);
  harness.reconnect("standby");
  // What was asked of the log meanwhile is given up.
  for (let i = 0; i < 11; i++) await harness.advance(1000);
  const standby = await harness.wait(standingBy);
  assertEquals(standby?.tickNumber, 12);
  assertMatch(harness.lines.join("\n"), /the log lacks tick \d+.*from the newest snapshot/);
});

Deno.test("of several standbys one takes over, and the others follow it", async () => {
  await using harness = await TickHarness.open({ systems: [], isUnpaced: false });
  const stop = new AbortController();
  const names = ["a", "b", "c"];
  const standing = names.map((name) => harness.standBy(name, stop.signal));
  await harness.start(Infinity);
  for (let i = 0; i < 5; i++) await harness.advance(100);
  harness.kill("coordinator");
  const first = await harness.wait(Promise.race(standing));
  assertEquals(first?.tickNumber, 6);
  await harness.start(Infinity);
  for (let i = 0; i < 20; i++) await harness.advance(100);
  assertEquals(first?.tickNumber, 27);
  stop.abort();
  const outcomes = await harness.wait(Promise.all(standing));
  assertEquals(outcomes.filter((coordinator) => coordinator !== undefined), [first]);
});

Deno.test("a standby begins the world where nobody does", async () => {
  await using harness = await TickHarness.open({ systems: [], entities: [{ Position: {} }] });
  harness.kill("coordinator");
  const { log } = harness.connect("rival");
  for (const stream of [SUBJECTS.streams.snapshots, SUBJECTS.streams.components]) {
    await harness.pump(log.purge(stream));
  }
  const standby = await harness.wait(harness.standBy("standby", new AbortController().signal));
  assertEquals([standby?.tickNumber, standby?.entityCount], [0, 1]);
});

Deno.test("of two coordinators that start at once one leads", async () => {
  await using harness = await TickHarness.open({ systems: [] });
  harness.kill("coordinator");
  const openings = ["a", "b"].map((client) => harness.openCoordinator(client));
  const outcomes = await harness.wait(Promise.allSettled(openings));
  assertEquals(outcomes.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
});

Deno.test("a buffer that is sent again after a crash is answered as the first time", async () => {
  await using harness = await TickHarness.open({ systems: [] });
  const first = harness.command([spawn], "order-1");
  await harness.settle();
  await (await harness.start(2)).ran;
  const answer = await harness.pump(first);
  harness.kill("coordinator");
  await harness.wait(harness.openCoordinator("second"));
  const again = harness.command([spawn, spawn], "order-1");
  const other = harness.command([spawn], "order-2");
  await harness.settle();
  await (await harness.start(4)).ran;
  assertEquals(await harness.pump(again), answer);
  assertEquals(await harness.pump(other), { tick_id: 3, spawned: [2], refused: [] });
  assertEquals(harness.coordinator.entityCount, 2);
});

Deno.test("a new world begins anew when its coordinator died before its beginning was stored", async () => {
  await using harness = await TickHarness.open({ systems: [], entities: [{ Position: {} }] });
  harness.kill("coordinator");
  const { log } = harness.connect("rival");
  await harness.pump(log.purge(SUBJECTS.streams.snapshots));
  const second = await harness.wait(harness.openCoordinator("second"));
  assertEquals([second.tickNumber, second.entityCount], [0, 1]);
});

Deno.test("a log with ticks but without a whole snapshot is refused, and left as it is", async () => {
  await using harness = await openDead(2);
  const { log } = harness.connect("rival");
  await harness.pump(log.purge(SUBJECTS.streams.snapshots));
  const opening = harness.openCoordinator("second");
  const reason = "its log has ticks, but TEST_SNAPSHOTS has no whole snapshot";
  await assertRejects(() => harness.wait(opening), UserError, reason);
  assertEquals((await harness.commits()).length, 2);
});
