/**
 * Fuzzes, batch after batch, on a thread of its own.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { systemClock } from "../lib/clock.ts";
import { type Batch, type BatchOutcome, Fuzzer } from "./batch.ts";

export interface WorkerReport {
  readonly outcome: BatchOutcome;
  /** What is in use after a garbage collection; undefined where none was made. */
  readonly heapBytes: number | undefined;
}

/** Batches between two measurements of the heap. */
const BATCHES_PER_HEAP = 20;

const fuzzer = new Fuzzer(systemClock);
let batches = 0;

async function run(batch: Batch): Promise<void> {
  const outcome = await fuzzer.run(batch);
  const heapBytes = ++batches % BATCHES_PER_HEAP === 0 ? measureHeap() : undefined;
  const report: WorkerReport = { outcome, heapBytes };
  self.postMessage(report);
}

/** Needs --expose-gc. */
function measureHeap(): number | undefined {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) return undefined;
  gc();
  return Deno.memoryUsage().heapUsed;
}

self.onmessage = ({ data }: MessageEvent<Batch>) => void run(data);
