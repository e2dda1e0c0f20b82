/**
 * What takes commands back: the commands that lead to the values of before.
 *
 * @module
 */
import type { ValueType } from "@std/msgpack";
import type { WireCommand } from "../../lib/wire/messages.ts";

/** An entity as it was: its components' values, by component and field. */
export type EntityState = Readonly<Record<string, Readonly<Record<string, ValueType>>>>;

/** A list of commands that undoes another. */
export interface Inverse {
  readonly commands: readonly WireCommand[];
  /** The entities that its spawns bring back, in their order; they come back under new numbers. */
  readonly revives: readonly number[];
}

/**
 * The commands that undo `commands`, last first.
 * @param before the entities that they name, as they were
 * @param spawned the entities that their spawns made, in order
 */
export function invert(
  commands: readonly WireCommand[],
  { before, spawned }: {
    before: ReadonlyMap<number, EntityState>;
    spawned: readonly number[];
  },
): Inverse {
  const undone: WireCommand[] = [];
  const revives: number[] = [];
  let spawns = 0;
  for (const command of commands) {
    if (command.op === "spawn") {
      const entity = spawned[spawns++];
      if (entity > 0) undone.unshift({ op: "despawn", entity });
      continue;
    }
    const state = before.get(command.entity);
    if (state === undefined) continue;
    if (command.op === "despawn") {
      undone.unshift({ op: "spawn", components: copyOf(state) });
      revives.unshift(command.entity);
    } else {
      const inverse = invertChange(command, state);
      if (inverse) undone.unshift(inverse);
    }
  }
  return { commands: undone, revives };
}

function invertChange(
  command: Exclude<WireCommand, { op: "spawn" | "despawn" }>,
  state: EntityState,
): WireCommand | undefined {
  const { op, entity, component } = command;
  const old = Object.hasOwn(state, component) ? state[component] : undefined;
  if (op === "remove") return old && { op: "add", entity, component, value: { ...old } };
  if (old === undefined) return op === "add" ? { op: "remove", entity, component } : undefined;
  const value = Object.fromEntries(
    Object.keys(command.value).flatMap((field) =>
      Object.hasOwn(old, field) ? [[field, old[field]]] : []
    ),
  );
  return { op: "set", entity, component, value };
}

function copyOf(state: EntityState): Record<string, Record<string, ValueType>> {
  return Object.fromEntries(Object.entries(state).map(([name, value]) => [name, { ...value }]));
}

/** The command about the entity that is now called otherwise; the same where it is about none. */
export function rename(command: WireCommand, names: ReadonlyMap<number, number>): WireCommand {
  if (command.op === "spawn") return command;
  const entity = names.get(command.entity);
  return entity === undefined ? command : { ...command, entity };
}
