/**
 * Time as a parameter. Nothing below a `main.ts` reads the machine's clock or
 * sets a timer by itself: it is handed a {@linkcode Clock}, so that a test or
 * the simulation decides when time passes.
 *
 * @module
 */
import { clearImmediate, setImmediate } from "node:timers";

/** A pending timer; cancelling one that has fired does nothing. */
export interface Timer {
  cancel(): void;
}

/** Monotonic time and one-shot timers. */
export interface Clock {
  /** Milliseconds since an arbitrary origin; never goes back. */
  now(): number;
  /** Calls `callback` once, `delayMs` from now at the earliest. */
  after(delayMs: number, callback: () => void): Timer;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, callback) {
    // A timeout of 0 would wait for a millisecond; this waits for the next turn.
    if (delayMs <= 0) {
      const immediate = setImmediate(callback);
      return { cancel: () => clearImmediate(immediate) };
    }
    const id = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(id) };
  },
};

/** The machine's date at the origin of its own clock, in milliseconds since 1970. */
export function systemOriginMs(): number {
  return performance.timeOrigin;
}

/** The machine's date, in milliseconds since 1970: for people to read, never to reckon with. */
export function systemDateMs(): number {
  return Date.now();
}

/** Resolves `delayMs` from now on `clock`; at once when `signal` is aborted. */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = clock.after(delayMs, done);
    signal?.addEventListener("abort", done, { once: true });
    function done() {
      timer.cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    }
  });
}

/** Milliseconds since 1970 as ISO 8601 has them, such as `2026-01-31T12:00:00.000Z`. */
export function formatDate(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms}` : date.toISOString();
}
