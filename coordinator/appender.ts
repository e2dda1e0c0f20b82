/**
 * An appender gets messages into the log whatever comes between: a full stream, a
 * server that restarts, a stream without a leader. It tries again until the
 * message is stored, and says when that begins and ends to be a problem.
 *
 * @module
 */
import {
  type AppendOptions,
  type Log,
  StreamFullError,
  UnavailableError,
  WrongLastSequenceError,
} from "../lib/bus/log.ts";
import { type Clock, delay } from "../lib/clock.ts";
import { UserError } from "../lib/user_error.ts";

/** Pauses between attempts, doubling. */
const RETRY_MS_MIN = 20;
const RETRY_MS_MAX = 500;

/** What is wrong with the log: it has no room, or does not answer as it should. */
export type LogTrouble = "full" | "down";

export interface AppenderOptions {
  readonly log: Log;
  readonly clock: Clock;
  /** The stream that is appended to. */
  readonly stream: string;
  onTrouble(trouble: LogTrouble, error: Error): void;
  /** The log takes messages again. */
  onRelief(): void;
}

export class Appender {
  readonly #options: AppenderOptions;
  readonly #stopping = new AbortController();
  #trouble: LogTrouble | undefined;

  constructor(options: AppenderOptions) {
    this.#options = options;
  }

  /**
   * Resolves with the message's sequence once it is stored. It may be there twice,
   * unless `expectedLastSequence` forbids it.
   * @throws {WrongLastSequenceError} when `expectedLastSequence` does not hold, and
   * not because the message itself has been stored.
   * @throws {RangeError} when it is larger than the bus carries.
   * @throws {UserError} when it is not stored and no attempt is to follow, or when the
   * log has lost what it had stored before.
   */
  async append(subject: string, data: Uint8Array, options: AppendOptions): Promise<number> {
    const { clock } = this.#options;
    const { signal } = this.#stopping;
    let isTried = false;
    for (let retryMs = RETRY_MS_MIN;; retryMs = Math.min(RETRY_MS_MAX, 2 * retryMs)) {
      try {
        const sequence = await this.#tryToAppend(subject, data, { ...options, isTried });
        this.#relieve();
        return sequence;
      } catch (error) {
        if (!isTransient(error)) throw error;
        isTried = true;
        this.#worry(error);
        if (signal.aborted) throw new UserError(`${error.message}; it is lost`, { cause: error });
      }
      await delay(clock, retryMs, signal);
    }
  }

  /** What is not stored by the next attempt is given up. */
  stop(): void {
    this.#stopping.abort();
  }

  async #tryToAppend(
    subject: string,
    data: Uint8Array,
    { isTried, ...options }: AppendOptions & { isTried: boolean },
  ): Promise<number> {
    const { log, stream } = this.#options;
    try {
      return await log.append(subject, data, options);
    } catch (error) {
      if (!(error instanceof WrongLastSequenceError)) throw error;
      const last = await log.last(stream, subject);
      if (isTried && last !== undefined && isSame(last.data, data)) return last.sequence;
      const { expectedLastSequence: expected = 0 } = options;
      const { sequence = 0 } = last ?? {};
      if (sequence > expected) throw error;
      if (sequence < expected) throw cutError(sequence, expected);
      throw new UnavailableError(`${error.message}: an earlier attempt is under way`, {
        cause: error,
      });
    }
  }

  #worry(error: Error): void {
    const trouble = error instanceof StreamFullError ? "full" : "down";
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    this.#options.onTrouble(trouble, error);
  }

  #relieve(): void {
    if (this.#trouble === undefined) return;
    this.#trouble = undefined;
    this.#options.onRelief();
  }
}

function cutError(sequence: number, expected: number): UserError {
  return new UserError(
    `The log has lost what it had stored: its newest commit is at sequence ${sequence}, and was at ` +
      `${expected}, as when its server's power goes. Start the coordinator again; it goes on from ` +
      "what is left",
  );
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

/** Another attempt may do better. */
function isTransient(error: unknown): error is Error {
  return error instanceof Error && !(error instanceof WrongLastSequenceError) &&
    !(error instanceof RangeError) && !(error instanceof TypeError) &&
    !(error instanceof UserError);
}
