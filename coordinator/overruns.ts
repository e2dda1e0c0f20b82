/**
 * Ticks that take longer than their period: all are counted, some are told.
 *
 * @module
 */
import type { EventData } from "../lib/wire/events.ts";

/** How often they are told of at the most. */
const TOLD_MS = 1000;

export class Overruns {
  total = 0;
  #told = 0;
  #toldAt = -Infinity;

  /** Counts a tick; returns what is to be told, if it is time for that. */
  note(
    durationMs: number,
    { periodMs, now }: { periodMs: number; now: number },
  ): EventData<"tick.overrun"> | undefined {
    if (periodMs === 0 || durationMs <= periodMs) return undefined;
    this.total++;
    if (now < this.#toldAt + TOLD_MS) return undefined;
    const count = this.total - this.#told;
    this.#told = this.total;
    this.#toldAt = now;
    return { duration_ms: durationMs, period_ms: periodMs, count };
  }
}
