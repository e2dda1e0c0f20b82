import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { FencedError } from "../coordinator/fence.ts";
import type { Bus } from "../lib/bus/bus.ts";
import { encodeMessage } from "../lib/wire/codec.ts";
import { RefusedError } from "../lib/wire/request.ts";
import { upTo } from "./e2e.ts";
import { SUBJECTS } from "./fake_instance.ts";
import { HOLDER, openTicks, TickHarness, WRITER } from "./tick_harness.ts";

const PERIOD_MS = 100;

function openPaced(): Promise<TickHarness> {
  return TickHarness.open({ systems: [], hz: 10, isUnpaced: false });
}

Deno.test("Coordinator.run() ticks at absolute times and ends after the last tick", async () => {
  await using harness = await openPaced();
  const { coordinator } = harness;
  const { ran } = await harness.start(4);
  assertEquals(coordinator.tickNumber, 1);
  await harness.advance(PERIOD_MS - 1);
  assertEquals(coordinator.tickNumber, 1);
  await harness.advance(1);
  assertEquals(coordinator.tickNumber, 2);
  await harness.advance(PERIOD_MS);
  await harness.advance(PERIOD_MS);
  await ran;
  assertEquals(coordinator.tickNumber, 4);
  assertEquals(coordinator.stats.overruns, 0);
  assertEquals((await harness.commits()).map(({ dt }) => dt), [0.1, 0.1, 0.1, 0.1]);
});

Deno.test("Coordinator.stop() ends a run that waits or is paused", async () => {
  await using harness = await openPaced();
  const { ran } = await harness.start(Infinity);
  harness.coordinator.stop();
  await harness.pump(ran);
  assertEquals(harness.coordinator.tickNumber, 1);

  await using paused = await openPaced();
  await paused.control({ op: "pause" });
  const waiting = await paused.start(Infinity);
  paused.coordinator.stop();
  await paused.pump(waiting.ran);
  assertEquals(paused.coordinator.tickNumber, 0);
});

Deno.test("pause lets no further tick begin, not even the one that is waited for", async () => {
  await using harness = await openPaced();
  await harness.start(Infinity);
  const { running, tick_id } = await harness.control({ op: "pause" });
  assertEquals([running, tick_id], [false, 1]);
  await harness.advance(10 * PERIOD_MS);
  assertEquals(harness.coordinator.tickNumber, 1);
  await harness.control({ op: "resume" });
  assertEquals(harness.coordinator.tickNumber, 2);
  await harness.advance(PERIOD_MS);
  assertEquals(harness.coordinator.tickNumber, 3);
});

Deno.test("step runs that many ticks without waiting, and leaves the world paused", async () => {
  await using harness = await openPaced();
  await harness.start(Infinity);
  await harness.control({ op: "step", ticks: 3 });
  assertEquals(harness.coordinator.tickNumber, 4);
  await harness.control({ op: "step" });
  assertEquals(harness.coordinator.tickNumber, 5);
  await harness.advance(10 * PERIOD_MS);
  assertEquals(harness.coordinator.tickNumber, 5);
  assertEquals((await harness.control({ op: "status" })).running, false);
});

Deno.test("rate takes effect at once, even if the next tick was far away", async () => {
  await using harness = await openPaced();
  await harness.start(Infinity);
  assertEquals((await harness.control({ op: "rate", hz: 0.001 })).hz, 0.001);
  assertEquals(harness.coordinator.tickNumber, 2);
  await harness.advance(10_000);
  assertEquals(harness.coordinator.tickNumber, 2);
  await harness.control({ op: "rate", hz: 20 });
  assertEquals(harness.coordinator.tickNumber, 3);
  await harness.advance(PERIOD_MS / 2);
  assertEquals(harness.coordinator.tickNumber, 4);
});

Deno.test("rate refuses what is no rate, and ticks go on as before", async () => {
  await using harness = await openPaced();
  await harness.start(Infinity);
  for (const hz of [1e-310, 1e-9]) {
    await assertRejects(() => harness.control({ op: "rate", hz }), RefusedError, "0.001");
  }
  await assertRejects(() => harness.control({ op: "rate" }), RefusedError);
  await harness.advance(PERIOD_MS);
  assertEquals(harness.coordinator.tickNumber, 2);
  assertEquals(harness.coordinator.stats.refused, 3);
});

Deno.test("a status before any instance has no load, rather than NaN", async () => {
  await using harness = await TickHarness.open({ systems: [WRITER] });
  const { tick_id, systems } = await harness.control({ op: "status" });
  assertEquals([tick_id, systems.writer.instances, systems.writer.load], [0, 0, 0]);
});

