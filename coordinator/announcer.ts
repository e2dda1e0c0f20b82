/**
 * The announcer tells the world outside what happened in a tick, once it is
 * stored: answers to those who sent commands, events to everybody.
 *
 * @module
 */
import type { Bus } from "../lib/bus/bus.ts";
import type { CommandOutcome } from "../lib/ecs/command.ts";
import type { World } from "../lib/ecs/world.ts";
import { type Encoded, encodeMessage } from "../lib/wire/codec.ts";
import type { EventData, EventTopic } from "../lib/wire/events.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import type { QueuedBuffer } from "./command_queue.ts";
import type { AppliedBuffer } from "./tick_step.ts";

/** A buffer from outside, and what became of it. */
export interface TakenBuffer extends AppliedBuffer {
  readonly buffer: QueuedBuffer;
}

export interface AnnouncerOptions {
  readonly bus: Pick<Bus, "publish">;
  readonly subjects: Subjects;
  readonly world: World;
}

export class Announcer {
  readonly #options: AnnouncerOptions;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  /** The tick begins: it runs at `dt` seconds. */
  begin(start: MessageOf<"TickStart">): void {
    const encoded = encodeMessage("TickStart", start, { tick: start.tick_id });
    this.#publish(this.#options.subjects.tick, encoded);
  }

  /** The tick is stored, in which these buffers were taken and the systems' commands had these outcomes. */
  end(
    tick: number,
    { taken, outcomes }: {
      taken: readonly TakenBuffer[];
      outcomes: readonly CommandOutcome[];
    },
  ): void {
    for (const { buffer, answer } of taken) {
      if (buffer.reply === undefined) continue;
      const { tick: tick_id, spawned, refused } = answer;
      const value = { tick_id, spawned: [...spawned], refused: [...refused] };
      this.#publish(buffer.reply, encodeMessage("EntityCommandReply", value, { tick: tick_id }));
    }
    const applied = taken.flatMap(({ outcome }) => outcome ?? []);
    for (const outcome of [...applied, ...outcomes]) this.#announceEntities(tick, outcome);
  }

  event<T extends EventTopic>(
    topic: T,
    { data, tick }: { data: EventData<T>; tick: number },
  ): void {
    const event = { topic, tick_id: tick, source: "coordinator", data };
    this.#publish(this.#options.subjects.event(topic), encodeMessage("Event", event, { tick }));
  }

  #announceEntities(tick: number, { spawned, despawned }: CommandOutcome): void {
    const { subjects, world } = this.#options;
    for (const entity of spawned) {
      const archetype = world.archetypeOf(entity);
      // A refused spawn has no entity, and one despawned since has no archetype.
      if (archetype === undefined) continue;
      const value = { tick_id: tick, entity, archetype };
      this.#publish(subjects.entityCreate, encodeMessage("EntityCreated", value, { tick }));
    }
    for (const entity of despawned) {
      const value = { tick_id: tick, entity };
      this.#publish(subjects.entityDestroy, encodeMessage("EntityDestroyed", value, { tick }));
    }
  }

  #publish(subject: string, { data, options }: Encoded): void {
    this.#options.bus.publish(subject, data, options);
  }
}
