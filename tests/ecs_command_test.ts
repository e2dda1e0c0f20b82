import { assertEquals } from "@std/assert";
import { applyCommands, type Command } from "../lib/ecs/command.ts";
import { World } from "../lib/ecs/world.ts";
import { FLAG, LINK, MASS, SCHEMA } from "./ecs_model.ts";

Deno.test("applyCommands() keeps references right when a spawn is refused", () => {
  const world = new World(SCHEMA);
  const outcome = applyCommands(world, [
    { op: "spawn", components: new Map([[LINK, { entity_field: -2 }]]) },
    { op: "spawn", components: new Map([[FLAG, {}]]) },
    { op: "add", entity: -2, component: MASS, value: {} },
    { op: "add", entity: -1, component: MASS, value: {} },
  ]);
  assertEquals(outcome.spawned, [0, 1]);
  assertEquals(outcome.refused.map(({ index }) => index), [0, 3]);
  assertEquals(world.componentsOf(1), [FLAG, MASS]);
  assertEquals(world.entityCount, 1);
});

Deno.test("applyCommands() leaves the commands as they are, references included", () => {
  const commands = (): Command[] => [
    { op: "spawn", components: new Map([[FLAG, {}]]) },
    { op: "spawn", components: new Map([[LINK, { entity_field: -1 }]]) },
    { op: "set", entity: -2, component: LINK, value: { entity_field: -2 } },
  ];
  const world = new World(SCHEMA);
  const buffer = commands();
  for (const [first, second] of [[1, 2], [3, 4]]) {
    assertEquals(applyCommands(world, buffer).spawned, [first, second]);
    assertEquals(world.get(second, LINK), { entity_field: second });
    assertEquals(buffer, commands());
  }
});

Deno.test("applyCommands() lists what was despawned, also when spawned in the same buffer", () => {
  const world = new World(SCHEMA);
  const { spawned, despawned, refused } = applyCommands(world, [
    { op: "spawn", components: new Map() },
    { op: "despawn", entity: -1 },
    { op: "despawn", entity: -1 },
  ]);
  assertEquals({ spawned, despawned }, { spawned: [1], despawned: [1] });
  assertEquals(refused, [{ index: 2, reason: "Cannot despawn entity 1: it is not alive" }]);
});
