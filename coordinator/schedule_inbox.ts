/**
 * The inbox of answers to schedules. Each attempt has a reply subject of its own,
 * so that an answer tells what it is about whoever gives it: the instance that
 * refuses the schedule, the server when there was nobody to take it, or the log
 * that was asked to store the result.
 *
 * @module
 */
import type { Bus } from "../lib/bus/bus.ts";
import type { Attempt } from "./dispatcher.ts";

/** An attempt at a shard, of whichever system and tick. */
export interface AttemptKey extends Attempt {
  readonly system: string;
  readonly tick: number;
}

export class ScheduleInbox {
  readonly #root: string;

  constructor(bus: Pick<Bus, "createInbox">) {
    this.#root = bus.createInbox();
  }

  /** All of its subjects. */
  get pattern(): string {
    return `${this.#root}.>`;
  }

  /** Where the answers about an attempt arrive. */
  subjectOf({ system, tick, shard, attempt }: AttemptKey): string {
    return `${this.#root}.${system}.${tick}.${shard}.${attempt}`;
  }

  /** What an answer on one of its subjects is about. */
  parse(subject: string): AttemptKey {
    const [system, ...numbers] = subject.slice(this.#root.length + 1).split(".");
    const [tick, shard, attempt] = numbers.map(Number);
    return { system, tick, shard, attempt };
  }
}
