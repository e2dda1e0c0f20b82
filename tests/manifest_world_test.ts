import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { ComponentValue } from "../lib/ecs/component.ts";
import type { WorldManifest } from "../lib/manifest/manifest.ts";
import { parseManifests } from "../lib/manifest/manifests.ts";
import { createRandom } from "../lib/random.ts";

const COMPONENTS = `
Place: { position: vec3, turn: quat }
Numbers: { a: f32, b: u8, c: i64, d: vec2 }
Link: { to: entity, note: string, more: any }
Tag:
`;

function parseWorld(text: string): WorldManifest {
  const files = new Map([
    ["components.yaml", COMPONENTS],
    ["worlds/w.yaml", `world: w\n${text}`],
  ]);
  const world = parseManifests(files, "/game").worlds.get("w");
  assert(world);
  return world;
}

/** The values of a component, over all entities of the world. */
function valuesOf(world: WorldManifest, component: string): ComponentValue[] {
  return [...world.entities()].map((entity) => entity[component] ?? {});
}

Deno.test("WorldManifest spawns its entities in order, with literal values", () => {
  const world = parseWorld(`
entities:
- count: 2
  components: { Tag: {}, Place: { position: [1, 2, 3] } }
- components:
    Numbers: { a: 0.5, b: 255, c: -9223372036854775808, d: [1, 2] }
    Tag:
`);
  assertEquals(world.groups, [
    { components: ["Tag", "Place"], count: 2 },
    { components: ["Numbers", "Tag"], count: 1 },
  ]);
  assertEquals([...world.entities()], [
    { Tag: {}, Place: { position: [1, 2, 3] } },
    { Tag: {}, Place: { position: [1, 2, 3] } },
    { Numbers: { a: 0.5, b: 255, c: -9223372036854775808n, d: [1, 2] }, Tag: {} },
  ]);
});

Deno.test("WorldManifest resolves @name to the ordinal of the spawn, wherever it is", () => {
  const world = parseWorld(`
entities:
- { components: { Link: { to: "@last", note: "@last" } } }
- { count: 40, components: { Tag: } }
- { name: last, components: { Link: { to: "@last" } } }
`);
  const links = valuesOf(world, "Link");
  assertEquals([links.at(0), links.at(-1)], [{ to: 42, note: "@last" }, { to: 42 }]);
});

Deno.test("WorldManifest takes a map for a value where the type has no generators", () => {
  const world = parseWorld("entities: [{ components: { Link: { more: { uniform: [0, 1] } } } }]");
  assertEquals(valuesOf(world, "Link"), [{ more: { uniform: [0, 1] } }]);
});

const RANDOM = `
entities:
- count: 2000
  components:
    Place: { position: { sphere: 10 } }
    Numbers:
      a: { uniform: [-1, 2] }
      b: { uniform: [3, 6] }
      c: { uniform: [-9223372036854775808, 9223372036854775807] }
      d: { uniform: [0, [1, 2]] }
`;

Deno.test("WorldManifest draws the same values each time, and others from another seed", () => {
  const world = parseWorld(RANDOM);
  const first = [...world.entities()];
  assertEquals([...world.entities()], first);
  assertEquals([...parseWorld(`seed: 1\n${RANDOM}`).entities()], first);
  assertNotEquals([...parseWorld(`seed: 2\n${RANDOM}`).entities()], first);
});

Deno.test("WorldManifest draws uniform values within their bounds, ends included for integers", () => {
  const values = valuesOf(parseWorld(RANDOM), "Numbers");
  const a = values.map((value) => value.a as number);
  assert(a.every((value) => value >= -1 && value < 2));
  assert(Math.abs(mean(a) - 0.5) < 0.1);
  const b = new Set(values.map((value) => value.b));
  assertEquals([...b].map(Number).toSorted(), [3, 4, 5, 6]);
  const c = values.map((value) => value.c as bigint);
  assert(c.some((value) => value < -(2n ** 62n)) && c.some((value) => value > 2n ** 62n));
  const d = values.map((value) => value.d as number[]);
  assert(d.every(([x = -1, y = -1]) => x >= 0 && x < 1 && y >= 0 && y < 2));
  assert(d.some(([, y = 0]) => y > 1));
});

Deno.test("WorldManifest draws a sphere's points evenly from the whole ball", () => {
  const points = valuesOf(parseWorld(RANDOM), "Place").map(({ position }) => position as number[]);
  const radii = points.map((point) => Math.hypot(...point));
  assert(radii.every((radius) => radius <= 10));
  const inner = radii.filter((radius) => radius < 5).length / radii.length;
  assert(Math.abs(inner - 1 / 8) < 0.03, `${inner} of the points are in an eighth of the ball`);
});

Deno.test("createRandom() repeats a seed's sequence, with distinct ones for near seeds", () => {
  const draw = (seed: number) => Array.from({ length: 3 }, createRandom(seed));
  assertEquals(draw(7), draw(7));
  const sequences = [0, 1, 2, -1, 2 ** 32, 2 ** 32 + 1].map((seed) => draw(seed).join());
  assertEquals(new Set(sequences).size, sequences.length);
});

Deno.test("createRandom() gives numbers in [0, 1) around a half", () => {
  const numbers = Array.from({ length: 10_000 }, createRandom(1));
  assert(numbers.every((number) => number >= 0 && number < 1));
  assert(Math.abs(mean(numbers) - 0.5) < 0.02);
});

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
