import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { FIELD_TYPES, type FieldType, zeroOf } from "../lib/ecs/field_type.ts";
import type { Access } from "../lib/ecs/query.ts";
import type { Manifests, SystemManifest } from "../lib/manifest/manifest.ts";
import { parseManifests } from "../lib/manifest/manifests.ts";
import { signatureText, systemSignature } from "../lib/manifest/signature.ts";

const COMPONENTS = `
Place: { position: vec3, turn: quat, size: { type: vec3, default: [1, 1, 1] } }
Speed: { linear: vec3, angular: vec3 }
Tag:
Mass: { value: { type: f32, default: 2, unit: kg }, description: Inertia. }
`;

function parse(files: Record<string, string>): Manifests {
  return parseManifests(
    new Map(Object.entries({ "components.yaml": COMPONENTS, ...files })),
    "/game/manifests",
  );
}

function parseSystem(text: string): SystemManifest {
  const [system] = parse({ "move.yaml": `system: move\n${text}` }).systems;
  assert(system);
  return system;
}

function show(accesses: readonly Access[]): string[] {
  return accesses.map(({ component, fields }) =>
    `${component.name}(${fields.map((field) => field.name)})`
  );
}

Deno.test("parseManifests() reads layouts in the order of the file", () => {
  const { schema } = parse({});
  assertEquals([...schema.keys()], ["Place", "Speed", "Tag", "Mass"]);
  assertEquals(schema.get("Place")?.fields, [
    { name: "position", type: "vec3", default: [0, 0, 0] },
    { name: "turn", type: "quat", default: [0, 0, 0, 1] },
    { name: "size", type: "vec3", default: [1, 1, 1] },
  ]);
  assertEquals(schema.get("Tag")?.fields, []);
});

Deno.test("parseManifests() reads what is said of components and fields, in the order of the file", () => {
  const { annotations } = parse({
    "components.yaml": `
Mass: { value: { type: f32, unit: kg }, description: Inertia. }
Heat: { flow: { type: f64, unit: W/m², description: Through the wall. }, kind: { type: string } }
Turn: { rate: { type: vec3, unit: °/s }, at: quat }
`,
  });
  assertEquals([...annotations], [
    ["Mass", { description: "Inertia." }],
    ["Mass.value", { unit: "kg" }],
    ["Heat.flow", { description: "Through the wall.", unit: "W/m²" }],
    ["Turn.rate", { unit: "°/s" }],
  ]);
});

Deno.test("parseManifests() reads defaults of every kind", () => {
  const { schema } = parse({
    "components.yaml": `
A:
  big: { type: u64, default: 18446744073709551615 }
  small: { type: i64, default: -3 }
  raw: { type: bytes, default: !!binary aGVsbG8= }
  free: { type: any, default: { list: [1, null, "x"] } }
  text: { type: string, default: "yes" }
  flag: { type: bool, default: true }
`,
  });
  assertEquals(schema.get("A")?.fields.map((field) => field.default), [
    18446744073709551615n,
    -3n,
    new TextEncoder().encode("hello"),
    { list: [1, null, "x"] },
    "yes",
    true,
  ]);
});

Deno.test("parseManifests() gives a system its defaults", () => {
  const system = parseSystem("query: { with: [Tag] }");
  assertEquals(system, {
    ...system,
    queue: "q.move",
    after: [],
    before: [],
    deadlineMs: 1000,
    onMiss: "skip",
    instances: 1,
    script: "/game/systems/move.ts",
    file: "move.yaml",
  });
  assertEquals(system.broadcast.size, 0);
});

Deno.test("parseManifests() reads all that a system can say", () => {
  const { systems } = parse({
    "move.yaml": `
system: move
queue: fast.move-1
query: { with: [Tag] }
after: [ai]
before: [zoom]
deadline: 1.5s
on_miss: hold
instances: 64
script: ./scripts/move.ts
`,
    "zoom.yaml": "system: zoom\nquery: { with: [Tag] }\ndeadline: 50ms",
    "ai.yaml": "system: ai\nquery: { read: [Entity] }",
  });
  assertEquals(systems.map((system) => system.name), ["ai", "move", "zoom"]);
  const [ai, move, zoom] = systems;
  assertEquals(ai?.query.entities, true);
  assertEquals([move?.queue, move?.deadlineMs, move?.onMiss, move?.instances, move?.script], [
    "fast.move-1",
    1500,
    "hold",
    64,
    "/game/manifests/scripts/move.ts",
  ]);
  assertEquals([move?.after, move?.before, zoom?.deadlineMs], [["ai"], ["zoom"], 50]);
});

