/**
 * The ledger of the results that commits name. A result is published without
 * waiting for anything, and may be lost on its way into the log although it
 * reached the coordinator: its server is killed, its cluster elects a leader, its
 * disk is full. The stream tells of each one that it has stored; what it does not
 * tell of is appended by the coordinator. A tick is committed when all of its
 * results are in the log, so that whoever replays the log finds them.
 *
 * @module
 */
import type { Message } from "../lib/bus/bus.ts";
import type { Log } from "../lib/bus/log.ts";
import { type Clock, delay } from "../lib/clock.ts";
import type { Report } from "../lib/report.ts";

/** What identifies a result within a coordinator's term. */
export interface ResultKey {
  readonly tick: number;
  readonly system: string;
  readonly shard: number;
  readonly attempt: number;
  readonly instance: string;
}

export interface ResultLedgerOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly report: Report;
}

/** How long the stream may take to tell that it has stored a result, before it is appended. */
const CONFIRM_MS = 100;
/** How soon to try again when the log does not answer, or answers with a failure. */
const RETRY_MS = 100;
/** Confirmations of results that have not been accepted; the results of what is beyond are appended. */
const EARLY_MAX = 65_536;

/** The results of one tick that are not known to be stored. */
class Batch {
  readonly open = new Map<string, Message>();
  readonly #stored = Promise.withResolvers<void>();
  #isClosed = false;

  get stored(): Promise<void> {
    return this.#stored.promise;
  }

  close(): void {
    this.#isClosed = true;
    this.#check();
  }

  confirm(key: string): void {
    this.open.delete(key);
    this.#check();
  }

  #check(): void {
    if (this.#isClosed && this.open.size === 0) this.#stored.resolve();
  }
}

export class ResultLedger {
  readonly #options: ResultLedgerOptions;
  readonly #abandoned = new AbortController();
  /** The batch that each result waits in. */
  readonly #batches = new Map<string, Batch>();
  /** Stored before they were accepted, in the tick that runs. */
  readonly #early = new Set<string>();
  #batch = new Batch();

  constructor(options: ResultLedgerOptions) {
    this.#options = options;
  }

  /** Takes note of a result that the tick's commit will name. */
  accept(result: ResultKey, message: Message): void {
    const key = keyOf(result);
    if (this.#early.delete(key)) return;
    this.#batch.open.set(key, message);
    this.#batches.set(key, this.#batch);
  }

  /** The stream has stored the result. */
  confirm(result: ResultKey): void {
    const key = keyOf(result);
    if (this.#batches.has(key)) this.#close(key);
    else if (this.#early.size < EARLY_MAX) this.#early.add(key);
  }

  /** Ends a tick; resolves when all the results that it accepted are in the log. */
  async settle(): Promise<void> {
    const batch = this.#batch;
    this.#batch = new Batch();
    this.#early.clear();
    batch.close();
    if (batch.open.size === 0) return;
    const confirmed = new AbortController();
    batch.stored.then(() => confirmed.abort());
    await delay(this.#options.clock, CONFIRM_MS, confirmed.signal);
    for (const [key, message] of batch.open) await this.#append(key, message);
  }

  /** Gives up on a log that does not answer. */
  abandon(): void {
    this.#abandoned.abort();
  }

  /** Appends a result unless it is confirmed meanwhile; it being there twice does no harm. */
  async #append(key: string, { subject, data, headers }: Message): Promise<void> {
    const { log, clock, report } = this.#options;
    const { signal } = this.#abandoned;
    while (this.#batches.has(key) && !signal.aborted) {
      try {
        await log.append(subject, data, { headers });
        this.#close(key);
        report.info(`a result that the log did not confirm is stored (${key})`);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        report.warn(`a result waits for the log (${key}): ${reason}`);
        await delay(clock, RETRY_MS, signal);
      }
    }
  }

  #close(key: string): void {
    this.#batches.get(key)?.confirm(key);
    this.#batches.delete(key);
  }
}

function keyOf({ tick, system, shard, attempt, instance }: ResultKey): string {
  return `${tick} ${system} ${shard} ${attempt} ${instance}`;
}
