import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import * as fc from "fast-check";
import type { EntityComponents, SystemManifest } from "../lib/manifest/manifest.ts";
import type { Chunk } from "../lib/wire/messages.ts";
import { RefusedError } from "../lib/wire/request.ts";
import { access, Frozen, Mass, type Parts, Position, system, Velocity } from "./graph_fixture.ts";
import { type HarnessOptions, TickHarness } from "./tick_harness.ts";

const DEADLINE_MS = 50;
/** Deadlines after which `skip` gives up on what does not move. */
const DEADLINES_MAX = 4;

const WRITER = system("writer", { write: [access(Position, "x")] });
const HOLDER: SystemManifest = { ...WRITER, onMiss: "hold" };

function entities(count: number): EntityComponents[] {
  return Array.from({ length: count }, () => ({ Position: {}, Velocity: {}, Mass: {} }));
}

/** A world of one row, or `rows`, and an instance per system. */
async function open(
  systems: readonly SystemManifest[],
  { rows = 1, credits = 1, ...options }: Partial<HarnessOptions> & {
    rows?: number;
    credits?: number;
  } = {},
): Promise<TickHarness> {
  const harness = await TickHarness.open({ systems, entities: entities(rows), ...options });
  for (const manifest of systems) {
    await harness.addInstance(manifest, `${manifest.name}-1`, credits);
  }
  return harness;
}

Deno.test("a tick runs systems without a conflict at the same time, others one after the other", async () => {
  const readVelocity = system("b", { write: [access(Velocity)] });
  const afterA = system("c", { read: [access(Position)], write: [access(Mass)] });
  await using harness = await open([
    system("a", { write: [access(Position)] }),
    readVelocity,
    afterA,
  ]);
  const { ran } = await harness.start(1);
  assertEquals(harness.busy, ["a", "b"]);
  await harness.finish(harness.next("a"));
  assertEquals(harness.busy, ["b", "c"]);
  await harness.finish(harness.next("b"));
  await harness.finish(harness.next("c"));
  await ran;
  assertEquals(await harness.values("Mass", "value"), [1]);
});

Deno.test("a tick never runs two systems at once that conflict, and always runs the others", async () => {
  const parts = fc.record({
    read: fc.subarray([Position, Velocity, Mass]),
    write: fc.subarray([Position, Velocity, Mass], { maxLength: 2 }),
  });
  const names = ["a", "b", "c", "d", "e"];
  const property = fc.asyncProperty(
    fc.array(parts, { minLength: 2, maxLength: 5 }),
    fc.array(fc.nat(1000), { minLength: 5, maxLength: 5 }),
    async (systems, picks) => {
      const written = systems.map(({ write }) => new Set(write));
      const touched = systems.map(({ read, write }) => new Set([...read, ...write]));
      const conflict = (i: number, j: number) =>
        !written[i].isDisjointFrom(touched[j]) || !written[j].isDisjointFrom(touched[i]);
      await using harness = await open(systems.map(({ read, write }, i) => {
        const query: Parts = {
          read: read.filter((component) => !write.includes(component)).map((component) =>
            access(component)
          ),
          write: write.map((component) => access(component)),
          with: [Position],
        };
        return system(names[i], query);
      }));
      const { ran } = await harness.start(1);
      const waiting = new Set(systems.keys());
      for (const pick of picks.slice(0, systems.length)) {
        const busy = harness.busy.map((name) => names.indexOf(name));
        for (const i of busy) waiting.delete(i);
        for (const [at, i] of busy.entries()) {
          for (const j of busy.slice(at + 1)) {
            assert(!conflict(i, j), `${names[i]} and ${names[j]}`);
          }
        }
        for (const i of waiting) {
          // In manifest order: what waits does so for one that it conflicts with.
          const isHeld = [...busy, ...waiting].some((j) => j < i && conflict(i, j));
          assert(isHeld, `${names[i]} waits for nothing`);
        }
        await harness.finish(harness.taken[pick % harness.taken.length]);
      }
      await ran;
      assertEquals(waiting.size, 0);
    },
  );
  await fc.assert(property, { numRuns: 60 });
});

