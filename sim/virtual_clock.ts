/**
 * A clock that stands still until somebody moves it.
 *
 * @module
 */
import type { Clock, Timer } from "../lib/clock.ts";

interface PendingTimer {
  readonly at: number;
  /** Order of setting, which is the order of firing among timers due at the same time. */
  readonly number: number;
  /** Undefined once it has fired or was cancelled. */
  callback: (() => void) | undefined;
}

export class VirtualClock implements Clock {
  readonly #timers = new TimerHeap();
  #now = 0;
  #count = 0;
  #pending = 0;

  now(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): Timer {
    const at = this.#now + Math.max(0, delayMs);
    const timer: PendingTimer = { at, number: this.#count++, callback };
    this.#timers.push(timer);
    this.#pending++;
    return {
      cancel: () => {
        if (timer.callback !== undefined) this.#pending--;
        timer.callback = undefined;
      },
    };
  }

  /** Timers that have neither fired nor been cancelled. */
  get pendingCount(): number {
    return this.#pending;
  }

  /** When the next timer fires, if there is one. */
  get nextAt(): number | undefined {
    return this.#next()?.at;
  }

  /** Lets time pass: what becomes due fires in order, each at its own time. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (let timer = this.#next(); timer && timer.at <= until; timer = this.#next()) {
      this.#fire(timer);
    }
    this.#now = until;
  }

  /** Lets time pass until the next timer, which alone fires; false when there is none. */
  step(): boolean {
    const timer = this.#next();
    if (timer !== undefined) this.#fire(timer);
    return timer !== undefined;
  }

  #fire(timer: PendingTimer): void {
    this.#timers.pop();
    this.#now = Math.max(this.#now, timer.at);
    const { callback } = timer;
    timer.callback = undefined;
    this.#pending--;
    callback?.();
  }

  #next(): PendingTimer | undefined {
    for (;;) {
      const timer = this.#timers.first;
      if (timer === undefined || timer.callback !== undefined) return timer;
      this.#timers.pop();
    }
  }
}

/** A binary heap: each timer is due no later than the two below it. */
class TimerHeap {
  readonly #timers: PendingTimer[] = [];

  get first(): PendingTimer | undefined {
    return this.#timers[0];
  }

  push(timer: PendingTimer): void {
    const timers = this.#timers;
    let place = timers.push(timer) - 1;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!isBefore(timer, timers[above])) break;
      timers[place] = timers[above];
      place = above;
    }
    timers[place] = timer;
  }

  /** Removes the first one. */
  pop(): void {
    const timers = this.#timers;
    const last = timers.pop();
    if (last === undefined || timers.length === 0) return;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= timers.length) break;
      if (below + 1 < timers.length && isBefore(timers[below + 1], timers[below])) below++;
      if (!isBefore(timers[below], last)) break;
      timers[place] = timers[below];
      place = below;
    }
    timers[place] = last;
  }
}

function isBefore(a: PendingTimer, b: PendingTimer): boolean {
  return a.at < b.at || (a.at === b.at && a.number < b.number);
}
