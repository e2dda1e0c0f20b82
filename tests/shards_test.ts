import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { planShards, type Shard } from "../coordinator/shards.ts";
import type { Table } from "../lib/ecs/archetype.ts";
import { type ComponentType, componentType, createSchema } from "../lib/ecs/component.ts";
import type { Query } from "../lib/ecs/query.ts";
import { type ComponentValues, World } from "../lib/ecs/world.ts";
import { encodeChunk } from "../lib/wire/chunk.ts";
import { encodeMessage } from "../lib/wire/codec.ts";
import { access, Frozen, Mass, Position, query, Velocity } from "./graph_fixture.ts";

const Label = componentType("Label", [{ name: "text", type: "string", default: "" }]);
const SCHEMA = createSchema([Position, Velocity, Mass, Frozen, Label]);
const PAYLOAD_BYTES_MAX = 1 << 20;
const LIMITS = { shardCount: () => 4, payloadBytesMax: PAYLOAD_BYTES_MAX, changedSince: 0 };
const MOVE = query({ read: [access(Velocity)], write: [access(Position)] });

function spawn(world: World, count: number, ...components: ComponentType[]): void {
  const values: ComponentValues = new Map(components.map((component) => [component, {}]));
  for (let i = 0; i < count; i++) world.spawn(values);
}

function worldOf(counts: Readonly<Record<string, number>>): World {
  const world = new World(SCHEMA);
  spawn(world, counts.plain ?? 0, Position, Velocity);
  spawn(world, counts.heavy ?? 0, Position, Velocity, Mass);
  spawn(world, counts.frozen ?? 0, Position, Velocity, Frozen);
  return world;
}

function plan(world: World, query: Query, limits: Partial<typeof LIMITS> = {}): Shard[] {
  return planShards(world.match(query), query, { ...LIMITS, ...limits });
}

function countOf(shard: Shard): number {
  return shard.reduce((sum, { count }) => sum + count, 0);
}

/** Every row of the shards, in order, as table and row number. */
function rowsOf(shards: readonly Shard[]): [Table, number][] {
  return shards.flat().flatMap(({ table, first, count, rows }) =>
    Array.from({ length: count }, (_, i): [Table, number] => [table, rows ? rows[i] : first + i])
  );
}

function allRows(tables: readonly Table[]): [Table, number][] {
  return tables.flatMap((table) =>
    Array.from({ length: table.count }, (_, row): [Table, number] => [table, row])
  );
}

/** Compares by identity, since a table is a large thing to compare. */
function assertSameRows(actual: [Table, number][], expected: [Table, number][]): void {
  assertEquals(actual.length, expected.length);
  for (const [i, [table, row]] of actual.entries()) {
    assert(table === expected[i][0] && row === expected[i][1], `row ${i} of the shards`);
  }
}

function scheduleBytes(shard: Shard, { read, write, optional, entities }: Query): number {
  const accesses = [...read, ...write, ...optional];
  return encodeMessage("SystemSchedule", {
    epoch: 1,
    tick_id: 1,
    system: "physics",
    shard: 0,
    attempt: 0,
    dt: 1,
    sets: {},
    chunks: shard.map((chunk) => encodeChunk(chunk.table, chunk, { accesses, entities })),
  }).data.length;
}

Deno.test("planShards() has no shards where no row matches", () => {
  assertEquals(plan(new World(SCHEMA), MOVE), []);
  const world = worldOf({ frozen: 3 });
  assertEquals(plan(world, query({ ...MOVE, without: [Frozen] })), []);
  for (const entity of [...world.entities()]) world.despawn(entity);
  assertEquals(plan(world, MOVE), []);
});

Deno.test("planShards() puts rows of several tables into one shard", () => {
  const shards = plan(worldOf({ plain: 100, heavy: 100, frozen: 100 }), MOVE, {
    shardCount: () => 1,
  });
  assertEquals(shards.map((shard) => shard.map(({ count }) => count)), [[100, 100, 100]]);
});

Deno.test("planShards() cuts many rows evenly into as many shards as are asked for", () => {
  assertEquals(plan(worldOf({ plain: 4000 }), MOVE).map(countOf), [1000, 1000, 1000, 1000]);
  assertEquals(plan(worldOf({ plain: 4000 }), MOVE, { shardCount: () => 0 }).map(countOf), [4000]);
});

Deno.test("planShards() covers each row once, in order, within the limits", () => {
  const counts = fc.record({ plain: fc.nat(3000), heavy: fc.nat(900), frozen: fc.nat(40) });
  const limits = fc.record({
    count: fc.nat(20),
    payloadBytesMax: fc.constantFrom(1000, 8192, 16_384, 65_536, PAYLOAD_BYTES_MAX),
  });
  const queries = fc.constantFrom(
    MOVE,
    query({ ...MOVE, entities: true, optional: [access(Mass)] }),
    query({ read: [access(Position, "x")], without: [Frozen] }),
    query({ with: [Position] }),
  );
  fc.assert(
    fc.property(counts, limits, queries, (counts, { count, payloadBytesMax }, query) => {
      const world = worldOf(counts);
      const shards = plan(world, query, { shardCount: () => count, payloadBytesMax });
      const expected = allRows(world.match(query));
      assertSameRows(rowsOf(shards), expected);
      const rowsMax = Math.ceil(expected.length / Math.max(1, count));
      for (const shard of shards) {
        assert(shard.every(({ count }) => count > 0));
        assert(countOf(shard) <= rowsMax);
        const isWhole = countOf(shard) === 1 || scheduleBytes(shard, query) <= payloadBytesMax;
        assert(isWhole, "the schedule does not fit into a message");
      }
    }),
    { numRuns: 40 },
  );
});

Deno.test("planShards() takes list columns by the size of their values", () => {
  const world = new World(SCHEMA);
  for (let i = 0; i < 200; i++) world.spawn(new Map([[Label, { text: "x".repeat(10_000) }]]));
  const labels = query({ write: [access(Label)] });
  const shards = plan(world, labels, { shardCount: () => 1 });
  assertSameRows(rowsOf(shards), allRows(world.match(labels)));
  for (const shard of shards) assert(scheduleBytes(shard, labels) <= PAYLOAD_BYTES_MAX);
});

Deno.test("planShards() takes of a `changed` query the rows that changed since, in order", () => {
  const world = worldOf({ plain: 5 });
  const changed = query({ ...MOVE, changed: [Velocity, Position] });
  world.changeTick = 7;
  world.set(4, Velocity, { x: 1 });
  world.set(2, Position, { x: 1 });
  const listed = (changedSince: number) => rowsOf(plan(world, changed, { changedSince }));
  assertEquals(listed(6).map(([, row]) => row), [1, 3]);
  assertEquals(listed(7), []);
  assertEquals(listed(-1).length, 5);
});

Deno.test("planShards() cuts changed rows into shards without losing any", () => {
  const world = worldOf({ plain: 3000, heavy: 1500 });
  world.changeTick = 1;
  for (const entity of world.entities()) {
    if (entity % 2 === 0) world.set(entity, Velocity, { x: 1 });
  }
  const changed = query({ ...MOVE, changed: [Velocity] });
  const shards = plan(world, changed);
  assertEquals(shards.map(countOf), [563, 563, 563, 561]);
  const isChanged = ([table, row]: [Table, number]) => table.entities[row] % 2 === 0;
  assertSameRows(rowsOf(shards), allRows(world.match(changed)).filter(isChanged));
});
