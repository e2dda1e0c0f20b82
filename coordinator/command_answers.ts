/**
 * The answers to the newest command buffers that had an id. A buffer that comes
 * again, because its sender heard nothing, is answered as the first time instead
 * of being applied twice. Answers are part of a world's state: whoever replays
 * the log has the same.
 *
 * @module
 */
import type { CommandAnswer, CommandOutcome } from "../lib/ecs/command.ts";

/** Answers kept; the oldest go beyond this many, */
const ANSWERS_MAX = 1024;
/** or beyond this many entities and refusals in all of them, the newest one apart. */
const ITEMS_MAX = 262_144;
/** Refused commands that an answer lists; it could get longer than a message otherwise. */
const REFUSED_MAX = 256;

export function answerOf(tick: number, { spawned, refused }: CommandOutcome): CommandAnswer {
  return { tick, spawned, refused: refused.slice(0, REFUSED_MAX) };
}

export class CommandAnswers implements Iterable<readonly [id: string, answer: CommandAnswer]> {
  /** Oldest first. */
  readonly #answers = new Map<string, CommandAnswer>();
  #items = 0;

  constructor(answers: Iterable<readonly [id: string, answer: CommandAnswer]> = []) {
    for (const [id, answer] of answers) this.add(id, answer);
  }

  get(id: string): CommandAnswer | undefined {
    return this.#answers.get(id);
  }

  /** @param id one that has no answer yet */
  add(id: string, answer: CommandAnswer): void {
    this.#answers.set(id, answer);
    this.#items += itemsOf(answer);
    for (const [oldest, old] of this.#answers) {
      const isFull = this.#answers.size > ANSWERS_MAX || this.#items > ITEMS_MAX;
      if (!isFull || oldest === id) break;
      this.#answers.delete(oldest);
      this.#items -= itemsOf(old);
    }
  }

  /** Oldest first. */
  [Symbol.iterator](): Iterator<readonly [id: string, answer: CommandAnswer]> {
    return this.#answers[Symbol.iterator]();
  }
}

function itemsOf({ spawned, refused }: CommandAnswer): number {
  return spawned.length + refused.length;
}
