/**
 * The tally of a fuzzing run.
 *
 * @module
 */
import type { WorkerReport } from "./worker_main.ts";

interface Row {
  taken: number;
  refused: number;
  slowestMs: number;
}

const SECOND_MS = 1000;
const MEGABYTE = 1024 * 1024;
/** Of a worker's heap: its last third against its middle third, and what may come on top by chance. */
const GROWTH_MAX = 1.1;
const GROWTH_BYTES_MIN = 8 * MEGABYTE;

export class FuzzTally {
  readonly #rows = new Map<string, Row>();
  readonly #heaps = new Map<number, number[]>();
  readonly #failures: string[] = [];

  add(worker: number, { outcome, heapBytes }: WorkerReport): void {
    const { batch: { target }, taken, refused, slowestMs, failure } = outcome;
    const row = this.#rows.get(target) ?? { taken: 0, refused: 0, slowestMs: 0 };
    row.taken += taken;
    row.refused += refused;
    row.slowestMs = Math.max(row.slowestMs, slowestMs);
    this.#rows.set(target, row);
    if (failure !== undefined) this.#failures.push(failure);
    if (heapBytes === undefined) return;
    const heaps = this.#heaps.get(worker) ?? [];
    heaps.push(heapBytes);
    this.#heaps.set(worker, heaps);
  }

  get isGood(): boolean {
    return this.#failures.length === 0 && [...this.#heaps.values()].every(isFlat);
  }

  progress(elapsedMs: number): string {
    const inputs = this.#rows.values().reduce((sum, row) => sum + row.taken + row.refused, 0);
    const perSecond = inputs / Math.max(1, elapsedMs) * SECOND_MS;
    return `${inputs} inputs, ${perSecond.toFixed(0)} a second, ${this.#failures.length} failures`;
  }

  summary(elapsedMs: number): string {
    const rows = Array.from(
      this.#rows,
      ([target, { taken, refused, slowestMs }]) =>
        `  ${target.padEnd(9)} ${taken + refused} inputs: ${taken} taken, ${refused} refused; ` +
        `the slowest took ${slowestMs.toFixed(1)} ms`,
    );
    const heaps = Array.from(
      this.#heaps,
      ([worker, heaps]) => `  heap of worker ${worker} after collections: ${describeHeap(heaps)}`,
    );
    return [
      `${this.progress(elapsedMs)}, in ${(elapsedMs / SECOND_MS).toFixed(1)} s`,
      ...rows,
      ...heaps,
      ...this.#failures,
    ].join("\n");
  }
}

function isFlat(heaps: readonly number[]): boolean {
  const [, middle, last] = thirds(heaps);
  return last <= Math.max(middle * GROWTH_MAX, middle + GROWTH_BYTES_MIN);
}

function describeHeap(heaps: readonly number[]): string {
  const shown = thirds(heaps).map((bytes) => `${(bytes / MEGABYTE).toFixed(1)} MB`);
  return `${shown.join(", ")} in the thirds of the run${isFlat(heaps) ? "" : ": it grows"}`;
}

/** The mean of each third; 0 where there is none. */
function thirds(heaps: readonly number[]): [number, number, number] {
  const mean = (from: number, to: number) => {
    const part = heaps.slice(Math.floor(heaps.length * from), Math.ceil(heaps.length * to));
    return part.reduce((sum, bytes) => sum + bytes, 0) / Math.max(1, part.length);
  };
  return [mean(0, 1 / 3), mean(1 / 3, 2 / 3), mean(2 / 3, 1)];
}
