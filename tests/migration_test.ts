import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import {
  type ComponentType,
  componentType,
  createSchema,
  type Field,
} from "../lib/ecs/component.ts";
import { type FieldType, type FieldValue, zeroOf } from "../lib/ecs/field_type.ts";
import { World } from "../lib/ecs/world.ts";
import { fitImage, migrateImage } from "../lib/snapshot/migration.ts";
import {
  compareSchemas,
  describeDifferences,
  fitsAsItIs,
  isWidening,
  replaySchema,
  schemaDigest,
} from "../lib/snapshot/schema_difference.ts";
import { SnapshotError } from "../lib/snapshot/snapshot_error.ts";
import { captureWorld, restoreWorld, type WorldImage } from "../lib/snapshot/world_image.ts";
import { COMPONENTS, fieldValue } from "./ecs_model.ts";
import { assertSameWorld, worlds } from "./snapshot_fixture.ts";

const RUNS = 100;

function field(name: string, type: FieldType, value: FieldValue = zeroOf(type)): Field {
  return { name, type, default: value };
}

const A = componentType("A", [field("x", "u16"), field("y", "string")]);
const B = componentType("B", [field("z", "vec2")]);
const TAG = componentType("Tag", []);
const OLD = createSchema([A, B, TAG]);

/** Entities 1 and 2 have A, 3 has A and B, 4 has B, 5 a tag. */
function oldImage(): WorldImage {
  const world = new World(OLD);
  world.changeTick = 10;
  world.spawn(new Map([[A, { x: 1, y: "one" }]]));
  world.spawn(new Map([[A, { x: 2, y: "two" }]]));
  world.spawn(new Map([[A, { x: 3, y: "three" }], [B, { z: [3, 3] }]]));
  world.spawn(new Map([[B, { z: [4, 4] }]]));
  world.spawn(new Map([[TAG, {}]]));
  return captureWorld(world);
}

function fit(...components: ReturnType<typeof componentType>[]) {
  return fitImage(oldImage(), createSchema(components), {
    isLossAllowed: false,
    what: `snapshot "t7"`,
  });
}

Deno.test("an image whose schema is the same is taken as it is", () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const others = COMPONENTS.map(({ name, fields }) => componentType(name, fields));
      const schema = createSchema(others.toReversed());
      const { image, changes } = migrateImage(captureWorld(world), schema);
      assertEquals(changes, []);
      assertSameWorld(restoreWorld(schema, image), world);
    }),
    { numRuns: RUNS },
  );
});

Deno.test("components and fields that are new need no permission, and get their defaults", () => {
  const wider = componentType("A", [...A.fields, field("w", "vec2", [7, 8])]);
  const schema = [wider, B, TAG, componentType("New", [field("n", "i32")])] as const;
  const { image, changes } = fit(...schema);
  assertEquals(changes.map(({ kind, where }) => `${kind} ${where}`), ["added A.w", "added New"]);
  const world = restoreWorld(createSchema(schema), image);
  assertEquals(world.get(2, wider), { x: 2, y: "two", w: [7, 8] });
  assertEquals(world.get(3, B), { z: [3, 3] });
  assertEquals(world.nextEntity, 6);
});

Deno.test("rows are marked as changed where their component's fields are others, and only there", () => {
  const { image } = fit(componentType("A", [field("x", "u32"), A.fields[1]]), B, TAG);
  assertEquals(image.changeTick, 11);
  for (const { stores, count } of image.tables) {
    for (const { component, changed, changedLast } of stores) {
      const tick = component.name === "A" ? 11 : 10;
      assertEquals([...changed.subarray(0, count)], new Array(count).fill(tick));
      assertEquals(changedLast, tick);
    }
  }
});

Deno.test("what would lose values is refused, naming each difference, its entities and what to do", () => {
  const error = assertThrows(
    () => fit(componentType("A", [field("x", "u8"), field("q", "f32")]), TAG),
    SnapshotError,
    `Cannot go on from snapshot "t7"`,
  );
  assertStringIncludes(
    error.message,
    "A.x  was u16 and is u8, which cannot hold every u16; 3 entities",
  );
  assertStringIncludes(error.message, "A.y  is gone; 3 entities lose its value");
  assertStringIncludes(error.message, "B    is gone; 2 entities lose it");
  assertStringIncludes(error.message, "--migrate");
});

Deno.test("what is gone and was not in use is no loss", () => {
  const world = new World(OLD);
  const schema = createSchema([B]);
  const { changes } = fitImage(captureWorld(world), schema, { isLossAllowed: false, what: "it" });
  assertEquals(changes.map(({ kind, where }) => `${kind} ${where}`), ["removed A", "removed Tag"]);
});

