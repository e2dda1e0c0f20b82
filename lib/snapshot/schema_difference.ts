/**
 * How the layouts that a snapshot was made with differ from those of now. What
 * loses nothing (a component or field came, a number got a wider type) is no
 * matter; what does is only done when somebody says so.
 *
 * @module
 */
import type { ComponentType, Schema } from "../ecs/component.ts";
import type { FieldType } from "../ecs/field_type.ts";
import type { WorldImage } from "./world_image.ts";

export interface SchemaDifference {
  readonly kind: "added" | "removed" | "widened" | "retyped";
  /** `Component`, or `Component.field`. */
  readonly where: string;
  /** For fields: the type before, the type now. */
  readonly from?: FieldType;
  readonly to?: FieldType;
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

/** Whether every value of type `from` is one of type `to`. */
export function isWidening(from: FieldType, to: FieldType): boolean {
  return WIDER[from]?.includes(to) === true;
}

/** Whether a world in the layouts of `before` is one of `after`, too, to the order of the fields. */
export function fitsAsItIs(before: Schema, after: Schema): boolean {
  return [...before.values()].every((component) => {
    const other = after.get(component.name);
    return other !== undefined && hasSameLayout(component, other);
  });
}

/** The same fields with the same types in the same order. */
export function hasSameLayout(a: ComponentType, b: ComponentType): boolean {
  return a.fields.length === b.fields.length &&
    a.fields.every(({ name, type }, i) => name === b.fields[i].name && type === b.fields[i].type);
}

/** What differs between an image's layouts and `schema`, by name; defaults and order do not count. */
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
    const from = before.fields.find((own) => own.name === field)?.type;
    const to = after.fields.find((own) => own.name === field)?.type;
    if (from === to) continue;
    const kind = !from ? "added" : !to ? "removed" : isWidening(from, to) ? "widened" : "retyped";
    const isLosing = kind === "removed" || kind === "retyped";
    differences.push({
      kind,
      where: `${name}.${field}`,
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

function describe({ kind, from, to, entitiesLosing }: SchemaDifference): string {
  const loss = `${entitiesLosing} ${entitiesLosing === 1 ? "entity loses" : "entities lose"}`;
  switch (kind) {
    case "added":
      return to ? `is new; every row gets the default` : `is new; no entity has it`;
    case "widened":
      return `was ${from} and is ${to}; every value is kept`;
    case "removed":
      return `is gone; ${loss} ${from ? "its value" : "it"}`;
    case "retyped":
      return `was ${from} and is ${to}, which cannot hold every ${from}; ${loss} its value to the default`;
  }
}