Deno.test("a tick merges what instances return and commits who ran it", async () => {
  await using harness = await open([WRITER], { rows: 3 });
  const { ran } = await harness.start(2);
  await harness.finishAll();
  await ran;
  assertEquals(await harness.values("Position", "x"), [2, 2, 2]);
  const commits = await harness.commits();
  assertEquals(commits.map(({ tick_id }) => tick_id), [1, 2]);
  assertEquals(commits[0].systems, [
    { system: "writer", shards: [{ attempt: 0, instance_id: "writer-1" }] },
  ]);
  const { shards, rows, errors, ticks } = harness.coordinator.stats.system("writer");
  assertEquals({ shards, rows, errors, ticks }, { shards: 2, rows: 6, errors: 0, ticks: 2 });
});

Deno.test("a tick drops a result that comes twice, or for another tick or epoch, and counts it", async () => {
  await using harness = await open([WRITER], { rows: 1024, credits: 2 });
  const { ran } = await harness.start(2);
  const first = harness.next("writer");
  const result = first.instance.resultOf(first.schedule);
  await harness.finish(first);
  await harness.publishResult(result);
  await harness.publishResult({ ...result, tick_id: 77 });
  await harness.publishResult({ ...result, epoch: result.epoch + 1 });
  await harness.publishResult({ ...result, shard: 99 });
  await harness.publishResult({ ...result, shard: 1, attempt: 5 });
  const { stats } = harness.coordinator;
  assertEquals(stats.system("writer").late, 5);
  await harness.finish(harness.next("writer"));
  await harness.publishResult(result);
  assertEquals(stats.system("writer").late, 6);
  await harness.finishAll();
  await ran;
  assert((await harness.values("Position", "x")).every((x) => x === 2));
  assertEquals(stats.refused, 0);
});

Deno.test("a tick gives a shard to another instance after its deadline, and takes the first result", async () => {
  await using harness = await open([HOLDER]);
  await harness.addInstance(HOLDER, "writer-2");
  const { ran } = await harness.start(1);
  const slow = harness.next("writer");
  await harness.advance(DEADLINE_MS - 1);
  assertEquals(harness.taken.length, 1);
  await harness.advance(1);
  assertEquals(harness.taken.map(({ schedule }) => schedule.attempt), [0, 1]);
  const fast = harness.taken[1];
  assert(fast.instance !== slow.instance);
  await harness.finish(fast);
  await ran;
  await harness.finish(slow);
  assertEquals(await harness.values("Position", "x"), [1]);
  assertEquals(harness.coordinator.stats.system("writer").late, 1);
  const [{ systems: [{ shards }] }] = await harness.commits();
  assertEquals(shards, [{ attempt: 1, instance_id: "writer-2" }]);
});

Deno.test("a tick takes an earlier attempt's result if that comes first", async () => {
  await using harness = await open([HOLDER]);
  await harness.addInstance(HOLDER, "writer-2");
  const { ran } = await harness.start(1);
  await harness.advance(DEADLINE_MS);
  const [slow, retry] = harness.taken;
  await harness.finish(slow);
  await ran;
  await harness.finish(retry);
  assertEquals(await harness.values("Position", "x"), [1]);
  const [{ systems: [{ shards }] }] = await harness.commits();
  assertEquals(shards, [{ attempt: 0, instance_id: "writer-1" }]);
});

Deno.test("a tick sends a refused shard to another instance", async () => {
  await using harness = await open([HOLDER]);
  const { ran } = await harness.start(1);
  const { instance } = harness.next("writer");
  instance.refuse(harness.next("writer"));
  await harness.settle();
  await harness.advance(5);
  assertEquals(harness.next("writer").schedule.attempt, 1);
  await harness.finishAll();
  await ran;
  assertEquals(await harness.values("Position", "x"), [1]);
});

Deno.test("a tick refuses results that are not what the shard may return, and loses the shard", async () => {
  const wrong: Record<string, (chunk: Chunk) => Chunk> = {
    "an undeclared column": (chunk) => ({
      ...chunk,
      columns: { ...chunk.columns, "Velocity.x": new Uint8Array(12) },
    }),
    "an undeclared field": (chunk) => ({
      ...chunk,
      columns: { ...chunk.columns, "Position.y": new Uint8Array(12) },
    }),
    "other rows": (chunk) => ({ ...chunk, first: 1 }),
    "fewer rows": (chunk) => ({ ...chunk, count: 2, columns: { "Position.x": new Uint8Array(8) } }),
    "listed rows": (chunk) => ({ ...chunk, rows: new Uint8Array(12) }),
    "another archetype": (chunk) => ({ ...chunk, archetype: 1n }),
    "a short column": (chunk) => ({ ...chunk, columns: { "Position.x": new Uint8Array(8) } }),
    "a list for a column": (chunk) => ({ ...chunk, columns: { "Position.x": [1, 2, 3] } }),
    "a patch beyond the rows": (chunk) => ({
      ...chunk,
      columns: {},
      patches: { "Position.x": { rows: u32(3), values: new Uint8Array(4) } },
    }),
  };
  for (const [what, change] of Object.entries(wrong)) {
    await using harness = await open([WRITER], { rows: 3 });
    const { ran } = await harness.start(1);
    const taken = harness.next("writer");
    const { chunks } = taken.instance.resultOf(taken.schedule);
    taken.instance.finish(taken, { chunks: chunks.map(change) });
    await harness.settle();
    await ran;
    const { stats } = harness.coordinator;
    assertEquals([stats.refused, stats.system("writer").errors], [1, 1], what);
    assertEquals(await harness.values("Position", "x"), [0, 0, 0], what);
    const [{ systems: [{ shards }] }] = await harness.commits();
    assertEquals(shards, [null], what);
  }
});

