/**
 * Commits ticks to the log. A commit is appended when all results that it accepts
 * are in the log, and only if the commit before it is still the newest, so of two
 * coordinators one is refused. Its acknowledgement is awaited while the next tick
 * runs; what the world outside is to learn of a tick waits for it.
 *
 * @module
 */
import { type Log, WrongLastSequenceError } from "../lib/bus/log.ts";
import type { Clock } from "../lib/clock.ts";
import { encodeMessage } from "../lib/wire/codec.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import { Appender, type AppenderOptions } from "./appender.ts";
import { FencedError } from "./fence.ts";
import { Receipts } from "./receipts.ts";

export interface CommitterOptions extends AppenderOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly subject: string;
  /** Sequence of the subject's newest entry; 0: there is none. */
  readonly lastSequence: number;
}

export class Committer {
  /** Of the results that the commits accept. */
  readonly receipts: Receipts;
  readonly #appender: Appender;
  readonly #subject: string;
  #lastSequence: number;
  #pending: Promise<void> = Promise.resolve();

  constructor(options: CommitterOptions) {
    const { clock, subject, lastSequence } = options;
    this.#appender = new Appender(options);
    this.receipts = new Receipts({ clock, appender: this.#appender });
    this.#subject = subject;
    this.#lastSequence = lastSequence;
  }

  /** Sequence of the newest commit that is stored, or of what was there before the first. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  /**
   * Resolves once the commit before is stored and this one is on its way; calls
   * `onStored` when this one is stored, too.
   * @throws {FencedError} when another coordinator has taken this one's place.
   */
  async commit(commit: MessageOf<"TickCommit">, onStored: () => void): Promise<void> {
    await this.#pending;
    this.#pending = this.#store(commit).then(onStored);
    // Whoever awaits it next gets the error.
    this.#pending.catch(() => undefined);
  }

  /** Resolves when everything is stored. */
  settled(): Promise<void> {
    return this.#pending;
  }

  /** Gives up what the log does not take at once. */
  stop(): void {
    this.#appender.stop();
  }

  async #store(commit: MessageOf<"TickCommit">): Promise<void> {
    const { epoch, tick_id: tick } = commit;
    const { data, options } = encodeMessage("TickCommit", commit, { epoch, tick });
    await this.receipts.settle(tick);
    try {
      this.#lastSequence = await this.#appender.append(this.#subject, data, {
        ...options,
        id: `${this.#subject} ${epoch} ${tick}`,
        expectedLastSequence: this.#lastSequence,
      });
    } catch (cause) {
      if (!(cause instanceof WrongLastSequenceError)) throw cause;
      throw new FencedError(
        `Cannot commit tick ${tick}: another coordinator has taken this one's place`,
        { cause },
      );
    }
  }
}
