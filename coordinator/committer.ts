/**
 * Commits ticks to the log. A commit is appended only if the one before it is
 * still the newest, so of two coordinators one is refused. Its acknowledgement
 * is awaited while the next tick runs; what the world outside is to learn of a
 * tick waits for it.
 *
 * A log that does not answer is tried again for as long as it takes. A commit may
 * then be stored although its acknowledgement was lost, and the next try is
 * refused for that reason: it is known by its epoch and tick.
 *
 * @module
 */
import { type Log, WrongLastSequenceError } from "../lib/bus/log.ts";
import { type Clock, delay } from "../lib/clock.ts";
import type { Report } from "../lib/report.ts";
import { type Encoded, encodeMessage } from "../lib/wire/codec.ts";
import type { MessageOf } from "../lib/wire/messages.ts";

/** Another coordinator commits to the same log. */
export class FencedError extends Error {
  override readonly name = "FencedError";
}

/** The coordinator was stopped before the log had taken its last tick. */
export class UncommittedError extends Error {
  override readonly name = "UncommittedError";
}

export interface CommitterOptions {
  readonly clock: Clock;
  readonly report: Report;
  readonly stream: string;
  readonly subject: string;
  /** Sequence of the subject's newest entry; 0: there is none. */
  readonly lastSequence: number;
}

/** How soon to try again when the log does not answer, or answers with a failure. */
const RETRY_MS = 100;

type Commit = MessageOf<"TickCommit">;

export class Committer {
  readonly #log: Log;
  readonly #options: CommitterOptions;
  readonly #abandoned = new AbortController();
  #lastSequence: number;
  #pending: Promise<void> = Promise.resolve();

  constructor(log: Log, options: CommitterOptions) {
    this.#log = log;
    this.#options = options;
    this.#lastSequence = options.lastSequence;
  }

  /**
   * Resolves once the commit before is stored and this one is on its way; calls
   * `onStored` when this one is stored, too.
   * @throws {FencedError} when another coordinator has committed.
   */
  async commit(commit: Commit, onStored: () => void): Promise<void> {
    await this.#pending;
    this.#pending = this.#store(commit).then(onStored);
    // Whoever awaits it next gets the error.
    this.#pending.catch(() => undefined);
  }

  /** Resolves when everything is stored. */
  settled(): Promise<void> {
    return this.#pending;
  }

  /** Gives up on a log that does not answer. */
  abandon(): void {
    this.#abandoned.abort();
  }

  async #store(commit: Commit): Promise<void> {
    const { clock, report } = this.#options;
    const { epoch, tick_id: tick } = commit;
    const encoded = encodeMessage("TickCommit", commit, { epoch, tick });
    let said = "";
    while (!this.#abandoned.signal.aborted) {
      try {
        const sequence = await this.#unlessAbandoned(this.#tryToStore(encoded));
        if (sequence !== undefined) {
          this.#lastSequence = sequence;
          if (said !== "") report.info(`tick ${tick} is stored`);
          return;
        }
      } catch (error) {
        if (!(error instanceof Error) || isFinal(error)) throw error;
        if (error.message !== said) report.warn(`tick ${tick} waits for the log: ${error.message}`);
        said = error.message;
      }
      await delay(clock, RETRY_MS, this.#abandoned.signal);
    }
    throw new UncommittedError(`Cannot commit tick ${tick}: stopped before the log had taken it`);
  }

  /** Resolves with the commit's sequence, or undefined where it has to be tried again. */
  async #tryToStore({ data, options }: Encoded): Promise<number | undefined> {
    const { subject } = this.#options;
    const { epoch, "tick-id": tick } = options.headers;
    try {
      return await this.#log.append(subject, data, {
        ...options,
        id: `${subject} ${epoch} ${tick}`,
        expectedLastSequence: this.#lastSequence,
      });
    } catch (error) {
      if (!(error instanceof WrongLastSequenceError)) throw error;
      return await this.#explainRefusal(options.headers, error);
    }
  }

  /** Resolves with the sequence where the commit is stored already. */
  async #explainRefusal(
    headers: Encoded["options"]["headers"],
    cause: WrongLastSequenceError,
  ): Promise<number | undefined> {
    const { stream, subject } = this.#options;
    const last = await this.#log.last(stream, subject);
    const isOurs = last !== undefined && last.headers["epoch"] === headers["epoch"] &&
      last.headers["tick-id"] === headers["tick-id"];
    if (isOurs) return last.sequence;
    const lastSequence = last?.sequence ?? 0;
    // An earlier try of ours is under way.
    if (lastSequence === this.#lastSequence) return undefined;
    const why = lastSequence > this.#lastSequence
      ? "another coordinator commits to this log"
      : "the log has lost its newest commits";
    throw new FencedError(`Cannot commit: ${why}`, { cause });
  }

  #unlessAbandoned<T>(work: Promise<T>): Promise<T | undefined> {
    const { signal } = this.#abandoned;
    const abandoned = Promise.withResolvers<undefined>();
    const onAbort = () => abandoned.resolve(undefined);
    signal.addEventListener("abort", onAbort, { once: true });
    return Promise.race([work, abandoned.promise])
      .finally(() => signal.removeEventListener("abort", onAbort));
  }
}

/** True of what another try would not change. */
function isFinal(error: Error): boolean {
  return error instanceof FencedError || error instanceof RangeError;
}