Deno.test("a tick refuses results with too many chunks, or a command that makes no sense", async () => {
  for (
    const change of [
      { chunks: [] },
      { commands: [{ op: "remove" as const, entity: 1, component: "Nothing" }] },
    ]
  ) {
    await using harness = await open([WRITER]);
    const { ran } = await harness.start(1);
    const taken = harness.next("writer");
    taken.instance.finish(taken, change);
    await harness.settle();
    await ran;
    assertEquals(harness.coordinator.stats.refused, 1);
    assertEquals(await harness.values("Position", "x"), [0]);
  }
});

Deno.test("a tick refuses results and acks of a system that it does not have", async () => {
  await using harness = await open([WRITER]);
  const { ran } = await harness.start(1);
  const { instance, schedule } = harness.next("writer");
  await harness.publishResult({ ...instance.resultOf(schedule), system: "stranger" });
  instance.acknowledge({ ...schedule, system: "stranger" }, {});
  await harness.settle();
  assertEquals(harness.coordinator.stats.refused, 2);
  await harness.finishAll();
  await ran;
});

Deno.test("a script that throws loses its own shard only", async () => {
  await using harness = await open([WRITER], { rows: 1024, credits: 2 });
  const { ran } = await harness.start(1);
  const [bad, good] = harness.taken;
  bad.instance.end(bad, "RangeError: out of sorts\n    at writer.ts:3");
  await harness.finish(good);
  await ran;
  const { errors, shards, rows, skipped } = harness.coordinator.stats.system("writer");
  assertEquals({ errors, shards, rows, skipped }, { errors: 1, shards: 1, rows: 512, skipped: 0 });
  assertEquals(new Set((await harness.values("Position", "x")).slice(0, 512)), new Set([0]));
  assertMatch(
    harness.lines.join("\n"),
    /writer failed in tick 1, shard 0, on writer-1: RangeError/,
  );
  const [{ systems: [{ shards: committed }] }] = await harness.commits();
  assertEquals(committed, [null, { attempt: 0, instance_id: "writer-1" }]);
});

Deno.test("a shard that changes nothing is done with its ack", async () => {
  await using harness = await open([WRITER]);
  const { ran } = await harness.start(1);
  const taken = harness.next("writer");
  taken.instance.end(taken);
  await harness.settle();
  await ran;
  assertEquals(harness.coordinator.stats.system("writer").shards, 1);
});

Deno.test("an ack that announces a result does not replace it", async () => {
  await using harness = await open([HOLDER]);
  const { ran } = await harness.start(1);
  const { instance, schedule } = harness.next("writer");
  instance.acknowledge(schedule, { changed: true });
  await harness.settle();
  assertEquals(harness.coordinator.tickNumber, 0);
  await harness.finishAll();
  await ran;
});

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
  await using harness = await open([HOLDER]);
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
  await using harness = await open([WRITER]);
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
  await using harness = await open([WRITER]);
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

Deno.test("a `changed` query is given the world at first, then what others changed", async () => {
  const follower = system("x_follower", {
    read: [access(Position)],
    write: [access(Mass)],
    changed: [Position],
  });
  await using harness = await open([WRITER, follower], { rows: 2 });
  const { ran } = await harness.start(3);
  const followed: number[] = [];
  // The writer changes all rows in tick 1, and none in the ticks after.
  while (harness.taken.length > 0) {
    const [taken] = harness.taken;
    const { system, tick_id, chunks } = taken.schedule;
    if (system === "x_follower") followed.push(tick_id, chunks[0].count);
    if (system === "writer" && tick_id > 1) {
      taken.instance.end(taken);
      await harness.settle();
    } else await harness.finish(taken);
  }
  await ran;
  assertEquals(followed, [1, 2]);
  assertEquals(await harness.values("Mass", "value"), [1, 1]);
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
  assertEquals(harness.events.filter((event) => event.startsWith("system.resumed")), []);
});

