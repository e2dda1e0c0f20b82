import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { encode } from "@std/msgpack";
import { FixedColumn, ListColumn } from "../lib/ecs/column.ts";
import { bytesOfRows } from "../lib/ecs/column_bytes.ts";
import { applyCommands, type Command } from "../lib/ecs/command.ts";
import { type ComponentType, componentType, createSchema } from "../lib/ecs/component.ts";
import { digest64 } from "../lib/ecs/digest.ts";
import type { Entity } from "../lib/ecs/entity.ts";
import { createQuery, type Query } from "../lib/ecs/query.ts";
import { World } from "../lib/ecs/world.ts";
import { worldDigest } from "../lib/ecs/world_digest.ts";
import { FIELD_TYPES, type FieldValue } from "../lib/ecs/field_type.ts";
import {
  commandBuffers,
  COMPONENTS,
  FLAG,
  LINK,
  MASS,
  ModelWorld,
  query,
  SCHEMA,
} from "./ecs_model.ts";

const RUNS = 300;

/** Applies the buffers, one per tick; `check` runs after each. */
function play(
  buffers: readonly Command[][],
  check: (world: World, model: ModelWorld) => void = () => {},
): { world: World; model: ModelWorld } {
  const world = new World(SCHEMA);
  const model = new ModelWorld();
  for (const buffer of buffers) {
    model.changeTick = ++world.changeTick;
    const { spawned, refused } = model.apply(buffer);
    const outcome = applyCommands(world, buffer);
    assertEquals(outcome.spawned, spawned);
    assertEquals(outcome.refused.map(({ index }) => index), refused);
    check(world, model);
  }
  return { world, model };
}

function assertSameContent(world: World, model: ModelWorld): void {
  assertEquals([...world.entities()], [...model.entities.keys()]);
  assertEquals(world.entityCount, model.entities.size);
  assertEquals(world.nextEntity, model.nextEntity);
  for (const [entity, components] of model.entities) {
    assert(world.isAlive(entity));
    assertEquals(new Set(world.componentsOf(entity)), new Set(components.keys()));
    for (const component of COMPONENTS) {
      assertEquals(world.get(entity, component), components.get(component)?.value);
    }
  }
}

function assertSameTicks(world: World, model: ModelWorld): void {
  for (const [entity, components] of model.entities) {
    const { table, row } = world.locate(entity);
    for (const [component, { changed }] of components) {
      assertEquals(table.store(component)?.changed[row], changed);
    }
  }
}

function assertTablesDense(world: World): void {
  const tables = world.tables();
  assertEquals(tables.reduce((rows, table) => rows + table.count, 0), world.entityCount);
  for (const table of tables) {
    assert(world.tableById(table.id) === table);
    for (let row = 0; row < table.count; row++) {
      const located = world.locate(table.entities[row]);
      assert(located.table === table && located.row === row);
    }
    for (const { columns, changed, changedLast } of table.stores) {
      assert(changed.subarray(0, table.count).every((tick) => tick <= changedLast));
      const lists = columns.filter((column) => column instanceof ListColumn);
      for (const { data } of lists) assertEquals(data.length, table.count);
    }
  }
}

/** The model's content in a new world, made in another order and through other archetypes. */
function rebuild(model: ModelWorld): World {
  const world = new World(SCHEMA);
  for (let entity = 1; entity < model.nextEntity; entity++) {
    world.spawn(new Map(entity % 2 ? [[FLAG, {}]] : [[MASS, {}], [LINK, { entity_field: 7 }]]));
  }
  for (let entity = model.nextEntity - 1; entity >= 1; entity--) {
    const components = model.entities.get(entity);
    if (components === undefined) {
      world.despawn(entity);
      continue;
    }
    for (const [component, { value }] of [...components].reverse()) {
      world.add(entity, component, value);
    }
    for (const component of world.componentsOf(entity)) {
      if (!components.has(component)) world.remove(entity, component);
    }
  }
  return world;
}

/** A value that the same field can hold, other than `value`. */
function otherValue(value: FieldValue): FieldValue {
  switch (typeof value) {
    case "bigint":
      return value === 0n ? 1n : 0n;
    case "boolean":
      return !value;
    case "number":
      return value === 0 ? 1 : 0;
    case "string":
      return `${value}!`;
  }
  if (value instanceof Uint8Array) return Uint8Array.of(...value, 1);
  const [first, ...rest] = value as number[];
  return [...rest, first === 0 ? 1 : 0];
}

function naiveMatch(model: ModelWorld, query: Query): Set<Entity> {
  const required = [...query.read, ...query.write].map(({ component }) => component);
  required.push(...query.with, ...query.changed);
  const entities = [...model.entities].filter(([, components]) =>
    required.every((component) => components.has(component)) &&
    !query.without.some((component) => components.has(component))
  );
  return new Set(entities.map(([entity]) => entity));
}

function matchedEntities(world: World, query: Query): Entity[] {
  return world.match(query).flatMap((table) => [...table.entities.subarray(0, table.count)]);
}

