/**
 * What one would write instead: workers of this process, the work split among
 * them by hand, and sent there and back with `postMessage`.
 *
 * @module
 */
import { Worker } from "node:worker_threads";
import { median } from "./case.ts";

const WORKER = new URL("./mix_worker_main.ts", import.meta.url);

export class WorkerPool implements AsyncDisposable {
  readonly #workers: readonly Worker[];

  constructor(size: number) {
    this.#workers = Array.from({ length: size }, () => new Worker(WORKER));
  }

  /** Takes all numbers one step on, `ticks` times, and resolves with the median time of a step. */
  async run(states: Uint32Array, ticks: number): Promise<number> {
    const times: number[] = [];
    for (let i = 0; i < ticks; i++) {
      const startedAt = performance.now();
      await this.#step(states);
      times.push(performance.now() - startedAt);
    }
    return median(times);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  async #step(states: Uint32Array): Promise<void> {
    const share = Math.ceil(states.length / this.#workers.length);
    await Promise.all(this.#workers.map((worker, i) => {
      const part = states.slice(i * share, (i + 1) * share);
      return new Promise<void>((resolve) => {
        worker.once("message", (result: Uint32Array) => {
          states.set(result, i * share);
          resolve();
        });
        worker.postMessage(part, [part.buffer]);
      });
    }));
  }
}
