import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { FencedError } from "../coordinator/fence.ts";
import { overlay } from "../bench/overlay.ts";
import type { Log, LogEntry } from "../lib/bus/log.ts";
import { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { UserError } from "../lib/user_error.ts";
import { SUBJECTS } from "./fake_instance.ts";
import { HOLDER, openTicks, type TickHarness } from "./tick_harness.ts";

const { components } = SUBJECTS.streams;

/** A world of three rows whose holder adds 1 to each in every tick, after some ticks. */
async function openTicked(ticks: number): Promise<TickHarness> {
  const harness = await openTicks([HOLDER], { rows: 3 });
  await goOn(harness, ticks);
  return harness;
}

async function goOn(harness: TickHarness, ticks: number): Promise<void> {
  const { ran } = await harness.start(ticks);
  await harness.finishAll();
  await ran;
}

/** What anybody sees of the log and the snapshots. */
function lookOn(harness: TickHarness) {
  const { log, bus } = harness.connect("onlooker");
  const { payloadBytesMax } = bus;
  const store = new SnapshotStore({ log, subjects: SUBJECTS, payloadBytesMax });
  return {
    store,
    commits: (): Promise<LogEntry[]> =>
      harness.pump(Array.fromAsync(log.read(components, { filter: SUBJECTS.commit }))),
    info: () => harness.pump(log.info(components)),
    ids: async () =>
      (await harness.pump(store.list())).map(({ meta }) => `${meta.kind} ${meta.id}`),
  };
}

/** Opens another coordinator, gives it an instance, and ticks. */
async function resume(harness: TickHarness, client: string, ticks: number): Promise<void> {
  await harness.wait(harness.openCoordinator(client));
  await harness.addInstance(HOLDER, `writer-${client}`);
  await goOn(harness, ticks);
}

Deno.test("a coordinator whose log has lost its end says so, and the next goes on from what is left", async () => {
  await using harness = await openTicks([HOLDER], { rows: 3 });
  const { commits } = lookOn(harness);
  const { ran } = await harness.start(9);
  for (let i = 0; i < 4; i++) await harness.finish(harness.next("writer"));
  const stored = await commits();
  harness.cutLog(stored[stored.length - 2].sequence);
  await harness.finishAll();
  const error = await assertRejects(
    () => harness.pump(ran),
    UserError,
    "has lost what it had stored",
  );
  assert(!(error instanceof FencedError), "nobody has taken its place");
  harness.kill("coordinator");
  await resume(harness, "second", 6);
  assertEquals(await harness.values("Position", "x"), [6, 6, 6]);
  const ticks = (await harness.commits()).map(({ tick_id }) => tick_id);
  assertEquals(ticks, [1, 2, 3, 4, 5, 6]);
});

Deno.test("a standby that knows more than the log does goes on from there", async () => {
  await using harness = await openTicks([HOLDER], { rows: 3 });
  const { commits, ids, info } = lookOn(harness);
  const standingBy = harness.standBy("standby", new AbortController().signal);
  await harness.settle();
  await goOn(harness, 5);
  const { digest } = (await harness.commits()).at(-1) ?? {};
  harness.kill("coordinator");
  const before = await info();
  harness.cutLog((await commits())[2].sequence);
  const standby = await harness.wait(standingBy);
  assertEquals(standby?.tickNumber, 5);
  assertMatch(harness.lines.join("\n"), /the log ends at sequence \d+, but led to tick 5/);
  assertEquals(await ids(), ["initial initial-1", "auto t5"]);
  assertEquals((await info()).firstSequence, before.lastSequence + 1);
  assert(digest !== undefined);
  await harness.addInstance(HOLDER, "writer-2");
  await goOn(harness, 7);
  assertEquals(await harness.values("Position", "x"), [7, 7, 7]);
  harness.kill("standby");
  await resume(harness, "third", 8);
  assertEquals(await harness.values("Position", "x"), [8, 8, 8]);
});

Deno.test("nothing is skipped where a snapshot is of what the log has lost", async () => {
  await using harness = await openTicked(4);
  const { commits } = lookOn(harness);
  await harness.control({ op: "snapshot" });
  harness.kill("coordinator");
  harness.cutLog((await commits())[0].sequence);
  await resume(harness, "second", 6);
  assertEquals(await harness.values("Position", "x"), [6, 6, 6]);
  harness.kill("second");
  await resume(harness, "third", 7);
  assertEquals(await harness.values("Position", "x"), [7, 7, 7]);
});

Deno.test("a standby whose log went on without its end follows what there is", async () => {
  await using harness = await openTicks([HOLDER], { rows: 3 });
  const { commits } = lookOn(harness);
  const standingBy = harness.standBy("standby", new AbortController().signal);
  await harness.settle();
  await goOn(harness, 5);
  harness.kill("coordinator");
  harness.disconnect("standby");
  harness.cutLog((await commits())[1].sequence);
  // It begins its term, and dies before it has ticked.
  await harness.wait(harness.openCoordinator("second"));
  assertEquals(harness.coordinator.tickNumber, 1);
  harness.kill("second");
  harness.reconnect("standby");
  const standby = await harness.wait(standingBy);
  assertEquals(standby?.tickNumber, 1);
  await harness.addInstance(HOLDER, "writer-2");
  await goOn(harness, 3);
  assertEquals(await harness.values("Position", "x"), [3, 3, 3]);
});

Deno.test("a log that is nearly full is let go of before a coordinator leads", async () => {
  const full = { rows: 200, logBytesMax: 10_000 };
  await using harness = await openTicks([HOLDER], full);
  const { ids, info } = lookOn(harness);
  await harness.start(20);
  for (let i = 0; i < 4; i++) {
    await harness.finishAll();
    await harness.advance(500);
  }
  const held = (await harness.commits()).length;
  assertEquals(await ids(), ["initial initial-1"]);
  harness.kill("coordinator");
  await harness.wait(harness.openCoordinator("second"));
  assertEquals(harness.coordinator.tickNumber, held);
  assertEquals(await ids(), ["initial initial-1", `auto t${held}`]);
  assert((await info()).bytes < 0.25 * full.logBytesMax);
  await harness.addInstance(HOLDER, "writer-2");
  await goOn(harness, held + 2);
  assertEquals(await harness.values("Position", "x"), new Array(200).fill(held + 2));
});

Deno.test("a world whose log is full lets go of what the newest snapshot has, and goes on", async () => {
  await using harness = await openTicks([HOLDER], { rows: 200, logBytesMax: 10_000 });
  const { ids } = lookOn(harness);
  await harness.start(20);
  await harness.control({ op: "pause" });
  await harness.finishAll();
  await harness.control({ op: "step" });
  await harness.finishAll();
  await harness.control({ op: "snapshot" });
  const kept = harness.coordinator.tickNumber;
  assertEquals(await ids(), ["initial initial-1", `manual t${kept}`]);
  await harness.control({ op: "resume" });
  for (let i = 0; i < 8; i++) {
    await harness.finishAll();
    await harness.advance(500);
  }
  const report = harness.lines.join("\n");
  assertMatch(report, /maximum bytes exceeded.*the world waits/);
  assertMatch(report, new RegExp(`only what comes after snapshot "t${kept}" is kept`));
  assertMatch(report, /the log takes ticks again/);
  const [first] = await harness.commits();
  assertEquals(first.tick_id, kept);
  harness.kill("coordinator");
  await harness.wait(harness.openCoordinator("second"));
  assert(harness.coordinator.tickNumber > kept);
});

for (const isAlive of [false, true]) {
  const what = isAlive ? "leaves one alone that" : "takes what one commits that";
  Deno.test(`a standby that lets go of a nearly full log ${what} leads meanwhile`, async () => {
    await using harness = await openTicks([HOLDER], { rows: 200, logBytesMax: 10_000 });
    let isFollowed = false;
    const slow = (log: Log) =>
      overlay(log, {
        async purge(stream, options) {
          await log.purge(stream, options);
          if (stream !== components || isFollowed) return;
          isFollowed = true;
          await resume(harness, "second", harness.coordinator.tickNumber + 2);
          if (!isAlive) harness.kill("second");
        },
      });
    const stop = new AbortController();
    const standingBy = harness.standBy("standby", stop.signal, slow);
    await harness.start(20);
    for (let i = 0; i < 4; i++) {
      await harness.finishAll();
      await harness.advance(500);
    }
    harness.kill("coordinator");
    for (let i = 0; isAlive && i < 20; i++) await harness.advance(500);
    if (isAlive) stop.abort();
    const standby = await harness.wait(standingBy);
    const [{ tick_id: newest }] = (await harness.commits()).slice(-1);
    assertEquals([isFollowed, harness.coordinator.tickNumber], [true, newest]);
    assertEquals(standby === undefined, isAlive);
    if (isAlive) await goOn(harness, newest + 1);
  });
}
