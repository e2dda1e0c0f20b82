/**
 * Entity events: one message for each entity that a tick spawned or despawned.
 *
 * @module
 */
import type { CommandOutcome } from "../lib/ecs/command.ts";
import type { World } from "../lib/ecs/world.ts";
import { type Encoded, encodeMessage } from "../lib/wire/codec.ts";

export interface EntityEvent {
  readonly type: "EntityCreated" | "EntityDestroyed";
  readonly message: Encoded;
}

/** What came and went by the commands of `tick`, in their order. */
export function* entityEvents(
  world: World,
  { tick, outcomes }: { tick: number; outcomes: readonly CommandOutcome[] },
): Generator<EntityEvent> {
  for (const { spawned, despawned } of outcomes) {
    for (const entity of spawned) {
      const archetype = world.archetypeOf(entity);
      // A refused spawn has no entity, and one despawned since has no archetype.
      if (archetype === undefined) continue;
      const value = { tick_id: tick, entity, archetype };
      yield { type: "EntityCreated", message: encodeMessage("EntityCreated", value, { tick }) };
    }
    for (const entity of despawned) {
      const value = { tick_id: tick, entity };
      yield { type: "EntityDestroyed", message: encodeMessage("EntityDestroyed", value, { tick }) };
    }
  }
}
