/**
 * The command buffer that a script fills: structural changes that take effect
 * when the tick is merged.
 *
 * @module
 */
import type { ValueType } from "@std/msgpack";
import type { EntityReference } from "../ecs/command.ts";
import type { ComponentHandle, Layout, Values } from "../ecs/component.ts";
import type { FieldValue } from "../ecs/field_type.ts";
import { encodeFieldValue } from "../wire/command.ts";
import type { WireCommand } from "../wire/messages.ts";

/** A component for a new entity, with the values that differ from its defaults. */
export type ComponentInit<L extends Layout> = readonly [ComponentHandle<L>, Values<L>?];

export class Commands {
  readonly #buffer: WireCommand[] = [];
  #spawned = 0;

  /** The commands in the order in which they were issued. */
  get buffer(): readonly WireCommand[] {
    return this.#buffer;
  }

  /** Returns a reference that later commands of the same run can use as the entity. */
  spawn<L extends Layout[]>(
    ...components: { readonly [I in keyof L]: ComponentInit<L[I]> }
  ): EntityReference {
    const inits = components as readonly ComponentInit<Layout>[];
    const entries = inits.map(([handle, values]) => [handle.name, encodeValues(values)] as const);
    this.#buffer.push({ op: "spawn", components: Object.fromEntries(entries) });
    return -++this.#spawned;
  }

  despawn(entity: EntityReference): void {
    this.#buffer.push({ op: "despawn", entity });
  }

  /** Adds a component; where the entity has it already, sets the given fields. */
  add<L extends Layout>(entity: EntityReference, handle: ComponentHandle<L>, values?: Values<L>) {
    this.#buffer.push({ op: "add", entity, component: handle.name, value: encodeValues(values) });
  }

  remove(entity: EntityReference, handle: ComponentHandle): void {
    this.#buffer.push({ op: "remove", entity, component: handle.name });
  }

  /** Sets the given fields of a component that the entity has. */
  set<L extends Layout>(entity: EntityReference, handle: ComponentHandle<L>, values: Values<L>) {
    this.#buffer.push({ op: "set", entity, component: handle.name, value: encodeValues(values) });
  }
}

function encodeValues(values: Values<Layout> = {}): Record<string, ValueType> {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    given.map(([name, value]) => [name, encodeFieldValue(value as FieldValue)]),
  );
}
