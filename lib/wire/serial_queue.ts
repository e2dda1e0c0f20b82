/**
 * Requests that are served one at a time, in the order in which they come.
 *
 * @module
 */
import { BusyError } from "./wire_error.ts";

export interface SerialQueueOptions {
  /** How many there may be at a time, with the one that is being served. */
  readonly lengthMax: number;
  /** What the sender of one too many is told. */
  readonly busy: string;
}

export class SerialQueue {
  readonly #options: SerialQueueOptions;
  #last: Promise<unknown> = Promise.resolve();
  #length = 0;

  constructor(options: SerialQueueOptions) {
    this.#options = options;
  }

  /** How many there are. */
  get length(): number {
    return this.#length;
  }

  /**
   * Does `work` once all that came before is done, and resolves with its result.
   * @throws {BusyError} when too many wait.
   */
  run<T>(work: () => Promise<T>): Promise<T> {
    const { lengthMax, busy } = this.#options;
    if (this.#length >= lengthMax) throw new BusyError(busy);
    this.#length++;
    const turn = this.#last.then(work).finally(() => this.#length--);
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** Resolves when all that is in it now is done, well or not. */
  async settled(): Promise<void> {
    await this.#last;
  }
}