Deno.test("the model's components have every field type", () => {
  const types = COMPONENTS.flatMap(({ fields }) => fields.map(({ type }) => type));
  assertEquals(new Set(types), new Set(FIELD_TYPES));
});

Deno.test("World has the same entities, components and values as a naive model", () => {
  fc.assert(
    fc.property(commandBuffers, (buffers) => {
      play(buffers, assertSameContent);
    }),
    { numRuns: RUNS },
  );
});

Deno.test("World marks what spawn, add and set write, and keeps ticks when rows move", () => {
  fc.assert(
    fc.property(commandBuffers, (buffers) => {
      play(buffers, assertSameTicks);
    }),
    { numRuns: RUNS },
  );
});

Deno.test("World keeps its tables dense and finds every row's entity there", () => {
  fc.assert(
    fc.property(commandBuffers, (buffers) => {
      play(buffers, assertTablesDense);
    }),
    { numRuns: RUNS },
  );
});

Deno.test("World agrees with the model beyond the first page and the first growth", () => {
  const spawn: Command = { op: "spawn", components: new Map([[MASS, { kg: 2 }], [FLAG, {}]]) };
  const many = Array<Command>(2500).fill(spawn);
  const despawns = many.map((_, i): Command => ({ op: "despawn", entity: (i * 7) % 2000 + 1 }));
  const removes = many.map((_, i): Command => ({ op: "remove", entity: i + 1, component: FLAG }));
  play([many, despawns, removes, many], (world, model) => {
    assertSameContent(world, model);
    assertTablesDense(world);
  });
});

Deno.test("World#match() returns the tables that a naive filter selects, by ascending id", () => {
  fc.assert(
    fc.property(commandBuffers, query, (buffers, query) => {
      const { world } = play(buffers, (world, model) => {
        const matched = matchedEntities(world, query);
        const expected = naiveMatch(model, query);
        assertEquals(matched.length, expected.size);
        assertEquals(new Set(matched), expected);
      });
      const ids = world.match(query).map(({ id }) => id);
      assert(ids.every((id, i) => i === 0 || ids[i - 1] < id));
    }),
    { numRuns: RUNS },
  );
});

Deno.test("World#match() returns the same list until there is a new archetype", () => {
  const world = new World(SCHEMA);
  const query = createQuery({ with: [MASS] });
  world.spawn(new Map([[MASS, {}]]));
  const before = world.match(query);
  const entity = world.spawn(new Map([[MASS, {}]]));
  assert(world.match(query) === before);
  world.add(entity, FLAG);
  assertEquals(world.match(query).length, before.length + 1);
});

Deno.test("World agrees with the model while entities come and go over many pages", () => {
  const world = new World(SCHEMA);
  const living = new Set<Entity>();
  const mass = (entity: Entity) => ({ kg: entity, drag: [0.5, 0.25] });
  for (let round = 0; round < 12; round++) {
    for (let i = 0; i < 1500; i++) {
      const entity = world.spawn(new Map([[MASS, mass(world.nextEntity)]]));
      living.add(entity);
    }
    for (const entity of living) {
      if (entity % 700 === 0) continue;
      world.despawn(entity);
      living.delete(entity);
    }
    assertEquals([...world.entities()], [...living]);
    assertTablesDense(world);
    for (const entity of living) assertEquals(world.get(entity, MASS), mass(entity));
  }
});

Deno.test("World#visit() calls with every living entity's table and row, ascending", () => {
  fc.assert(fc.property(commandBuffers, (buffers) => {
    const { world } = play(buffers);
    const visited: Entity[] = [];
    world.visit((table, row) => {
      assert(row < table.count);
      visited.push(table.entities[row]);
    });
    assertEquals(visited, [...world.entities()]);
  }));
});

Deno.test("Table#columns() gives a component's values by field, also after the table has grown", () => {
  const world = new World(SCHEMA);
  const table = () => world.match(createQuery({ with: [MASS] }))[0];
  const first = world.spawn(new Map([[MASS, { kg: 3 }]]));
  const { kg, drag } = table().columns(MASS);
  assertEquals([kg[0], ...drag.subarray(0, 2)], [3, 0.5, 0.25]);
  assert(table().columns(MASS).kg === kg);
  kg[0] = 4;
  assertEquals(world.get(first, MASS)?.kg, 4);
  while (table().count <= kg.length) world.spawn(new Map([[MASS, { kg: 5 }]]));
  const grown = table().columns(MASS).kg;
  assertEquals([...grown.subarray(0, table().count)], [4, ...new Array(kg.length).fill(5)]);
  assertThrows(() => table().columns(FLAG), RangeError, 'Cannot read "Flag"');
});

/** As `worldDigest()` defines it, row by row. */
function canonicalBytes(world: World): Uint8Array {
  const bytes: number[] = [];
  for (const entity of world.entities()) {
    const { table, row } = world.locate(entity);
    bytes.push(...new Uint8Array(BigUint64Array.of(BigInt(entity), table.id).buffer));
    for (const column of table.stores.flatMap(({ columns }) => columns)) {
      bytes.push(
        ...column instanceof FixedColumn
          ? bytesOfRows(column.type, column.data, { first: row, count: 1 })
          : encode(column.data[row]),
      );
    }
  }
  return Uint8Array.from(bytes);
}