Deno.test("Coordinator.run() rejects when another coordinator commits, and leaves no timer", async () => {
  await using harness = await openPaced();
  const { ran } = await harness.start(Infinity);
  const rival = harness.connect("rival");
  const { data, options } = encodeMessage("TickCommit", {
    epoch: 99,
    tick_id: 1,
    dt: 1,
    buffers: [],
    systems: [],
    digest: 0n,
  });
  await harness.pump(rival.log.append("test.coord.commit", data, options));
  await harness.advance(PERIOD_MS);
  await harness.advance(PERIOD_MS);
  await assertRejects(() => harness.pump(ran), FencedError);
  assertEquals(harness.clock.pendingCount, 0);
});

Deno.test("a coordinator whose place was taken unheard ends, although its tick is held", async () => {
  // The second comes too late for its epoch, but refuses the other's commits all the same.
  for (const epoch of [99, 1]) {
    await using harness = await openTicks([HOLDER], { rows: 1 });
    const { ran } = await harness.start(Infinity);
    assertEquals(harness.busy, ["writer"]);
    await takePlace(harness, epoch);
    await harness.advance(400);
    assert(harness.clock.pendingCount > 0);
    await harness.advance(200);
    await assertRejects(() => harness.pump(ran), FencedError, `in term ${epoch}`);
    assertEquals(harness.clock.pendingCount, 0);
  }
});

Deno.test("a coordinator whose place was taken unheard leaves all answers to who leads", async () => {
  const query = { read: ["Position"] };
  const asked = [
    [SUBJECTS.queryRequest, encodeMessage("QueryRequest", { query })],
    [SUBJECTS.queryWatch, encodeMessage("QueryWatch", { query, deliver: "told", lease_ms: 1000 })],
    [SUBJECTS.control, encodeMessage("Control", { op: "resume" })],
    [SUBJECTS.control, encodeMessage("Control", { op: "restore", snapshot: "initial-1" })],
  ] as const;
  for (const [subject, { data, options }] of asked) {
    await using harness = await openTicks([], { rows: 3 });
    const { coordinator } = harness;
    await harness.control({ op: "pause" });
    const { ran } = await harness.start(Infinity);
    assertEquals(await harness.values("Position", "x"), [0, 0, 0]);
    const { bus } = await takePlace(harness, 99);
    const told: (string | undefined)[] = [];
    bus.subscribe("told", ({ headers }) => void told.push(headers["msg-type"]));
    bus.publish(subject, data, { ...options, reply: "told" });
    await harness.settle();
    await harness.advance(PERIOD_MS);
    await assertRejects(() => harness.pump(ran), FencedError, "in term 99");
    assertEquals(told, subject === SUBJECTS.queryWatch ? ["QueryWatchReply"] : []);
    assertEquals(coordinator.tickNumber, 0);
  }
});

Deno.test("a coordinator sets no more timers the longer it runs", async () => {
  await using harness = await openPaced();
  await harness.start(Infinity);
  const { pendingCount } = harness.clock;
  for (let second = 0; second < 20; second++) await harness.advance(1000);
  assert(harness.clock.pendingCount <= pendingCount);
});

Deno.test("a full log holds the world, says so once, and lets it go on when there is room", async () => {
  await using harness = await openTicks([HOLDER], { rows: 200, logBytesMax: 10_000 });
  const { log } = harness.connect("keeper");
  const { components } = SUBJECTS.streams;
  const finishAll = async () => {
    await harness.finishAll();
    await harness.advance(500);
  };
  const { ran } = await harness.start(20);
  for (let i = 0; i < 3; i++) await finishAll();
  const held = harness.coordinator.tickNumber;
  assert(held > 1 && held < 20, `tick ${held}`);
  const stored = (await harness.commits()).map(({ tick_id }) => tick_id);
  assertEquals(stored, upTo(stored.length));
  const warnings = harness.lines.filter((line) => /maximum bytes exceeded/.test(line));
  assertEquals(warnings.length, 1, warnings.join("\n"));
  assertMatch(warnings[0], /the world waits until the log takes its ticks again/);
  assertEquals(harness.events.filter((event) => /^log/.test(event)), ["log.full undefined"]);
  // As often as it is full again: what lies before the newest commit goes.
  let isDone = false;
  ran.then(() => isDone = true);
  for (let i = 0; i < 60 && !isDone; i++) {
    const newest = Array.fromAsync(log.lastPerSubject(components, SUBJECTS.commit));
    const [{ sequence }] = await harness.pump(newest);
    await harness.pump(log.purge(components, { before: sequence }));
    await finishAll();
  }
  await ran;
  assertEquals(await harness.values("Position", "x"), new Array(200).fill(20));
  assertEquals((await harness.commits()).at(-1)?.tick_id, 20);
});

/** Another coordinator begins a term, and says nothing of it. */
async function takePlace(harness: TickHarness, epoch: number): Promise<{ bus: Bus }> {
  const { bus, log } = harness.connect("rival");
  const { data, options } = encodeMessage("TermStart", { epoch, tick_id: 0 }, { epoch });
  await harness.pump(log.append(SUBJECTS.commit, data, options));
  return { bus };
}
