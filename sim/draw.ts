/**
 * Random choices from a seed. Parts of a simulation draw from streams of their
 * own, so that one more draw in one of them does not change the others.
 *
 * @module
 */
import { createRandom } from "../lib/random.ts";

export class Draw {
  readonly #random: () => number;

  /** @param stream names the part that draws; each has its own sequence for the same seed */
  constructor(seed: number, stream: string) {
    let hash = 0;
    for (let i = 0; i < stream.length; i++) hash = Math.imul(hash, 31) + stream.charCodeAt(i) | 0;
    const high = (Math.floor(seed / 2 ** 32) ^ hash) >>> 0;
    this.#random = createRandom((high & 0x1fffff) * 2 ** 32 + (seed >>> 0));
  }

  /** From 0 to below 1. */
  readonly unit = (): number => this.#random();

  /** An integer from 0 to below `limit`. */
  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  /** An integer from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return this.#random() < p;
  }

  /** @throws {RangeError} when there is nothing to pick from. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("Cannot pick: there is nothing to pick from");
    return items[this.below(items.length)];
  }

  /** Up to `max` of the items, each at most once, in random order. */
  some<T>(items: readonly T[], max: number): T[] {
    return this.shuffled(items).slice(0, this.between(0, Math.min(max, items.length)));
  }

  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [result[i], result[j]] = [result[j], result[i]];
    }
    return result;
  }

  /** With mean `mean` and an exponential distribution, as the time until the next of rare events. */
  exponential(mean: number): number {
    return -Math.log(1 - this.#random()) * mean;
  }
}
