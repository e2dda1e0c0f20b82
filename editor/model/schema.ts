/**
 * What the page knows of a world's components: enough to show and to edit them.
 *
 * @module
 */
import type { ValueType } from "@std/msgpack";
import type { FieldType } from "../../lib/ecs/field_type.ts";

export interface FieldInfo {
  readonly name: string;
  readonly type: FieldType;
  readonly default: ValueType;
  readonly unit: string | undefined;
  readonly description: string | undefined;
}

export interface ComponentInfo {
  readonly name: string;
  readonly description: string | undefined;
  /** None: it is a tag. */
  readonly fields: readonly FieldInfo[];
}

export interface ArchetypeInfo {
  readonly components: readonly string[];
  readonly count: number;
}

/** A world's components by name, and the archetypes that have entities. */
export interface WorldSchema {
  readonly world: string;
  readonly components: ReadonlyMap<string, ComponentInfo>;
  readonly archetypes: readonly ArchetypeInfo[];
}

export const NO_SCHEMA: WorldSchema = { world: "", components: new Map(), archetypes: [] };

/** The field of a column key such as `Velocity.linear`; undefined where there is none. */
export function fieldOf(schema: WorldSchema, key: string): FieldInfo | undefined {
  const dot = key.indexOf(".");
  const component = schema.components.get(key.slice(0, dot));
  return component?.fields.find(({ name }) => name === key.slice(dot + 1));
}

/** What a field holds, in words: `vec3, in m/s. How fast it moves.` */
export function fieldText({ type, unit, description }: FieldInfo): string {
  const held = unit === undefined ? type : `${type}, in ${unit}`;
  return description === undefined ? held : `${held}. ${description}`;
}

/** The values of a component that nobody has given any. */
export function defaultsOf({ fields }: ComponentInfo): Record<string, ValueType> {
  return Object.fromEntries(fields.map((field) => [field.name, field.default]));
}