Deno.test("parseManifests() merges a component's fields in the layout's order", () => {
  const { query } = parseSystem("query: { read: [Place.size, Speed, Place.position] }");
  assertEquals(show(query.read), ["Place(position,size)", "Speed(linear,angular)"]);
});

Deno.test("parseManifests() keeps what is both read and written in write only", () => {
  const { query } = parseSystem("query: { read: [Place, Speed], write: [Place.turn, Speed] }");
  assertEquals(show(query.read), ["Place(position,size)"]);
  assertEquals(show(query.write), ["Place(turn)", "Speed(linear,angular)"]);
});

Deno.test("parseManifests() resolves every list of a query", () => {
  const { query, broadcast } = parseSystem(`
query: { write: [Speed.linear], optional: [Mass], without: [Tag], changed: [Place], with: [Place] }
broadcast:
  others: { read: [Entity, Place.position], with: [Speed], without: [Tag] }
`);
  assertEquals(show(query.optional), ["Mass(value)"]);
  const others = broadcast.get("others");
  assert(others);
  const names = [query.without, query.changed, query.with, others.with, others.without]
    .map((components) => components.map((component) => component.name).join());
  assertEquals(names, ["Tag", "Place", "Place", "Speed", "Tag"]);
  assertEquals([others.entities, show(others.read)], [true, ["Place(position)"]]);
});

Deno.test("signatureText() has a line per access and per layout", () => {
  const system = parseSystem(`
query: { read: [Entity, Speed.linear], write: [Place.position], optional: [Mass], without: [Tag] }
broadcast: { zone: { read: [Place.size] }, all: { read: [Speed], with: [Tag] } }
`);
  assertEquals(
    signatureText(system),
    `read Entity
read Speed.linear:vec3
write Place.position:vec3
optional Mass.value:f32
without Tag
broadcast all
read Speed.linear:vec3
read Speed.angular:vec3
with Tag
broadcast zone
read Place.size:vec3
component Mass value:f32
component Place position:vec3 turn:quat size:vec3
component Speed linear:vec3 angular:vec3
component Tag
`,
  );
  assertMatch(systemSignature(system), /^[0-9a-f]{16}$/);
});

Deno.test("systemSignature() changes with the layout, but not with the deadline or a unit", () => {
  const text = "system: move\nquery: { read: [Place.position] }\n";
  const position = "position: { type: vec3, unit: m, description: Where it is. }";
  const signatures = [
    { "move.yaml": text },
    { "move.yaml": `${text}deadline: 5s\n` },
    { "move.yaml": text, "components.yaml": COMPONENTS.replace("position: vec3", position) },
    { "move.yaml": text, "components.yaml": COMPONENTS.replace("turn: quat", "turn: vec4") },
  ].map((files) => parse(files).systems.map(systemSignature).join());
  assertEquals(signatures[0], signatures[1]);
  assertEquals(signatures[0], signatures[2]);
  assertNotEquals(signatures[0], signatures[3]);
});

Deno.test("parseManifests() reads back any schema that is written as YAML", () => {
  const componentName = fc.stringMatching(/^[A-Z][A-Za-z0-9]{0,12}$/)
    .filter((name) => name !== "Entity");
  const fieldName = fc.stringMatching(/^[a-z][A-Za-z0-9_]{0,12}$/)
    .filter((name) => name !== "description");
  const fieldType = fc.constantFrom(...FIELD_TYPES);
  const layouts = fc.dictionary(componentName, fc.dictionary(fieldName, fieldType, { maxKeys: 6 }));
  fc.assert(
    fc.property(layouts, fc.boolean(), (layouts, isLong) => {
      const { schema } = parse({ "components.yaml": writeYaml(layouts, isLong) });
      const actual = [...schema].map(([name, { fields }]) => [name, fields]);
      const expected = Object.entries(layouts).map(([name, layout]) => [
        name,
        Object.entries(layout).map(([field, type]) => ({
          name: field,
          type,
          default: zeroOf(type),
        })),
      ]);
      assertEquals(actual, expected);
    }),
  );
});

function writeYaml(layouts: Record<string, Record<string, FieldType>>, isLong: boolean): string {
  const lines = Object.entries(layouts).flatMap(([name, layout]) => [
    `"${name}":`,
    ...Object.entries(layout).map(([field, type]) =>
      `  "${field}": ${isLong ? `{ type: ${type} }` : type}`
    ),
  ]);
  return lines.join("\n");
}