Deno.test("migrateImage() drops what is gone, resets what no longer fits, and merges the tables", () => {
  const narrow = componentType("A", [field("x", "u8", 9), A.fields[1]]);
  const schema = createSchema([narrow, TAG]);
  const { image } = migrateImage(oldImage(), schema);
  const world = restoreWorld(schema, image);
  assertEquals([...world.entities()], [1, 2, 3, 4, 5]);
  assertEquals([1, 2, 3].map((entity) => world.get(entity, narrow)), [
    { x: 9, y: "one" },
    { x: 9, y: "two" },
    { x: 9, y: "three" },
  ]);
  assertEquals(world.componentsOf(4), []);
  assertEquals(world.componentsOf(5), [TAG]);
});

Deno.test("every widening keeps every value", () => {
  const numeric: FieldType[] = ["i8", "i16", "i32", "u8", "u16", "u32", "f32", "i64", "u64", "f64"];
  const pairs = numeric.flatMap((from) => numeric.map((to) => [from, to] as const))
    .filter(([from, to]) => isWidening(from, to));
  assertEquals(pairs.length, 29);
  for (const [from, to] of pairs) {
    const before = componentType("C", [field("v", from)]);
    const after = componentType("C", [field("v", to)]);
    fc.assert(
      fc.property(fieldValue(from), (value) => {
        const world = new World(createSchema([before]));
        world.spawn(new Map([[before, { v: value }]]));
        const schema = createSchema([after]);
        const { image, changes } = migrateImage(captureWorld(world), schema);
        assertEquals(changes.map(({ kind }) => kind), ["widened"]);
        assertEquals(Number(restoreWorld(schema, image).get(1, after)?.v), value);
      }),
      { numRuns: RUNS },
    );
  }
});

Deno.test("compareSchemas() takes another order of fields for the same", () => {
  const other = createSchema([TAG, B, componentType("A", [A.fields[1], A.fields[0]])]);
  assertEquals(compareSchemas(oldImage(), other), []);
  const { image, changes } = migrateImage(oldImage(), other);
  assertEquals(changes, []);
  assertEquals(restoreWorld(other, image).get(2, other.get("A") ?? TAG), { y: "two", x: 2 });
});

Deno.test("a field with another default keeps its values and their marks", () => {
  const spoken = componentType("A", [A.fields[0], field("y", "string", "?")]);
  const moved = componentType("B", [field("z", "vec2", [1, 2])]);
  const { image, changes } = fit(spoken, moved, TAG);
  assertEquals(
    describeDifferences(changes),
    '  A.y  has the default "?", before ""; every value is kept\n' +
      "  B.z  has the default [1,2], before [0,0]; every value is kept",
  );
  const schema = createSchema([spoken, moved, TAG]);
  const world = restoreWorld(schema, image);
  assertSameWorld(world, restoreWorld(OLD, oldImage()));
  assertEquals(world.get(world.spawn(new Map([[spoken, {}]])), spoken), { x: 0, y: "?" });
});

Deno.test("schemaDigest() is of names, types, defaults and the order of fields alone", () => {
  const digest = (...components: ComponentType[]) => schemaDigest(createSchema(components));
  const [x, y] = A.fields;
  const others = [
    componentType("A", [y, x]),
    componentType("A", [x]),
    componentType("A", [x, { ...y, name: "z" }]),
    componentType("A", [x, field("y", "string", "?")]),
  ];
  assertEquals(digest(A, B), digest(B, A));
  assertEquals(new Set([digest(A), digest(A, B), ...others.map((a) => digest(a))]).size, 6);
});

Deno.test("a log is replayed in its snapshot's components, and with those that it lacks", () => {
  const [a, b] = [A, B].map(({ name, fields }) => componentType(name, fields));
  const same = createSchema([TAG, b, a]);
  assert(replaySchema(OLD, same) === same);
  const spoken = componentType("A", [A.fields[0], field("y", "string", "?")]);
  const extra = componentType("New", []);
  const replayed = replaySchema(OLD, createSchema([extra, spoken, b]));
  assertEquals(new Map(replayed), new Map([["A", A], ["B", B], ["Tag", TAG], ["New", extra]]));
  assert(replayed.get("B") === b);
  assertEquals(fitsAsItIs(OLD, createSchema([TAG, b, a, extra])), true);
  assertEquals(fitsAsItIs(OLD, createSchema([TAG, b, spoken])), false);
});
