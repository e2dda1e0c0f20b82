/**
 * Waiting for what other processes do, and not for ever.
 *
 * @module
 */
import { delay, systemClock } from "../lib/clock.ts";

/** Generous, since the machine may be busy; nothing waits for it to pass. */
const WAIT_MAX_MS = 30_000;
const POLL_MS = 10;

/** Rejects with what was waited for when it does not come. */
export async function within<T>(
  promise: Promise<T>,
  what: () => string,
  waitMaxMs = WAIT_MAX_MS,
): Promise<T> {
  const timeout = Promise.withResolvers<never>();
  const timer = systemClock.after(
    waitMaxMs,
    () => timeout.reject(new Error(`Waited in vain: ${what()}`)),
  );
  try {
    return await Promise.race([promise, timeout.promise]);
  } finally {
    timer.cancel();
  }
}

/** Resolves with the first result that is not undefined or false. */
export async function poll<T>(
  what: string,
  probe: () => Promise<T | undefined | false>,
): Promise<T> {
  const deadline = systemClock.now() + WAIT_MAX_MS;
  while (systemClock.now() < deadline) {
    const result = await probe();
    if (result !== undefined && result !== false) return result as T;
    await delay(systemClock, POLL_MS);
  }
  throw new Error(`Waited in vain: ${what}`);
}

/** Rejects with the signal's reason when it is aborted. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