Deno.test("worldDigest() is the XXH64 of the world's canonical bytes", () => {
  fc.assert(fc.property(commandBuffers, (buffers) => {
    const { world } = play(buffers);
    assertEquals(worldDigest(world), digest64(canonicalBytes(world)));
  }));
});

Deno.test("worldDigest() is equal for equal content, whatever its history", () => {
  fc.assert(fc.property(commandBuffers, (buffers) => {
    const { world, model } = play(buffers);
    const rebuilt = rebuild(model);
    assertSameContent(rebuilt, model);
    assertEquals(worldDigest(rebuilt), worldDigest(world));
  }));
});

Deno.test("worldDigest() differs when one value differs", () => {
  fc.assert(
    fc.property(commandBuffers, (buffers) => {
      const { world, model } = play(buffers);
      const digest = worldDigest(world);
      for (const [entity, components] of model.entities) {
        for (const [component, { value }] of components) {
          for (const { name, type } of component.fields) {
            if (type === "any") continue;
            world.set(entity, component, { [name]: otherValue(value[name]) });
            assertNotEquals(worldDigest(world), digest);
            world.set(entity, component, { [name]: value[name] });
          }
        }
      }
      assertEquals(worldDigest(world), digest);
    }),
    { numRuns: 25 },
  );
});

Deno.test("worldDigest() tells entities, tags and free values apart", () => {
  const any = componentType("Any", [{ name: "value", type: "any", default: null }]);
  const digestOf = (...entities: (readonly [ComponentType, FieldValue?][])[]) => {
    const world = new World(createSchema([FLAG, any]));
    for (const components of entities) {
      world.spawn(new Map(components.map(([type, value = null]) => [type, { value }])));
    }
    return worldDigest(world);
  };
  const digests = [
    digestOf(),
    digestOf([]),
    digestOf([], []),
    digestOf([[FLAG]]),
    digestOf([[FLAG]], []),
    digestOf([], [[FLAG]]),
    digestOf([[any]]),
    digestOf([[any, "a"]], [[any, ""]]),
    digestOf([[any, ""]], [[any, "a"]]),
    digestOf([[any, [1, [2]]]]),
    digestOf([[any, [1, 2]]]),
    digestOf([[any, { a: 1 }]]),
  ];
  assertEquals(new Set(digests).size, digests.length);
});

Deno.test("worldDigest() tells the same content of another entity apart", () => {
  const [one, two] = [new World(SCHEMA), new World(SCHEMA)];
  one.spawn(new Map([[FLAG, {}]]));
  two.despawn(two.spawn(new Map()));
  two.spawn(new Map([[FLAG, {}]]));
  assertNotEquals(worldDigest(one), worldDigest(two));
});

Deno.test("worldDigest() reads worlds and values of any size to the end", () => {
  const name = componentType("Name", [{ name: "text", type: "string", default: "" }]);
  const world = new World(createSchema([name]));
  const lengths = [...Array<number>(3000).fill(50), 65_000, 65_536, 200_000, 1];
  const texts = lengths.map((length) => "a".repeat(length));
  const entities = texts.map((text) => world.spawn(new Map([[name, { text }]])));
  const digest = worldDigest(world);
  for (const i of [0, 1500, 2999, 3000, 3001, 3002, 3003]) {
    world.set(entities[i], name, { text: `${texts[i].slice(0, -1)}b` });
    assertNotEquals(worldDigest(world), digest);
    world.set(entities[i], name, { text: texts[i] });
  }
  assertEquals(worldDigest(world), digest);
});

Deno.test("World refuses entities that are none", () => {
  const world = new World(SCHEMA);
  world.spawn(new Map());
  for (const entity of [0, 2, -1, 0.5, 1.5, NaN, Infinity, 2 ** 53]) {
    assert(!world.isAlive(entity));
    assertThrows(() => world.despawn(entity), RangeError, "not alive");
    assertThrows(() => world.add(entity, FLAG), RangeError, "not alive");
    assertEquals(world.get(entity, FLAG), undefined);
    assertEquals(world.componentsOf(entity), []);
  }
});

Deno.test("World#remove() and set() refuse a component that the entity lacks", () => {
  const world = new World(SCHEMA);
  const entity = world.spawn(new Map());
  assertThrows(() => world.remove(entity, FLAG), RangeError, '"Flag" from entity 1: it has none');
  assertThrows(() => world.set(entity, FLAG, {}), RangeError, '"Flag" of entity 1: it has none');
});

Deno.test("World.reserve() makes room, after which no array is replaced", () => {
  const world = new World(SCHEMA);
  world.reserve([[[MASS], 3000], [[MASS], 2000], [[], 0]]);
  const [table] = world.tables().filter((table) => table.has(MASS));
  const { entities } = table;
  assertEquals([table.count, world.entityCount, entities.length], [0, 0, 5000]);
  for (let i = 0; i < 5000; i++) world.spawn(new Map([[MASS, {}]]));
  assert(table.entities === entities);
  assertEquals([...world.entities()].length, 5000);
});