Deno.test("a tick without systems, or without rows for them, is done at once", async () => {
  await using harness = await TickHarness.open({ systems: [] });
  await (await harness.start(2)).ran;
  assertEquals((await harness.commits()).length, 2);
  await using empty = await open([HOLDER], { rows: 0 });
  await (await empty.start(2)).ran;
  assertEquals(empty.coordinator.stats.system("writer").ticks, 2);
});

Deno.test("commands from outside take effect in the next tick, which their answer names", async () => {
  await using harness = await open([HOLDER]);
  const { ran } = await harness.start(2);
  const answer = harness.command([
    { op: "spawn", components: { Position: { x: 5 }, Frozen: {} } },
    { op: "despawn", entity: 99 },
    { op: "despawn", entity: 1 },
  ]);
  await harness.settle();
  assertEquals(harness.next("writer").schedule.chunks[0].count, 1);
  await harness.finish(harness.next("writer"));
  assertEquals(harness.next("writer").schedule.tick_id, 2);
  await harness.finishAll();
  await ran;
  const { tick_id, spawned, refused } = await answer;
  assertEquals([tick_id, spawned, refused.map(({ index }) => index)], [2, [2], [1]]);
  assertEquals(await harness.values("Position", "x"), [6]);
});

Deno.test("commands of systems take effect in shard order, whoever is first", async () => {
  await using harness = await open([HOLDER], { rows: 1024, credits: 2 });
  const { ran } = await harness.start(1);
  const [one, other] = harness.taken;
  const spawn = (kg: number) => ({
    commands: [{ op: "spawn" as const, components: { Mass: { value: kg } } }],
  });
  other.instance.finish(other, spawn(2));
  await harness.settle();
  one.instance.finish(one, spawn(1));
  await harness.settle();
  await ran;
  const masses = await harness.values("Mass", "value");
  assertEquals(masses.filter((value) => value > 0), [1, 2]);
});

Deno.test("commands that are more than a commit has room for are refused", async () => {
  await using harness = await open([WRITER], { payloadBytesMax: 65_536 });
  const spawn = { op: "spawn" as const, components: { Position: { x: 0.1, y: 0.1 } } };
  await assertRejects(
    () => harness.pump(harness.command(new Array(1000).fill(spawn))),
    RefusedError,
    "send them in several messages",
  );
  assertEquals(harness.coordinator.stats.refused, 1);
});

Deno.test("the answer to many commands that fail fits into a message", async () => {
  await using harness = await open([WRITER], { payloadBytesMax: 65_536 });
  const answer = harness.command(new Array(1200).fill({ op: "despawn", entity: 77 }));
  const { ran } = await harness.start(2);
  await harness.finishAll();
  await ran;
  const { refused } = await answer;
  assert(refused.length > 0 && refused.length < 1200);
});

Deno.test("a broadcast that does not fit into messages costs its system the tick, and no other", async () => {
  const { SCHEMA, AI, Label } = await import("./broadcast_fixture.ts");
  const ai = { ...AI, query: system("ai", { write: [access(Mass)] }).query };
  await using harness = await TickHarness.open({
    systems: [ai, WRITER],
    schema: SCHEMA,
    entities: [{ Position: {}, Mass: {}, [Label.name]: { text: "x".repeat(20_000) } }],
    payloadBytesMax: 16_384,
  });
  await harness.addInstance(ai, "ai-1");
  await harness.addInstance(WRITER, "writer-1");
  const { ran } = await harness.start(2);
  await harness.finishAll();
  await ran;
  assertEquals(harness.coordinator.stats.system("ai").errors, 2);
  assertEquals(await harness.values("Position", "x"), [2]);
});

Deno.test("a tick with a frozen archetype leaves its rows alone", async () => {
  const free = system("writer", { write: [access(Position, "x")], without: [Frozen] });
  await using harness = await open([free], {
    entities: [{ Position: {} }, { Position: {}, Frozen: {} }],
  });
  const { ran } = await harness.start(1);
  await harness.finishAll();
  await ran;
  assertEquals((await harness.values("Position", "x")).toSorted(), [0, 1]);
});

function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}
