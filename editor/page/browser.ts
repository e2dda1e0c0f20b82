/**
 * What the page takes from the browser: time, storage and what its own server tells.
 *
 * @module
 */
/// <reference lib="dom" />
import type { Clock, Timer } from "../../lib/clock.ts";

/** Milliseconds since the page was opened. */
export function now(): number {
  return performance.now();
}

/** A moment for people to read. */
export function dateText(msSince1970: number): string {
  return new Date(msSince1970).toLocaleString([], { dateStyle: "short", timeStyle: "medium" });
}

/** Calls `callback` once. */
export function after(delayMs: number, callback: () => void): Timer {
  const id = setTimeout(callback, delayMs);
  return { cancel: () => clearTimeout(id) };
}

/** The page's own clock, for those who are handed one. */
export const pageClock: Clock = { now, after };

/**
 * Calls `work` again and again, `intervalMs` after it was done, while the page is seen.
 * What it throws is its own business.
 */
export function repeat(intervalMs: number, work: () => Promise<void> | void): Timer {
  let timer: Timer | undefined;
  let isCancelled = false;
  const turn = async () => {
    if (document.visibilityState !== "hidden") await Promise.resolve().then(work).catch(() => {});
    if (!isCancelled) timer = after(intervalMs, turn);
  };
  turn();
  return {
    cancel() {
      isCancelled = true;
      timer?.cancel();
    },
  };
}

/** An id that no other has. */
export function uniqueId(): string {
  return crypto.randomUUID();
}

/** @throws {Error} with the server's words when it has none to give. */
export async function fetchJson<T>(path: string): Promise<T> {
  const response = await fetch(path);
  const body = await response.json();
  if (!response.ok) throw new Error(body.error ?? response.statusText);
  return body;
}

/** What this browser keeps for the page; it may refuse to. */
export const storage = {
  read(key: string): string | undefined {
    try {
      return localStorage.getItem(`orrery.${key}`) ?? undefined;
    } catch {
      return undefined;
    }
  },
  write(key: string, value: string): void {
    try {
      localStorage.setItem(`orrery.${key}`, value);
    } catch {
      // Then it is not kept.
    }
  },
};
