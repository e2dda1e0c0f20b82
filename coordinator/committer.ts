/**
 * Commits ticks to the log. A commit is appended only if the one before it is
 * still the newest, so of two coordinators one is refused. Its acknowledgement
 * is awaited while the next tick runs; what the world outside is to learn of a
 * tick waits for it.
 *
 * @module
 */
import { WrongLastSequenceError } from "../lib/bus/log.ts";
import { encodeMessage } from "../lib/wire/codec.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import type { Appender } from "./appender.ts";

/** Another coordinator has taken this one's place. */
export class FencedError extends Error {
  override readonly name = "FencedError";
}

export interface CommitterOptions {
  readonly appender: Pick<Appender, "append">;
  readonly subject: string;
  /** Sequence of the subject's newest entry; 0: there is none. */
  readonly lastSequence: number;
}

export interface CommitSteps {
  /** Resolves when all that the commit names is in the log. */
  isReady(): Promise<void>;
  /** Called when the commit is stored. */
  onStored(): void;
}

export class Committer {
  readonly #appender: Pick<Appender, "append">;
  readonly #subject: string;
  #lastSequence: number;
  #pending: Promise<void> = Promise.resolve();

  constructor({ appender, subject, lastSequence }: CommitterOptions) {
    this.#appender = appender;
    this.#subject = subject;
    this.#lastSequence = lastSequence;
  }

  /** Sequence of the newest commit that is stored, or of what the subject had before. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  /**
   * Resolves once the commit before is stored and this one is on its way.
   * @throws {FencedError} when another coordinator has taken this one's place.
   */
  async commit(commit: MessageOf<"TickCommit">, steps: CommitSteps): Promise<void> {
    await this.#pending;
    this.#pending = this.#store(commit, steps);
    // Whoever awaits it next gets the error.
    this.#pending.catch(() => undefined);
  }

  /** Resolves when everything is stored. */
  settled(): Promise<void> {
    return this.#pending;
  }

  async #store(commit: MessageOf<"TickCommit">, { isReady, onStored }: CommitSteps): Promise<void> {
    const { epoch, tick_id: tick } = commit;
    const { data, options } = encodeMessage("TickCommit", commit, { epoch, tick });
    await isReady();
    try {
      this.#lastSequence = await this.#appender.append(this.#subject, data, {
        ...options,
        expectedLastSequence: this.#lastSequence,
      });
    } catch (cause) {
      if (!(cause instanceof WrongLastSequenceError)) throw cause;
      throw new FencedError(
        `Cannot commit tick ${tick}: another coordinator has taken this one's place`,
        { cause },
      );
    }
    onStored();
  }
}
