import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Chunk } from "../lib/wire/messages.ts";
import { openTicks, WRITER } from "./tick_harness.ts";

Deno.test("a tick drops a result that comes twice, or for another tick or epoch, and counts it", async () => {
  await using harness = await openTicks([WRITER], { rows: 1024, credits: 2 });
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
    await using harness = await openTicks([WRITER], { rows: 3 });
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

Deno.test("a tick refuses results without the chunks, or with a command that makes no sense", async () => {
  for (
    const change of [
      { chunks: [] },
      { commands: [{ op: "remove" as const, entity: 1, component: "Nothing" }] },
    ]
  ) {
    await using harness = await openTicks([WRITER]);
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
  await using harness = await openTicks([WRITER]);
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
  await using harness = await openTicks([WRITER], { rows: 1024, credits: 2 });
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
  assertEquals(committed, [null, { attempt: 0, instance_id: "writer-1", changed: true }]);
});

Deno.test("a shard that changes nothing is done with its ack", async () => {
  await using harness = await openTicks([WRITER]);
  const { ran } = await harness.start(1);
  const taken = harness.next("writer");
  taken.instance.end(taken);
  await harness.settle();
  await ran;
  assertEquals(harness.coordinator.stats.system("writer").shards, 1);
});

function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}
