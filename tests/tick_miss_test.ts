import { assertEquals, assertMatch } from "@std/assert";
import { access, Mass, Position, system } from "./graph_fixture.ts";
import { DEADLINE_MS, entities, HOLDER, openTicks, TickHarness, WRITER } from "./tick_harness.ts";

/** Deadlines after which `skip` gives up on what does not move. */
const DEADLINES_MAX = 4;

Deno.test("a tick waits for an instance under hold, and says so", async () => {
  await using harness = await TickHarness.open({ systems: [HOLDER], entities: entities(1) });
  const { ran } = await harness.start(1);
  await harness.advance(60_000);
  assertEquals(harness.coordinator.tickNumber, 0);
  assertMatch(harness.lines.join("\n"), /tick 1 waits for writer: no instance of it; start one/);
  await harness.addInstance(HOLDER, "late-1");
  await harness.finishAll();
  await ran;
  assertEquals(harness.coordinator.stats.system("writer").skipped, 0);
  assertEquals(await harness.values("Position", "x"), [1]);
});

Deno.test("a tick under hold tries a shard again for as long as it takes", async () => {
  await using harness = await openTicks([HOLDER]);
  const { ran } = await harness.start(1);
  for (let attempt = 0; attempt < 3 * DEADLINES_MAX; attempt++) {
    const taken = harness.next("writer");
    taken.instance.swallow(taken);
    taken.instance.offerCredit();
    await harness.advance(DEADLINE_MS);
  }
  assertEquals(harness.coordinator.tickNumber, 0);
  await harness.finishAll();
  await ran;
});

Deno.test("a tick goes on without a system that has no instance under skip, and says so once", async () => {
  await using harness = await TickHarness.open({ systems: [WRITER], entities: entities(2) });
  await (await harness.start(3)).ran;
  const { skipped, ticks, shards } = harness.coordinator.stats.system("writer");
  assertEquals({ skipped, ticks, shards }, { skipped: 3, ticks: 0, shards: 0 });
  assertEquals(harness.events, ["system.skipped writer"]);
  assertEquals((await harness.commits()).map(({ systems }) => systems[0].shards), [
    [null],
    [null],
    [null],
  ]);
});

Deno.test("a tick gives up under skip on instances that hang", async () => {
  await using harness = await openTicks([WRITER]);
  const { ran } = await harness.start(1);
  for (let deadline = 0; deadline < DEADLINES_MAX; deadline++) {
    assertEquals(harness.coordinator.tickNumber, 0);
    await harness.advance(DEADLINE_MS);
  }
  await ran;
  assertEquals(harness.coordinator.stats.system("writer").skipped, 1);
  assertMatch(harness.lines.join("\n"), /no instance took 1 of 1 shards of writer; skipping it/);
  await harness.finishAll();
  assertEquals(await harness.values("Position", "x"), [0]);
});

Deno.test("a tick goes on as soon as the last instance has left under skip", async () => {
  await using harness = await openTicks([WRITER]);
  const { ran } = await harness.start(1);
  const taken = harness.next("writer");
  taken.instance.swallow(taken);
  taken.instance.leave();
  await harness.settle();
  await harness.advance(DEADLINE_MS);
  await ran;
  assertEquals(harness.coordinator.stats.system("writer").skipped, 1);
});

Deno.test("systems behind a skipped one run", async () => {
  const reader = system("x_reader", { read: [access(Position)], write: [access(Mass)] });
  await using harness = await TickHarness.open({
    systems: [WRITER, reader],
    entities: entities(1),
  });
  await harness.addInstance(reader, "reader-1");
  const { ran } = await harness.start(1);
  await harness.finishAll();
  await ran;
  assertEquals(await harness.values("Mass", "value"), [1]);
});

Deno.test("a `changed` query that nobody ran is given the same rows again", async () => {
  const follower = system("follower", { write: [access(Mass)], changed: [Position] });
  await using harness = await TickHarness.open({
    systems: [follower],
    entities: entities(2),
    isUnpaced: false,
  });
  const { ran } = await harness.start(3);
  assertEquals(harness.coordinator.stats.system("follower").skipped, 1);
  await harness.addInstance(follower, "follower-1");
  await harness.advance(100);
  assertEquals(harness.next("follower").schedule.chunks[0].count, 2);
  await harness.finishAll();
  await harness.advance(100);
  await ran;
  assertEquals(await harness.values("Mass", "value"), [1, 1]);
  const resumed = harness.events.filter((event) => event.startsWith("system.resumed"));
  assertEquals(resumed, ["system.resumed follower"]);
});
