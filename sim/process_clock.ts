/**
 * The clock of one simulated process: it stops with the process, and while the
 * process stands still what becomes due waits.
 *
 * @module
 */
import type { Clock, Timer } from "../lib/clock.ts";

/** Every time is a multiple of this, so that sums and differences of times are exact. */
const QUANTUM_MS = 1 / 1024;

/** The time rounded up to the clock's quantum: what waits never wakes up too early. */
export function toQuanta(ms: number): number {
  return Math.ceil(ms / QUANTUM_MS) * QUANTUM_MS;
}

export class ProcessClock implements Clock {
  readonly #clock: Clock;
  readonly #timers = new Set<Timer>();
  readonly #held: (() => void)[] = [];
  #state: "running" | "paused" | "dead" = "running";

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  after(delayMs: number, callback: () => void): Timer {
    if (this.#state === "dead") return { cancel() {} };
    let isCancelled = false;
    const timer = this.#clock.after(toQuanta(delayMs), () => {
      this.#timers.delete(timer);
      const fire = () => {
        if (!isCancelled && this.#state !== "dead") callback();
      };
      if (this.#state === "paused") this.#held.push(fire);
      else fire();
    });
    this.#timers.add(timer);
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
        this.#timers.delete(timer);
      },
    };
  }

  kill(): void {
    this.#state = "dead";
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#held.length = 0;
  }

  pause(): void {
    if (this.#state === "running") this.#state = "paused";
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    for (const fire of this.#held.splice(0)) this.#clock.after(0, fire);
  }
}
