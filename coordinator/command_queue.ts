/**
 * Command buffers from outside, waiting for the next tick boundary. The queue is
 * bounded, and so is what one tick takes of it, since a commit lists it all.
 *
 * @module
 */
import type { Command } from "../lib/ecs/command.ts";

export interface QueuedBuffer {
  /** By which its sender may repeat it. */
  readonly id?: string | undefined;
  /** The payload of the message that it came in, as the commit repeats it. */
  readonly data: Uint8Array;
  readonly commands: readonly Command[];
  /** Where the outcome is expected, if anywhere. */
  readonly reply: string | undefined;
}

const QUEUE_BYTES_MAX = 64 * 1024 * 1024;
const QUEUE_BUFFERS_MAX = 65_536;
/** A tick takes no more, so that a flood of small ones does not hold it up. */
const TICK_BUFFERS_MAX = 1024;

export class CommandQueue {
  readonly #buffers: QueuedBuffer[] = [];
  #bytes = 0;

  get length(): number {
    return this.#buffers.length;
  }

  get isFull(): boolean {
    return this.#buffers.length >= QUEUE_BUFFERS_MAX || this.#bytes >= QUEUE_BYTES_MAX;
  }

  /** Takes a buffer; not when the queue is full. */
  push(buffer: QueuedBuffer): void {
    this.#buffers.push(buffer);
    this.#bytes += buffer.data.length;
  }

  /** Removes and returns the oldest buffers, as many as one tick takes: up to `bytesMax` in all but one at least. */
  take(bytesMax: number): QueuedBuffer[] {
    let count = 0;
    let bytes = 0;
    for (const buffer of this.#buffers) {
      const isEnough = count === TICK_BUFFERS_MAX || bytes + buffer.data.length > bytesMax;
      if (count > 0 && isEnough) break;
      bytes += buffer.data.length;
      count++;
    }
    this.#bytes -= bytes;
    return this.#buffers.splice(0, count);
  }
}
