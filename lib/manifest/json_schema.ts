/**
 * JSON Schemas by which editors complete and check manifests as they are typed.
 * They know the folder's components, fields and systems. What they refuse the
 * parser refuses too; the parser checks more.
 *
 * @module
 */
import { z } from "zod";
import type { ComponentType, Field, Schema } from "../ecs/component.ts";
import { type FieldType, strideOf } from "../ecs/field_type.ts";
import { type Annotation, type Annotations, annotationText } from "./annotation.ts";
import type { Manifests } from "./manifest.ts";
import { COMPONENT_PATTERN, ENTITY_NAME, type Names } from "./names.ts";
import { componentsShape, systemShape, worldShape } from "./shapes.ts";

type JsonSchema = Readonly<Record<string, unknown>>;

export function componentsJsonSchema(): JsonSchema {
  const schema = toJsonSchema(componentsShape());
  return {
    ...schema,
    type: ["object", "null"],
    propertyNames: { pattern: COMPONENT_PATTERN.source },
  };
}

export function systemJsonSchema({ schema, systems }: Manifests): JsonSchema {
  const components = [...schema.values()];
  const accesses = components.flatMap(({ name, fields }) => [
    name,
    ...fields.map((field) => `${name}.${field.name}`),
  ]);
  const names: Names = {
    component: oneOf([...schema.keys()]),
    access: oneOf(accesses),
    readable: oneOf([ENTITY_NAME, ...accesses]),
    system: oneOf(systems.map((system) => system.name)),
  };
  return toJsonSchema(systemShape(names));
}

export function worldJsonSchema({ schema, annotations }: Manifests): JsonSchema {
  const components = z.unknown().meta({ ...componentsSchema(schema, annotations) });
  return toJsonSchema(worldShape(components));
}

function oneOf(names: readonly string[]): z.ZodType<string> {
  return names.length === 0 ? z.string() : z.enum(names);
}

function toJsonSchema(shape: z.ZodType): JsonSchema {
  return z.toJSONSchema(shape, { target: "draft-7", io: "input", reused: "ref" });
}

function componentsSchema(schema: Schema, annotations: Annotations): JsonSchema {
  return object(
    [...schema.values()].map((
      component,
    ) => [component.name, componentSchema(component, annotations)]),
  );
}

function componentSchema({ name, fields }: ComponentType, annotations: Annotations): JsonSchema {
  const properties = fields.map((field) =>
    [field.name, {
      ...valueSchema(field),
      ...described(annotations.get(`${name}.${field.name}`)),
    }] as const
  );
  return {
    ...object(properties),
    type: ["object", "null"],
    ...described(annotations.get(name)),
  };
}

function described(annotation: Annotation | undefined): JsonSchema {
  const description = annotationText(annotation);
  return description === undefined ? {} : { description };
}

function object(properties: Iterable<readonly [string, JsonSchema]>): JsonSchema {
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    additionalProperties: false,
  };
}

/** A field's literal, or a generator where its type has some. */
function valueSchema({ type }: Field): JsonSchema {
  switch (type) {
    case "any":
    case "bytes":
      return {};
    case "string":
      return { type: "string" };
    case "bool":
      return { type: "boolean" };
    case "entity":
      return { type: "string", pattern: "^@" };
    case "quat":
    case "mat4":
      return vectorSchema(type);
    case "vec2":
    case "vec3":
    case "vec4": {
      const bound = { anyOf: [NUMBER, vectorSchema(type)] };
      return { anyOf: [vectorSchema(type), uniform(bound), ...(type === "vec3" ? [SPHERE] : [])] };
    }
    case "f32":
    case "f64":
      return { anyOf: [NUMBER, uniform(NUMBER)] };
    default:
      return { anyOf: [INTEGER, uniform(INTEGER)] };
  }
}

const NUMBER: JsonSchema = { type: "number" };
const INTEGER: JsonSchema = { type: "integer" };

function vectorSchema(type: FieldType): JsonSchema {
  const length = strideOf(type);
  return { type: "array", items: NUMBER, minItems: length, maxItems: length };
}

const SPHERE: JsonSchema = {
  ...object([["sphere", { type: "number", minimum: 0 }]]),
  required: ["sphere"],
  description: "Uniform within a ball of this radius around the origin.",
};

function uniform(bound: JsonSchema): JsonSchema {
  const bounds = { type: "array", items: bound, minItems: 2, maxItems: 2 };
  return {
    ...object([["uniform", bounds]]),
    required: ["uniform"],
    description: "Uniform between the least and the greatest value.",
  };
}
