import { assert, assertEquals, assertNotEquals } from "@std/assert";
import * as fc from "fast-check";
import { planShards } from "../coordinator/shards.ts";
import { tickDigest } from "../coordinator/tick_digest.ts";
import { applyCommands } from "../lib/ecs/command.ts";
import { World } from "../lib/ecs/world.ts";
import { worldDigest } from "../lib/ecs/world_digest.ts";
import { decodeColumns, encodeChunk, mergeResult } from "../lib/wire/chunk.ts";
import { columnKey } from "../lib/wire/column.ts";
import { commandBuffers, FLAG, LINK, MASS, SCHEMA } from "./ecs_model.ts";
import { query } from "./graph_fixture.ts";

/** A world of which everything so far is old. */
function worldOf(build: (world: World) => void): World {
  const world = new World(SCHEMA);
  world.changeTick = 1;
  build(world);
  return world;
}

/** The digest of a tick in which `change` happens. */
function digestOf(world: World, change: (world: World) => void, previous = 0n): bigint {
  const since = world.changeTick++;
  change(world);
  return tickDigest(world, { previous, since });
}

function spawnFour(world: World): void {
  world.spawn(new Map([[MASS, {}]]));
  world.spawn(new Map([[MASS, {}]]));
  world.spawn(new Map([[MASS, {}], [FLAG, {}]]));
  world.spawn(new Map([[LINK, {}]]));
}

Deno.test("tickDigest() is equal for equal changes, and chained to the one before", () => {
  const change = (world: World) => world.set(1, MASS, { kg: 2 });
  const digest = digestOf(worldOf(spawnFour), change);
  assertEquals(digestOf(worldOf(spawnFour), change), digest);
  assertNotEquals(digestOf(worldOf(spawnFour), change, 1n), digest);
});

Deno.test("tickDigest() of a tick without changes depends on the one before alone", () => {
  const nothing = () => {};
  assertEquals(digestOf(worldOf(spawnFour), nothing), digestOf(worldOf(() => {}), nothing));
  assertNotEquals(digestOf(worldOf(spawnFour), nothing, 5n), 5n);
});

Deno.test("tickDigest() differs for any change of another value, row, archetype or component", () => {
  const changes: ((world: World) => void)[] = [
    () => {},
    (world) => world.set(1, MASS, { kg: 2 }),
    (world) => world.set(1, MASS, { kg: 3 }),
    (world) => world.set(2, MASS, { kg: 2 }),
    (world) => world.set(3, MASS, { kg: 2 }),
    (world) => world.set(4, LINK, { entity_field: 2 }),
    (world) => world.despawn(1),
    (world) => world.despawn(2),
    (world) => world.despawn(3),
    (world) => world.remove(3, FLAG),
    (world) => world.add(1, FLAG),
    (world) => world.add(2, FLAG),
    (world) => world.spawn(new Map()),
    (world) => world.spawn(new Map([[FLAG, {}]])),
  ];
  const digests = changes.map((change) => digestOf(worldOf(spawnFour), change));
  assertEquals(new Set(digests).size, changes.length);
});

Deno.test("tickDigest() differs for another value that moves on in the tick it was written in", () => {
  const digests = [5, 6].map((kg) =>
    digestOf(worldOf(spawnFour), (world) => {
      world.set(1, MASS, { kg });
      world.add(1, FLAG);
    })
  );
  assertNotEquals(digests[0], digests[1]);
});

Deno.test("tickDigest() tells apart which of two archetypes with a component changed", () => {
  const build = (world: World) => {
    world.spawn(new Map([[MASS, {}]]));
    world.spawn(new Map([[MASS, {}], [FLAG, {}]]));
  };
  const one = digestOf(worldOf(build), (world) => world.set(1, MASS, { kg: 9 }));
  const other = digestOf(worldOf(build), (world) => world.set(2, MASS, { kg: 9 }));
  assertNotEquals(one, other);
});

Deno.test("tickDigest() is equal exactly when the worlds that random ticks lead to are", () => {
  const play = (buffers: Parameters<typeof applyCommands>[1][]) => {
    const world = worldOf(() => {});
    let digest = 0n;
    for (const buffer of buffers) {
      digest = digestOf(world, () => applyCommands(world, buffer), digest);
    }
    return { digest, world: worldDigest(world) };
  };
  fc.assert(fc.property(commandBuffers, commandBuffers, (one, other) => {
    const [a, again, b] = [play(one), play(one), play(other)];
    assertEquals(a, again);
    if (a.world !== b.world) assertNotEquals(a.digest, b.digest);
  }));
});

Deno.test("tickDigest() does not depend on how the rows were cut into shards", () => {
  const weigh = query({ write: [{ component: MASS, fields: MASS.fields }] });
  const key = columnKey(MASS, MASS.fields[0]);
  const run = (credits: number, order: 1 | -1) => {
    const world = worldOf((world) => {
      for (let i = 0; i < 3000; i++) world.spawn(new Map([[MASS, { kg: i }]]));
    });
    const shards = planShards(world.match(weigh), weigh, {
      shardCount: () => credits,
      payloadBytesMax: 1 << 20,
      changedSince: 0,
    });
    const digest = digestOf(world, () => {
      for (const shard of order === 1 ? shards : shards.toReversed()) {
        for (const chunk of shard) {
          const options = { accesses: weigh.write, entities: false };
          const encoded = encodeChunk(chunk.table, chunk, options);
          const columns = decodeColumns(encoded, weigh.write);
          const doubled = Float32Array.from(columns.get(key) as Float32Array, (kg) => 2 * kg);
          const result = { columns: new Map([[key, doubled]]), patches: new Map() };
          mergeResult(chunk.table, chunk, {
            accesses: weigh.write,
            result,
            tick: world.changeTick,
          });
        }
      }
    });
    return { digest, shards: shards.length };
  };
  const whole = run(1, 1);
  const cut = run(5, -1);
  assert(cut.shards > whole.shards);
  assertEquals(cut.digest, whole.digest);
});
