import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { chainLengths, flowBetween, overlappingShards } from "../coordinator/dataflow.ts";
import type { Shard } from "../coordinator/shards.ts";
import { Table } from "../lib/ecs/archetype.ts";
import { componentType } from "../lib/ecs/component.ts";
import { floatsOf } from "./fake_instance.ts";
import { access, Frozen, Mass, Position, query, system, Velocity } from "./graph_fixture.ts";
import { DEADLINE_MS, openTicks } from "./tick_harness.ts";

/** Two shards for an instance. */
const ROWS = 1200;

const FIRST = system("first", { read: [access(Position)], write: [access(Mass)] });
const SECOND = system("second", { read: [access(Mass)], write: [access(Velocity)] });

Deno.test("flowBetween() is by rows unless the later system needs the earlier one's writes to begin", () => {
  const Label = componentType("Label", [{ name: "text", type: "string", default: "" }]);
  const writer = system("a", { write: [access(Position, "x"), access(Label)] });
  const flowTo = (parts: Parameters<typeof system>[1]) => flowBetween(writer, system("b", parts));
  assertEquals(flowTo({ read: [access(Position)] }), "rows");
  assertEquals(flowTo({ write: [access(Position)] }), "rows");
  assertEquals(flowTo({ read: [access(Position)], changed: [Velocity] }), "whole");
  assertEquals(flowTo({ optional: [access(Label)] }), "whole");
  assertEquals(flowTo({ write: [access(Label)] }), "whole");
  const broadcast = (...reads: ReturnType<typeof access>[]) =>
    flowTo({ read: [access(Position)], broadcast: query({ read: reads }) });
  assertEquals(broadcast(access(Position, "x")), "whole");
  assertEquals(broadcast(access(Position, "y"), access(Mass)), "rows");
});

const tables = [new Table([Position]), new Table([Position, Frozen])];

/** Shards that share out some rows of both tables, in order. */
const shardsArbitrary = fc.array(
  fc.record({ table: fc.nat(1), gap: fc.nat(3), count: fc.integer({ min: 1, max: 5 }) }),
  { maxLength: 12 },
).chain((chunks) => {
  const at = [0, 0];
  const placed = chunks.toSorted((a, b) => a.table - b.table).map(({ table, gap, count }) => {
    const first = at[table] + gap;
    at[table] = first + count;
    return { table: tables[table], first, count };
  });
  return fc.array(fc.boolean(), { minLength: placed.length, maxLength: placed.length }).map((
    cuts,
  ) =>
    placed.reduce<Shard[]>((shards, chunk, i) => {
      const last = shards.at(-1);
      return cuts[i] || last === undefined
        ? [...shards, [chunk]]
        : [...shards.slice(0, -1), [...last, chunk]];
    }, [])
  );
});

Deno.test("overlappingShards() finds exactly the shards that share a row", () => {
  const rowsOf = (shard: Shard) =>
    new Set(
      shard.flatMap(({ table, first, count }) =>
        Array.from({ length: count }, (_, i) => `${tables.indexOf(table)} ${first + i}`)
      ),
    );
  fc.assert(fc.property(shardsArbitrary, shardsArbitrary, (earlier, later) => {
    const expected = later.map((shard) =>
      [...earlier.keys()].filter((i) => !rowsOf(earlier[i]).isDisjointFrom(rowsOf(shard)))
    );
    const found = overlappingShards(earlier, later).map((shards) =>
      [...shards].sort((a, b) => a - b)
    );
    assertEquals(found, expected);
  }));
});

Deno.test("overlappingShards() takes picked rows for all those between them", () => {
  const [table] = tables;
  const picked: Shard = [{ table, first: 0, count: 2, rows: Uint32Array.of(3, 9) }];
  const span = (first: number, count: number): Shard => [{ table, first, count }];
  const found = overlappingShards([span(0, 3), span(3, 3), span(6, 6)], [picked]);
  assertEquals(found.map((shards) => [...shards]), [[1, 2]]);
});

Deno.test("a shard follows those with the same rows, and sees what they wrote", async () => {
  await using harness = await openTicks([FIRST, SECOND], { rows: ROWS, credits: 2 });
  const { ran } = await harness.start(1);
  assertEquals(harness.busy, ["first", "first"]);
  const [, last] = harness.taken;
  await harness.finish(last);
  assertEquals(harness.busy, ["first", "second"]);
  const { schedule } = harness.next("second");
  assertEquals([schedule.shard, schedule.chunks[0].first], [1, ROWS / 2]);
  assertEquals(new Set(floatsOf(schedule.chunks[0].columns["Mass.value"])), new Set([1]));
  await harness.finish(harness.next("second"));
  assertEquals(harness.busy, ["first"]);
  await harness.finishAll();
  await ran;
  assertEquals(await harness.values("Velocity", "x"), new Array(ROWS).fill(1));
});

Deno.test("with a barrier a system waits for the whole of the one before", async () => {
  await using harness = await openTicks([FIRST, SECOND], {
    rows: ROWS,
    credits: 2,
    isBarrier: true,
  });
  const { ran } = await harness.start(1);
  await harness.finish(harness.taken[1]);
  assertEquals(harness.busy, ["first"]);
  await harness.finish(harness.taken[0]);
  assertEquals(harness.busy, ["second", "second"]);
  await harness.finishAll();
  await ran;
});

Deno.test("a shard goes on when the one that it follows is lost", async () => {
  await using harness = await openTicks([FIRST, SECOND], { rows: ROWS, credits: 2 });
  const { ran } = await harness.start(1);
  const [stuck, failed] = harness.taken;
  failed.instance.end(failed, "Error: no");
  await harness.settle();
  assertEquals(harness.busy, ["first", "second"]);
  await harness.finish(harness.next("second"));
  stuck.instance.swallow(stuck);
  for (let i = 0; i < 8 && harness.busy.at(-1) !== "second"; i++) {
    await harness.advance(DEADLINE_MS);
    if (harness.busy[0] === "first") harness.taken[0].instance.swallow(harness.taken[0]);
  }
  assertEquals(harness.busy, ["second"]);
  await harness.finishAll();
  await ran;
  assertEquals(harness.coordinator.stats.system("first").skipped, 1);
  assertEquals(await harness.values("Velocity", "x"), new Array(ROWS).fill(1));
});

Deno.test("a chain is as long as the longest way through a system, row by row", () => {
  const edges = [
    { from: "a", to: "b", flow: "rows" },
    { from: "b", to: "c", flow: "rows" },
    { from: "a", to: "d", flow: "rows" },
    { from: "d", to: "e", flow: "whole" },
  ] as const;
  assertEquals(Object.fromEntries(chainLengths(["a", "b", "d", "c", "e"], edges)), {
    a: 3,
    b: 3,
    c: 3,
    d: 2,
    e: 1,
  });
});
