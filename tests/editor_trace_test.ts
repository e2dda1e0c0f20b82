import { assertEquals, assertStringIncludes } from "@std/assert";
import { layOut, pathText } from "../editor/model/graph_layout.ts";
import { HistoryRing } from "../editor/model/history_ring.ts";
import {
  axisSteps,
  explain,
  lanesOf,
  spansOf,
  type TickTrace,
  timesOf,
} from "../editor/model/trace_layout.ts";

const SHARD = {
  shard: 0,
  rows: 100,
  instance_id: "move-1",
  attempts: 1,
  ready_ms: 1,
  sent_ms: 3,
  done_ms: 10,
  compute_ms: 5,
};

const TICK: TickTrace = {
  tick_id: 7,
  started_ms: 0,
  period_ms: 10,
  duration_ms: 14,
  commit_ms: 2,
  late: true,
  why: "it waited for move",
  systems: [
    {
      system: "move",
      started_ms: 1,
      ended_ms: 14,
      missed: 0,
      shard_count: 2,
      shards: [
        SHARD,
        { ...SHARD, shard: 1, instance_id: "move-2", attempts: 2, sent_ms: 6, done_ms: 14 },
      ],
    },
    { system: "idle", started_ms: 0, ended_ms: 0, missed: 3, shard_count: 0, shards: [] },
  ],
};

Deno.test("spansOf() tells a shard's waiting, wire and computing apart", () => {
  assertEquals(spansOf(SHARD).map(({ kind, start, end }) => [kind, start, end]), [
    ["waiting", 1, 3],
    ["wire", 3, 5],
    ["compute", 5, 10],
  ]);
  const { ready_ms: _, ...never } = SHARD;
  assertEquals(spansOf(never), []);
  const { done_ms: __, ...lost } = SHARD;
  assertEquals(spansOf(lost).map(({ kind }) => kind), ["waiting"]);
});

Deno.test("lanesOf() has a lane per instance, systems in the order in which they began", () => {
  const lanes = lanesOf(TICK).map(({ system, instance, spans, missed }) =>
    [system, instance, spans.length, missed] as const
  );
  assertEquals(lanes, [
    ["idle", undefined, 0, 3],
    ["move", "move-1", 3, 0],
    ["move", "move-2", 3, 0],
  ]);
});

Deno.test("timesOf() sums up what the shards of a system took", () => {
  const { waiting, wire, compute, elapsed } = timesOf(TICK.systems[0]);
  assertEquals([waiting, wire, compute, elapsed], [7, 5, 10, 13]);
});

Deno.test("explain() says why a tick was late", () => {
  const text = explain(TICK).join(" ");
  for (
    const part of [
      "late by 4.00 ms",
      "It waited for move.",
      "move ended last, at 14.0 ms",
      "shard, 1 on move-2, 2 attempts",
      "idle (3)",
      "stored 2.00 ms after",
    ]
  ) assertStringIncludes(text, part);
  assertStringIncludes(explain({ ...TICK, period_ms: 0, late: false })[0], "as fast as they can");
});

Deno.test("axisSteps() are round, and some five", () => {
  assertEquals(axisSteps(10), [0, 2, 4, 6, 8, 10]);
  assertEquals(axisSteps(0.7), [0, 0.2, 0.4, 0.6]);
  assertEquals(axisSteps(0), [0]);
});

Deno.test("layOut() puts a system behind those that it waits for, and marks what is ambiguous", () => {
  const system = (name: string, after: string[] = [], rowwise: string[] = []) => ({
    name,
    queue: name,
    deadline_ms: 1,
    on_miss: "hold" as const,
    reads: [],
    writes: [],
    after,
    rowwise,
    level: after.length,
  });
  const placed = layOut({
    systems: [system("a"), system("b", ["a"], ["a"]), system("c", ["b"]), system("d")],
    ambiguities: [{ first: "c", second: "d", fields: ["X.y"] }],
  });
  const x = Object.fromEntries(placed.systems.map(({ system, x }) => [system.name, x]));
  assertEquals([x.a < x.b, x.b < x.c], [true, true]);
  assertEquals(placed.edges.map(({ from, to, kind, label }) => [from, to, kind, label]), [
    ["a", "b", "rows", "row by row"],
    ["b", "c", "order", ""],
    ["c", "d", "ambiguous", "X.y"],
  ]);
  assertStringIncludes(pathText(placed.edges[0].points), "M");
  assertEquals(pathText([]), "");
});

Deno.test("HistoryRing keeps the last samples, with gaps where a curve has none", () => {
  const ring = new HistoryRing({ samplesMax: 2 });
  ring.add(1, new Map([["a", 10]]));
  ring.add(2, new Map([["b", 20]]));
  assertEquals(ring.data(["a", "b"]), [[1, 2], [10, null], [null, 20]]);
  ring.add(3, new Map([["b", 30]]));
  assertEquals([ring.names, ring.length], [["b"], 2]);
});
