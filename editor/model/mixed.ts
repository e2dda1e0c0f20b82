/**
 * What several entities have in common, as one form shows it: a value that is not
 * the same in all of them is mixed.
 *
 * @module
 */
import type { ValueType } from "@std/msgpack";
import { strideOf } from "../../lib/ecs/field_type.ts";
import type { EntityState } from "./inverse.ts";
import type { ComponentInfo, FieldInfo, WorldSchema } from "./schema.ts";

export interface MixedField {
  readonly field: FieldInfo;
  /** The first entity's value. */
  readonly value: ValueType;
  /** For each of its numbers whether it differs; one for a value that is no vector. */
  readonly isMixed: readonly boolean[];
}

export interface MixedComponent {
  readonly component: ComponentInfo;
  /** How many of the entities have it. */
  readonly count: number;
  readonly fields: readonly MixedField[];
}

/** The components that any of the entities has, by name; values are of those that have it. */
export function mixComponents(
  states: readonly EntityState[],
  schema: WorldSchema,
): MixedComponent[] {
  const names = new Set(states.flatMap((state) => Object.keys(state)));
  return [...names].toSorted().flatMap((name) => {
    const component = schema.components.get(name);
    if (component === undefined) return [];
    const having = states.filter((state) => Object.hasOwn(state, name))
      .map((state) => state[name]);
    const fields = component.fields.map((field) => mixField(field, having));
    return [{ component, count: having.length, fields }];
  });
}

function mixField(
  field: FieldInfo,
  values: readonly Readonly<Record<string, ValueType>>[],
): MixedField {
  const [first, ...others] = values.map((value) => value[field.name] ?? field.default);
  const lanes = strideOf(field.type);
  const isMixed = Array.from(
    { length: lanes },
    (_, lane) => others.some((other) => !isSame(laneOf(first, lane), laneOf(other, lane))),
  );
  return { field, value: first, isMixed };
}

function laneOf(value: ValueType, lane: number): ValueType {
  return Array.isArray(value) ? value[lane] : value;
}

/** Whether two values are the same, however deep they are. */
function isSame(a: ValueType, b: ValueType): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const [keys, others] = [Object.keys(a), Object.keys(b)];
  return keys.length === others.length && Array.isArray(a) === Array.isArray(b) &&
    keys.every((key) => Object.hasOwn(b, key) && isSame(at(a, key), at(b, key)));
}

function at(value: object, key: string): ValueType {
  return (value as Record<string, ValueType>)[key];
}
