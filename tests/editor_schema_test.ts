import { assert, assertEquals } from "@std/assert";
import { fieldOf, fieldText, NO_SCHEMA } from "../editor/model/schema.ts";
import { toWorldSchema } from "../editor/page/stores/world_schema.ts";
import type { MessageOf } from "../lib/wire/messages.ts";

const LINEAR = { name: "linear", type: "vec3", default: [0, 0, 0] };
const MASS = { name: "mass", type: "f32", default: 1 };

/** An answer about one component. */
function replyOf(component: object): MessageOf<"SchemaReply"> {
  return {
    world: "flock",
    components: [{ name: "Body", fields: [LINEAR, MASS], ...component }],
    archetypes: [{ components: ["Body"], count: 3 }],
    archetype_count: 1,
  };
}

const ANNOTATED = replyOf({
  description: "What moves.",
  fields: [{ ...LINEAR, unit: "m/s", description: "How fast it moves." }, { ...MASS, unit: "kg" }],
});

Deno.test("toWorldSchema() takes over units and descriptions", () => {
  const schema = toWorldSchema(ANNOTATED, { before: NO_SCHEMA, isPast: false });
  assertEquals([schema.world, schema.archetypes], ["flock", ANNOTATED.archetypes]);
  assertEquals(schema.components.get("Body"), {
    name: "Body",
    description: "What moves.",
    fields: [
      { ...LINEAR, type: "vec3", unit: "m/s", description: "How fast it moves." },
      { ...MASS, type: "f32", unit: "kg", description: undefined },
    ],
  });
});

Deno.test("toWorldSchema() leaves out fields of types that it does not know", () => {
  const reply = replyOf({ fields: [{ ...MASS, type: "f128" }, LINEAR] });
  const { components } = toWorldSchema(reply, { before: NO_SCHEMA, isPast: false });
  assertEquals(components.get("Body")?.fields.map(({ name }) => name), ["linear"]);
});

Deno.test("toWorldSchema() keeps the components until something that is shown of them changes", () => {
  const before = toWorldSchema(ANNOTATED, { before: NO_SCHEMA, isPast: false });
  const after = (reply: MessageOf<"SchemaReply">) =>
    toWorldSchema(reply, { before, isPast: false }).components;
  assert(after({ ...ANNOTATED, archetypes: [] }) === before.components);
  const { components: [body] } = ANNOTATED;
  const [linear, mass] = body.fields;
  for (
    const changed of [
      { ...body, description: "What is moved." },
      { ...body, fields: [linear, { ...mass, unit: "g" }] },
      { ...body, fields: [linear, { ...mass, description: "Inertia." }] },
      { ...body, fields: [linear, { ...mass, type: "f64" }] },
    ]
  ) {
    assert(after(replyOf(changed)) !== before.components);
  }
});

Deno.test("toWorldSchema() has the units and descriptions of before in the past, which has none", () => {
  const before = toWorldSchema(ANNOTATED, { before: NO_SCHEMA, isPast: false });
  const past = toWorldSchema(replyOf({}), { before, isPast: true });
  assert(past.components === before.components);
  const other = replyOf({ fields: [LINEAR, { ...MASS, type: "f64" }] });
  const narrower = toWorldSchema(other, { before, isPast: true });
  assertEquals(fieldOf(narrower, "Body.linear")?.unit, "m/s");
  assertEquals(fieldOf(narrower, "Body.mass")?.unit, undefined, "it was another field then");
  const present = toWorldSchema(replyOf({}), { before, isPast: false });
  assertEquals(fieldOf(present, "Body.linear")?.unit, undefined, "the present has what it says");
});

Deno.test("fieldText() says what a field holds", () => {
  const field = { ...MASS, type: "f32", unit: undefined, description: undefined } as const;
  assertEquals(fieldText(field), "f32");
  assertEquals(fieldText({ ...field, unit: "kg" }), "f32, in kg");
  assertEquals(fieldText({ ...field, description: "Inertia." }), "f32. Inertia.");
  assertEquals(
    fieldText({ ...field, unit: "kg", description: "Inertia." }),
    "f32, in kg. Inertia.",
  );
});
