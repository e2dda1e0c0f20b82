/**
 * Commits ticks to the log. A commit is appended only if the one before it is
 * still the newest, so of two coordinators one is refused. Its acknowledgement
 * is awaited while the next tick runs; what the world outside is to learn of a
 * tick waits for it.
 *
 * @module
 */
import { type Log, WrongLastSequenceError } from "../lib/bus/log.ts";
import { encodeMessage } from "../lib/wire/codec.ts";
import type { MessageOf } from "../lib/wire/messages.ts";

/** Another coordinator commits to the same log. */
export class FencedError extends Error {
  override readonly name = "FencedError";
}

export class Committer {
  readonly #log: Log;
  readonly #subject: string;
  #lastSequence: number;
  #pending: Promise<void> = Promise.resolve();

  /** @param lastSequence sequence of the subject's newest entry; 0: there is none */
  constructor(log: Log, { subject, lastSequence }: { subject: string; lastSequence: number }) {
    this.#log = log;
    this.#subject = subject;
    this.#lastSequence = lastSequence;
  }

  /**
   * Resolves once the commit before is stored and this one is on its way; calls
   * `onStored` when this one is stored, too.
   * @throws {FencedError} when another coordinator has committed.
   */
  async commit(commit: MessageOf<"TickCommit">, onStored: () => void): Promise<void> {
    await this.#pending;
    const { epoch, tick_id: tick } = commit;
    const { data, options } = encodeMessage("TickCommit", commit, { epoch, tick });
    this.#pending = this.#append(data, options).then(onStored);
    // Whoever awaits it next gets the error.
    this.#pending.catch(() => undefined);
  }

  /** Resolves when everything is stored. */
  settled(): Promise<void> {
    return this.#pending;
  }

  async #append(data: Uint8Array, options: ReturnType<typeof encodeMessage>["options"]) {
    try {
      this.#lastSequence = await this.#log.append(this.#subject, data, {
        ...options,
        expectedLastSequence: this.#lastSequence,
      });
    } catch (cause) {
      if (!(cause instanceof WrongLastSequenceError)) throw cause;
      throw new FencedError("Cannot commit: another coordinator commits to this log", { cause });
    }
  }
}
