/**
 * A change of one field of some entities: what carries it out, and how the entities look
 * while it waits for its tick.
 *
 * @module
 */
import type { ValueType } from "@std/msgpack";
import type { WireCommand } from "../../lib/wire/messages.ts";
import type { EntityState } from "./inverse.ts";

/** Entities by their numbers, as they were read. */
export type EntityStates = ReadonlyMap<number, EntityState>;

/** One number of a vector. */
export interface Lane {
  readonly index: number;
  readonly value: number;
}

export interface FieldChange {
  readonly entities: readonly number[];
  readonly component: string;
  readonly field: string;
  /** A lane leaves a vector's other numbers what they are in each entity. */
  readonly to: { readonly value: ValueType } | Lane;
}

/**
 * The commands of a change.
 * @param states the entities as they are; one that has no such vector has no lane to be set
 */
export function commandsOf(change: FieldChange, states: EntityStates): WireCommand[] {
  const { entities, component, field, to } = change;
  return entities.flatMap((entity): WireCommand[] => {
    const value = valueAfter(states.get(entity)?.[component]?.[field], to);
    return value === undefined ? [] : [{ op: "set", entity, component, value: { [field]: value } }];
  });
}

/** The entities as they will be after changes; one without the component stays without. */
export function statesAfter(states: EntityStates, changes: readonly FieldChange[]): EntityStates {
  const after = new Map(states);
  for (const { entities, component, field, to } of changes) {
    for (const entity of entities) {
      const state = after.get(entity);
      const old = state?.[component];
      const value = valueAfter(old?.[field], to);
      if (old === undefined || value === undefined) continue;
      after.set(entity, { ...state, [component]: { ...old, [field]: value } });
    }
  }
  return after;
}

function valueAfter(
  old: ValueType | undefined,
  to: FieldChange["to"],
): ValueType | undefined {
  if (!("index" in to)) return to.value;
  return Array.isArray(old) ? old.with(to.index, to.value) : undefined;
}
