import { assertEquals, assertThrows } from "@std/assert";
import { componentType, createSchema } from "../lib/ecs/component.ts";
import type { Access } from "../lib/ecs/query.ts";
import { parseQuery } from "../lib/wire/query.ts";
import { WireError } from "../lib/wire/wire_error.ts";

const POSE = componentType("Pose", [
  { name: "translation", type: "vec3", default: [0, 0, 0] },
  { name: "rotation", type: "quat", default: [0, 0, 0, 1] },
  { name: "scale", type: "f32", default: 1 },
]);
const MASS = componentType("Mass", [{ name: "value", type: "f32", default: 1 }]);
const TAG = componentType("Tag", []);
const SCHEMA = createSchema([POSE, MASS, TAG]);

function namesOf(accesses: readonly Access[]): string[] {
  return accesses.map(({ component, fields }) =>
    `${component.name}: ${fields.map(({ name }) => name).join(" ")}`
  );
}

Deno.test("parseQuery() resolves whole components and single fields", () => {
  const query = parseQuery(SCHEMA, { read: ["Mass", "Pose.scale"], optional: ["Pose.rotation"] });
  assertEquals(namesOf(query.read), ["Mass: value", "Pose: scale"]);
  assertEquals(namesOf(query.optional), ["Pose: rotation"]);
});

Deno.test("parseQuery() merges the fields of a component, in the order of its layout", () => {
  const fields = parseQuery(SCHEMA, { write: ["Pose.scale", "Mass", "Pose.translation"] });
  assertEquals(namesOf(fields.write), ["Pose: translation scale", "Mass: value"]);
  const whole = parseQuery(SCHEMA, { write: ["Pose.scale", "Pose", "Pose.scale"] });
  assertEquals(namesOf(whole.write), ["Pose: translation rotation scale"]);
});

Deno.test("parseQuery() takes Entity in `read` alone", () => {
  const query = parseQuery(SCHEMA, { read: ["Entity", "Mass"] });
  assertEquals([query.entities, namesOf(query.read)], [true, ["Mass: value"]]);
  assertEquals(parseQuery(SCHEMA, { read: ["Mass"] }).entities, false);
  for (const list of ["write", "optional", "with", "without", "changed"]) {
    assertThrows(() => parseQuery(SCHEMA, { [list]: ["Entity"] }), WireError, `"Entity"`);
  }
});

Deno.test("parseQuery() resolves the lists that only select rows", () => {
  const query = parseQuery(SCHEMA, { with: ["Tag"], without: ["Mass"], changed: ["Pose"] });
  assertEquals([query.with, query.without, query.changed], [[TAG], [MASS], [POSE]]);
});

Deno.test("parseQuery() makes of an empty query one that every row matches", () => {
  const { entities, ...lists } = parseQuery(SCHEMA, {});
  assertEquals(entities, false);
  for (const list of Object.values(lists)) assertEquals(list, []);
});

Deno.test("parseQuery() refuses unknown components and fields, naming the term", () => {
  assertThrows(() => parseQuery(SCHEMA, { read: ["Mess"] }), WireError, `"Mess"`);
  assertThrows(() => parseQuery(SCHEMA, { read: ["Mass.kg"] }), WireError, `has no field "kg"`);
  assertThrows(() => parseQuery(SCHEMA, { read: ["Tag.x"] }), WireError, `"Tag.x"`);
  assertThrows(() => parseQuery(SCHEMA, { with: ["Mass.value"] }), WireError, `"Mass.value"`);
  for (const name of ["toString", "__proto__", "", ".", "Mass."]) {
    assertThrows(() => parseQuery(SCHEMA, { read: [name] }), WireError);
  }
});

Deno.test("parseQuery() refuses a term with more parts than a component and a field", () => {
  assertThrows(() => parseQuery(SCHEMA, { read: ["Mass.value.x"] }), WireError, "Mass.value.x");
});
