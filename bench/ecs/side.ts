/**
 * One side of a comparison in a worker of its own, so that what V8 learns from
 * one library or workload does not slow another down.
 *
 * @module
 */
import { once } from "node:events";
import { parentPort, Worker, workerData } from "node:worker_threads";

/** Warms up, and then is called for each measurement; throws when the result is wrong. */
export type Measure = () => number;

export interface Side extends AsyncDisposable {
  /** Resolves with what the side's program measured. */
  measure(): Promise<number>;
}

/** Starts a side's program with an argument and resolves when it is warm. */
export async function openSide(program: string, argument: string): Promise<Side> {
  const worker = new Worker(new URL(program, import.meta.url), { workerData: argument });
  await once(worker, "message");
  return {
    async measure() {
      worker.postMessage("measure");
      const [measured] = await once(worker, "message");
      return measured;
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}

/** What a side's program does: measures when it is told to. */
export function serveSide(warmUp: (argument: string) => Measure): void {
  const measure = warmUp(workerData);
  parentPort?.on("message", () => parentPort?.postMessage(measure()));
  parentPort?.postMessage("warm");
}
