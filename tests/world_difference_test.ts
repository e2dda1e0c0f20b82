import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { World } from "../lib/ecs/world.ts";
import { worldDigest } from "../lib/ecs/world_digest.ts";
import { compareWorlds } from "../lib/snapshot/world_difference.ts";
import { captureWorld, restoreWorld } from "../lib/snapshot/world_image.ts";
import { FLAG, LISTS_COMPONENT, MASS, SCHEMA } from "./ecs_model.ts";
import { worlds } from "./snapshot_fixture.ts";

const RUNS = 100;
const NONE = { count: 0, first: [] };

function copyOf(world: World): World {
  return restoreWorld(SCHEMA, captureWorld(world));
}

Deno.test("compareWorlds() finds nothing where the worlds' digests are equal, and something where not", () => {
  fc.assert(
    fc.property(worlds, worlds, (a, b) => {
      const nothing = { created: NONE, destroyed: NONE, components: [] };
      assertEquals(compareWorlds(a, copyOf(a)), nothing);
      const { created, destroyed, components } = compareWorlds(a, b);
      const isSame = created.count + destroyed.count + components.length === 0;
      // A world's digest tells -0 from 0, which are the same value.
      if (worldDigest(a) === worldDigest(b)) assertEquals(isSame, true);
      if (!isSame) assertEquals(worldDigest(a) === worldDigest(b), false);
    }),
    { numRuns: RUNS },
  );
});

Deno.test("compareWorlds() counts what differs, by component, with examples", () => {
  const before = new World(SCHEMA);
  for (let i = 1; i <= 9; i++) {
    before.spawn(new Map([[MASS, { kg: i }], [LISTS_COMPONENT, { any_field: { at: [i] } }]]));
  }
  const after = copyOf(before);
  after.despawn(2);
  after.spawn(new Map([[FLAG, {}]]));
  after.add(3, FLAG);
  after.remove(4, MASS);
  for (const entity of [5, 6, 7, 8, 9, 1]) after.set(entity, MASS, { kg: NaN });
  after.set(3, LISTS_COMPONENT, { any_field: { at: [3] }, string_field: "x" });
  const { created, destroyed, components } = compareWorlds(before, after);
  assertEquals(created, { count: 1, first: [10] });
  assertEquals(destroyed, { count: 1, first: [2] });
  assertEquals(
    components.map(({ name, added, removed, changed }) => [name, added, removed, changed]),
    [
      ["Flag", 1, 0, 0],
      ["Lists", 0, 0, 1],
      ["Mass", 0, 1, 6],
    ],
  );
  assertEquals(components[1].examples, [
    { entity: 3, field: "string_field", before: "", after: "x" },
  ]);
  const { examples } = components[2];
  assertEquals(examples.length, 5);
  for (const { entity, field, before, after } of examples) {
    assertEquals([field, before, after], ["kg", entity, NaN]);
  }
  assertEquals(compareWorlds(after, copyOf(after)).components, []);
});
