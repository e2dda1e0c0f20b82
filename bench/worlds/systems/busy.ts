/**
 * Work that a bench can have more of than the machine has cores: its thread can
 * do nothing else meanwhile, but takes no core.
 *
 * @module
 */

const SLEEP = new Int32Array(new SharedArrayBuffer(4));

/** Keeps the thread busy for `ms` milliseconds. */
export function beBusy(ms: number): void {
  Atomics.wait(SLEEP, 0, 0, ms);
}
