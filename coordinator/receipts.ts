/**
 * Receipts: what the log says of the results that instances publish. A tick is
 * committed only when all results that it accepts are known to be stored, so that
 * in the log they lie before its commit. Their bytes are kept until then, and
 * what the log has not got is appended anew.
 *
 * @module
 */
import type { Headers } from "../lib/bus/bus.ts";
import { type Clock, delay } from "../lib/clock.ts";
import type { Appender } from "./appender.ts";
import type { AttemptKey } from "./schedule_inbox.ts";

/** How long a receipt may take before the result is appended anew. */
const RECEIPT_MS = 500;
/** On results that the coordinator appends, which it then receives as everybody does. */
export const REPEATED_HEADER = "repeated";
/** Receipts remembered that came before their result. */
const EARLY_MAX = 65_536;

/** A result as it was published. */
export interface PublishedResult {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: Headers;
  /** Whether the log's answer comes here. */
  readonly hasReceipt: boolean;
}

/** What is known of one tick's results, by attempt. */
interface TickReceipts {
  /** Results without a receipt. */
  readonly awaited: Map<string, PublishedResult>;
  /** Results that the log did not take. */
  readonly refused: PublishedResult[];
  /** Receipts without a result: whether the log took it. */
  readonly early: Map<string, boolean>;
  /** Called when nothing is awaited any more. */
  onComplete: () => void;
}

export class Receipts {
  readonly #clock: Clock;
  readonly #appender: Pick<Appender, "append">;
  readonly #ticks = new Map<number, TickReceipts>();

  constructor({ clock, appender }: { clock: Clock; appender: Pick<Appender, "append"> }) {
    this.#clock = clock;
    this.#appender = appender;
  }

  /** Starts to listen for the receipts of a tick. */
  begin(tick: number): void {
    this.#ticks.set(tick, {
      awaited: new Map(),
      refused: [],
      early: new Map(),
      onComplete: () => {},
    });
  }

  /** A result has been accepted, and is to be in the log. */
  accept(key: AttemptKey, result: PublishedResult): void {
    const receipts = this.#ticks.get(key.tick);
    if (receipts === undefined) return;
    const name = nameOf(key);
    const isStored = result.hasReceipt ? receipts.early.get(name) : false;
    if (isStored === undefined) receipts.awaited.set(name, result);
    else if (!isStored) receipts.refused.push(result);
  }

  /** The log's answer to a result, accepted or not. */
  receive(key: AttemptKey, isStored: boolean): void {
    const receipts = this.#ticks.get(key.tick);
    if (receipts === undefined) return;
    const { awaited, refused, early } = receipts;
    const name = nameOf(key);
    const result = awaited.get(name);
    if (result === undefined) {
      if (early.size < EARLY_MAX) early.set(name, isStored);
      return;
    }
    awaited.delete(name);
    if (!isStored) refused.push(result);
    if (awaited.size === 0) receipts.onComplete();
  }

  /**
   * Another instance has returned a result of the attempt, too. The log's next answer
   * may be to that one, so the accepted one is appended anew if it has none yet.
   */
  doubt(key: AttemptKey, instance: string): void {
    const receipts = this.#ticks.get(key.tick);
    const name = nameOf(key);
    const result = receipts?.awaited.get(name);
    if (!receipts || !result || result.headers["instance-id"] === instance) return;
    receipts.awaited.delete(name);
    receipts.refused.push(result);
    if (receipts.awaited.size === 0) receipts.onComplete();
  }

  /** Ends a tick: resolves when all of its results are stored. */
  async settle(tick: number): Promise<void> {
    const receipts = this.#ticks.get(tick);
    if (receipts === undefined) return;
    const { awaited, refused } = receipts;
    if (awaited.size > 0) {
      const waiting = new AbortController();
      receipts.onComplete = () => waiting.abort();
      await delay(this.#clock, RECEIPT_MS, waiting.signal);
    }
    this.#ticks.delete(tick);
    for (const { subject, data, headers } of [...refused, ...awaited.values()]) {
      const repeated = { ...headers, [REPEATED_HEADER]: "1" };
      await this.#appender.append(subject, data, { headers: repeated });
    }
  }
}

function nameOf({ system, shard, attempt }: AttemptKey): string {
  return `${system}.${shard}.${attempt}`;
}
