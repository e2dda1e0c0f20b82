/**
 * How the components that a snapshot was made with differ from those of now. What
 * loses nothing (a component or field came, a number got a wider type, a field
 * another default) is no matter; what does is only done when somebody says so.
 *
 * @module
 */
import { encode } from "@std/msgpack";
import type { ComponentType, Field, Schema } from "../ecs/component.ts";
import { digest64 } from "../ecs/digest.ts";
import type { FieldType, FieldValue } from "../ecs/field_type.ts";
import { toJson } from "../plain_json.ts";
import { encodeFieldValue } from "../wire/command.ts";
import type { WorldImage } from "./world_image.ts";

export interface SchemaDifference {
  readonly kind: "added" | "removed" | "widened" | "retyped" | "default";
  /** `Component`, or `Component.field`. */
  readonly where: string;
  /** For fields: the type before, the type now. */
  readonly from?: FieldType;
  readonly to?: FieldType;
  /** Where nothing but the default changed: the one before, the one now. */
  readonly defaults?: readonly [from: FieldValue, to: FieldValue];
  /** Entities whose values are lost by it. */
  readonly entitiesLosing: number;
}

/** The types that hold every value of a type, too. */
const WIDER: Partial<Record<FieldType, readonly FieldType[]>> = {
  i8: ["i16", "i32", "i64", "f32", "f64"],
  i16: ["i32", "i64", "f32", "f64"],
  i32: ["i64", "f64"],
  u8: ["u16", "u32", "u64", "i16", "i32", "i64", "f32", "f64"],
  u16: ["u32", "u64", "i32", "i64", "f32", "f64"],
  u32: ["u64", "i64", "f64"],
  f32: ["f64"],
};

/**
 * Of the components by name, and of their fields in their order: names, types and
 * defaults. A log is written in the same components as long as this is the same.
 */
export function schemaDigest(schema: Schema): bigint {
  const components = [...schema.values()].sort((a, b) => a.name < b.name ? -1 : 1);
  return digest64(encode(components.map(({ name, fields }) => [
    name,
    fields.map((field) => [field.name, field.type, encodeFieldValue(field.default)]),
  ])));
}

/** Whether every value of type `from` is one of type `to`. */
export function isWidening(from: FieldType, to: FieldType): boolean {
  return WIDER[from]?.includes(to) === true;
}

/**
 * Whether a log that was written in the components of `before` leads to the same
 * world in those of `after`: these have all of them, with the same fields in the
 * same order and the same defaults.
 */
export function fitsAsItIs(before: Schema, after: Schema): boolean {
  return [...before.values()].every((component) => isSame(component, after.get(component.name)));
}

/**
 * The components that a log was written in whose snapshot has those of `before`:
 * `after` itself where there is no difference. A component that only `after` has
 * is among them, since older versions took no snapshot where one came.
 */
export function replaySchema(before: Schema, after: Schema): Schema {
  if (before.size === after.size && fitsAsItIs(before, after)) return after;
  const others = [...before].filter(([name, component]) => !isSame(component, after.get(name)));
  return new Map([...after, ...others]);
}

function isSame(component: ComponentType, other: ComponentType | undefined): boolean {
  return other !== undefined && hasSameLayout(component, other) &&
    component.fields.every((field, i) => hasSameDefault(field, other.fields[i]));
}

/** To the byte, as snapshots have them. */
function hasSameDefault(a: Field, b: Field): boolean {
  const [left, right] = [a, b].map((field) => encode(encodeFieldValue(field.default)));
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}

/** The same fields with the same types in the same order. */
export function hasSameLayout(a: ComponentType, b: ComponentType): boolean {
  return a.fields.length === b.fields.length &&
    a.fields.every(({ name, type }, i) => name === b.fields[i].name && type === b.fields[i].type);
}

/** What differs between an image's components and `schema`, by name; the order of fields does not count. */
export function compareSchemas(image: WorldImage, schema: Schema): SchemaDifference[] {
  const names = new Set([...image.schema.keys(), ...schema.keys()]);
  return [...names].sort().flatMap((name) => compareComponent(name, { image, schema }));
}

function compareComponent(
  name: string,
  { image, schema }: { image: WorldImage; schema: Schema },
): SchemaDifference[] {
  const before = image.schema.get(name);
  const after = schema.get(name);
  if (!before) return [{ kind: "added", where: name, entitiesLosing: 0 }];
  const entities = countOf(image, name);
  if (!after) return [{ kind: "removed", where: name, entitiesLosing: entities }];
  const differences: SchemaDifference[] = [];
  const fields = new Set([...before.fields, ...after.fields].map((field) => field.name));
  for (const field of fields) {
    const old = before.fields.find((own) => own.name === field);
    const own = after.fields.find((own) => own.name === field);
    const where = `${name}.${field}`;
    const [from, to] = [old?.type, own?.type];
    if (old && own && from === to) {
      if (hasSameDefault(old, own)) continue;
      const defaults = [old.default, own.default] as const;
      differences.push({ kind: "default", where, defaults, entitiesLosing: 0 });
      continue;
    }
    const kind = !from ? "added" : !to ? "removed" : isWidening(from, to) ? "widened" : "retyped";
    const isLosing = kind === "removed" || kind === "retyped";
    differences.push({
      kind,
      where,
      ...(from && { from }),
      ...(to && { to }),
      entitiesLosing: isLosing ? entities : 0,
    });
  }
  return differences;
}

/** How many entities of the image have the component. */
function countOf({ tables }: WorldImage, name: string): number {
  return tables.filter(({ components }) => components.some((own) => own.name === name))
    .reduce((sum, { count }) => sum + count, 0);
}

/** One line per difference, in columns. */
export function describeDifferences(differences: readonly SchemaDifference[]): string {
  const width = Math.max(...differences.map(({ where }) => where.length));
  return differences.map((difference) =>
    `  ${difference.where.padEnd(width)}  ${describe(difference)}`
  ).join("\n");
}

/** What a world follows, for a report: one line where it is one thing. */
export function summarizeDifferences(differences: readonly SchemaDifference[]): string {
  const [first, ...others] = differences;
  if (first === undefined) return "the components have their fields in another order now";
  if (others.length === 0) return `the components have changed: ${first.where} ${describe(first)}`;
  return `the components have changed; the world follows\n${describeDifferences(differences)}`;
}

function describe({ kind, from, to, defaults, entitiesLosing }: SchemaDifference): string {
  const loss = `${entitiesLosing} ${entitiesLosing === 1 ? "entity loses" : "entities lose"}`;
  switch (kind) {
    case "added":
      return to ? `is new; every row gets the default` : `is new; no entity has it`;
    case "widened":
      return `was ${from} and is ${to}; every value is kept`;
    case "default": {
      const [before, now] = defaults?.map(shown) ?? [];
      return `has the default ${now}, before ${before}; every value is kept`;
    }
    case "removed":
      return `is gone; ${loss} ${from ? "its value" : "it"}`;
    case "retyped":
      return `was ${from} and is ${to}, which cannot hold every ${from}; ${loss} its value to the default`;
  }
}

const SHOWN_LENGTH_MAX = 60;

function shown(value: FieldValue): string {
  const text = toJson(encodeFieldValue(value));
  return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text;
}
