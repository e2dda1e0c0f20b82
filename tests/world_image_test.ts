import { assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { applyCommands } from "../lib/ecs/command.ts";
import { componentType, createSchema } from "../lib/ecs/component.ts";
import { World } from "../lib/ecs/world.ts";
import { worldDigest } from "../lib/ecs/world_digest.ts";
import { captureWorld, entityCount, restoreWorld } from "../lib/snapshot/world_image.ts";
import { commandBuffers, FLAG, LINK, MASS, SCHEMA } from "./ecs_model.ts";
import { assertSameWorld, contentOf, worlds } from "./snapshot_fixture.ts";

const RUNS = 200;

Deno.test("restoreWorld() gives back what captureWorld() copied, to the order of rows and the marks", () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const image = captureWorld(world);
      const restored = restoreWorld(SCHEMA, image);
      assertSameWorld(restored, world);
      assertEquals(worldDigest(restored), worldDigest(world));
      assertEquals(entityCount(image), world.entityCount);
    }),
    { numRuns: RUNS },
  );
});

Deno.test("a restored world goes on like the one that was captured, and apart from it", () => {
  fc.assert(
    fc.property(worlds, commandBuffers, (world, buffers) => {
      const image = captureWorld(world);
      const before = contentOf(world);
      const restored = restoreWorld(SCHEMA, captureWorld(world));
      for (const buffer of buffers) {
        for (const one of [world, restored]) {
          one.changeTick++;
          applyCommands(one, buffer);
        }
      }
      assertSameWorld(restored, world);
      assertEquals(contentOf(restoreWorld(SCHEMA, image)), before);
    }),
    { numRuns: RUNS },
  );
});

Deno.test("captureWorld() copies the same into an image that is spare as into a new one", () => {
  fc.assert(
    fc.property(worlds, fc.array(commandBuffers, { maxLength: 4 }), (world, rounds) => {
      let image = captureWorld(world);
      for (const buffers of rounds) {
        for (const buffer of buffers) {
          world.changeTick++;
          applyCommands(world, buffer);
        }
        const { tables } = image;
        image = captureWorld(world, image);
        assertSameWorld(restoreWorld(SCHEMA, image), world);
        const isKept = tables.every((table) => image.tables.includes(table));
        assertEquals(isKept, true, "its tables are used again");
      }
    }),
    { numRuns: RUNS },
  );
});

Deno.test("World.load() replaces all that a world held, and keeps its tables' identity", () => {
  fc.assert(
    fc.property(worlds, worlds, (world, other) => {
      const tables = world.tables();
      world.load(captureWorld(other));
      assertEquals([...world.entities()], [...other.entities()]);
      assertEquals(worldDigest(world), worldDigest(other));
      for (const table of tables) assertEquals(world.tableById(table.id), table);
    }),
    { numRuns: RUNS },
  );
});

function worldOf(count: number): World {
  const world = new World(SCHEMA);
  for (let i = 0; i < count; i++) world.spawn(new Map([[MASS, { kg: i }], [FLAG, {}]]));
  return world;
}

Deno.test("World.load() refuses entities that no world can have, and changes nothing then", () => {
  const world = worldOf(2);
  const before = contentOf(world);
  const image = captureWorld(worldOf(3));
  const [table] = image.tables.filter(({ count }) => count > 0);
  for (const [entity, why] of [[2, "twice"], [0, "from 1 to 3"], [4, "from 1 to 3"]] as const) {
    table.entities[0] = entity;
    assertThrows(() => world.load(image), RangeError, why);
  }
  table.entities[0] = 1;
  assertThrows(
    () => world.load({ ...image, tables: [...image.tables, table] }),
    RangeError,
    "twice",
  );
  assertEquals(contentOf(world), before);
});

Deno.test("restoreWorld() refuses a schema that lacks a component or has other fields in it", () => {
  const image = captureWorld(worldOf(1));
  const other = componentType("Mass", [{ name: "kg", type: "f64", default: 1 }]);
  const lacking = createSchema([LINK, FLAG]);
  assertThrows(() => restoreWorld(lacking, image), RangeError, `"Mass": it is unknown`);
  const retyped = createSchema([other, FLAG]);
  assertThrows(() => restoreWorld(retyped, image), RangeError, `"Mass": its fields differ`);
});
