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

export class CommandQueue {
  readonly #buffers: QueuedBuffer[] = [];
  #bytes = 0;

  get length(): number {
    return this.#buffers.length;
  }

  /** False when the queue is full. */
  push(buffer: QueuedBuffer): boolean {
    const isFull = this.#buffers.length >= QUEUE_BUFFERS_MAX ||
      this.#bytes + buffer.data.length > QUEUE_BYTES_MAX;
    if (isFull) return false;
    this.#buffers.push(buffer);
    this.#bytes += buffer.data.length;
    return true;
  }

  /** Removes and returns the oldest buffers, up to `bytesMax` in all but one at least. */
  take(bytesMax: number): QueuedBuffer[] {
    let count = 0;
    let bytes = 0;
    for (const buffer of this.#buffers) {
      if (count > 0 && bytes + buffer.data.length > bytesMax) break;
      bytes += buffer.data.length;
      count++;
    }
    this.#bytes -= bytes;
    return this.#buffers.splice(0, count);
  }
}
