/**
 * The pacer says when each tick is due: at absolute times, start + n / hz, so
 * that ticks do not drift. A late tick is caught up with by starting the next
 * ones at once, but only so far: beyond that the schedule starts anew.
 *
 * @module
 */

/** Ticks that may be caught up with; what is beyond is let go. */
const CATCH_UP_TICKS_MAX = 5;
const SECOND_MS = 1000;

export class Pacer {
  #hz: number;
  #origin = 0;
  #ticks = 0;

  /** @param hz ticks a second; Infinity: no waiting */
  constructor(hz: number, now: number) {
    this.#hz = hz;
    this.#origin = now;
  }

  get hz(): number {
    return this.#hz;
  }

  /** Milliseconds between ticks; 0 without waiting. */
  get periodMs(): number {
    return SECOND_MS / this.#hz;
  }

  /** Starts a schedule anew, with the next tick due at once. */
  restart(now: number, hz: number = this.#hz): void {
    this.#hz = hz;
    this.#origin = now;
    this.#ticks = 0;
  }

  /** Milliseconds to wait for the next tick, which is then taken as begun. */
  next(now: number): number {
    if (this.periodMs === 0) return 0;
    const behind = (now - this.#origin) / this.periodMs - this.#ticks;
    if (behind > CATCH_UP_TICKS_MAX) this.restart(now);
    return Math.max(0, this.#origin + this.periodMs * this.#ticks++ - now);
  }
}
