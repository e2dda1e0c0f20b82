/**
 * A command asks for a structural change: spawn, despawn, add, remove or set.
 * Commands are collected in buffers and applied between ticks, in the order in
 * which they were issued. Within a buffer a negative number -k stands for the
 * k-th entity that the same buffer spawns, so that it can be used before the
 * coordinator has given it its number.
 *
 * @module
 */
import type { ComponentType, ComponentValue } from "./component.ts";
import { type Entity, NO_ENTITY } from "./entity.ts";
import type { FieldValue } from "./field_type.ts";
import type { ComponentValues, World } from "./world.ts";

/** An entity, or -k for the k-th one spawned by the same buffer. */
export type EntityReference = number;

export type Command =
  | { readonly op: "spawn"; readonly components: ComponentValues }
  | { readonly op: "despawn"; readonly entity: EntityReference }
  | {
    readonly op: "add" | "set";
    readonly entity: EntityReference;
    readonly component: ComponentType;
    readonly value: ComponentValue;
  }
  | {
    readonly op: "remove";
    readonly entity: EntityReference;
    readonly component: ComponentType;
  };

/** What became of a buffer. */
export interface CommandOutcome {
  /** One per spawn command, so that reference -k is `spawned[k - 1]`; NO_ENTITY: refused. */
  readonly spawned: readonly Entity[];
  readonly despawned: readonly Entity[];
  /** Commands that had no effect: their place in the buffer, and why. */
  readonly refused: readonly { readonly index: number; readonly reason: string }[];
}

/** What the sender of a buffer is told of it. */
export interface CommandAnswer {
  /** The tick that it took effect in. */
  readonly tick: number;
  readonly spawned: CommandOutcome["spawned"];
  readonly refused: CommandOutcome["refused"];
}

/**
 * Applies a buffer in order. A command that cannot be carried out, such as one
 * on an entity that is no longer alive, is refused alone; the others go on.
 */
export function applyCommands(world: World, commands: readonly Command[]): CommandOutcome {
  const spawned: Entity[] = [];
  const despawned: Entity[] = [];
  const refused: { index: number; reason: string }[] = [];
  const outcome = { spawned, despawned };
  for (let index = 0; index < commands.length; index++) {
    try {
      applyCommand(world, commands[index], outcome);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      refused.push({ index, reason: error.message });
    }
  }
  return { spawned, despawned, refused };
}

function applyCommand(
  world: World,
  command: Command,
  { spawned, despawned }: { spawned: Entity[]; despawned: Entity[] },
): void {
  if (command.op === "spawn") {
    const number = spawned.push(NO_ENTITY);
    spawned[number - 1] = world.spawn(resolveComponents(command.components, spawned));
    return;
  }
  const entity = resolveReference(command.entity, spawned);
  switch (command.op) {
    case "despawn":
      world.despawn(entity);
      despawned.push(entity);
      break;
    case "remove":
      world.remove(entity, command.component);
      break;
    default: {
      const value = resolveFields(command.component, command.value, spawned);
      world[command.op](entity, command.component, value);
    }
  }
}

/** `components` as they are, or with entities for references where there are any. */
function resolveComponents(
  components: ComponentValues,
  spawned: readonly Entity[],
): ComponentValues {
  let resolved: Map<ComponentType, ComponentValue> | undefined;
  for (const [component, value] of components) {
    const fields = resolveFields(component, value, spawned);
    if (fields === value) continue;
    resolved ??= new Map(components);
    resolved.set(component, fields);
  }
  return resolved ?? components;
}

/** `value` as it is, or with entities for references where there are any. */
function resolveFields(
  component: ComponentType,
  value: ComponentValue,
  spawned: readonly Entity[],
): ComponentValue {
  let resolved: Record<string, FieldValue> | undefined;
  for (const name of component.references) {
    const entity = value[name] as Entity;
    if (!(entity < 0)) continue;
    resolved ??= { ...value };
    resolved[name] = resolveReference(entity, spawned);
  }
  return resolved ?? value;
}

function resolveReference(reference: EntityReference, spawned: readonly Entity[]): Entity {
  if (reference >= 0) return reference;
  const entity = spawned[-reference - 1] ?? NO_ENTITY;
  if (entity === NO_ENTITY) {
    throw new RangeError(
      `Cannot resolve reference ${reference}: that entity was not spawned before`,
    );
  }
  return entity;
}
