/**
 * A pull asks a JetStream consumer for its next entries, and yields each as it
 * comes. The reader sets the pace: no more than one pull's entries are on their
 * way at a time.
 *
 * @module
 */
import { createInbox, type Msg, nanos, type NatsConnection } from "@nats-io/nats-core";
import { MsgImpl } from "@nats-io/nats-core/internal";
import { systemClock, type Timer } from "../clock.ts";
import { type LogEntry, UnavailableError } from "./log.ts";
import { decodeHeaders } from "./nats_headers.ts";
import type { NatsLink } from "./nats_link.ts";

/** How long the server may be silent, beyond what it was told to wait. */
const SILENCE_MS = 10_000;
/** From here on a status is no entry but the end of the pull. */
const STATUS_MIN = 400;
/** There are no more entries, or none came in time. */
const END_STATUSES = [404, 408];
/** The next entry would be too many bytes; in lower case. */
const FULL_DESCRIPTION = "message size exceeds maxbytes";

export interface PullOptions {
  readonly connection: NatsConnection;
  readonly link: NatsLink;
  readonly stream: string;
  readonly consumer: string;
  /** Entries at the most. */
  readonly batch: number;
  /** Their bytes at the most, with room for the largest entry; by default it does not matter. */
  readonly bytesMax?: number;
  /** How long to wait for entries yet to be stored; by default for none. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * The consumer's next entries; fewer than `batch` when the next one is too large, or
 * there are no more, or not within `waitMs`, or when `signal` is aborted.
 * @throws {UnavailableError} when the link goes down, or the server is silent or has no
 * such consumer any more.
 */
export async function* pullEntries(options: PullOptions): AsyncGenerator<LogEntry> {
  const { connection, stream, consumer, batch, bytesMax, waitMs = 0 } = options;
  const arrivals = new Arrivals(options);
  const inbox = createInbox();
  const subscription = connection.subscribe(inbox, {
    callback: (error, msg) => error ? arrivals.fail(error) : arrivals.push(msg),
  });
  try {
    const wait = waitMs > 0 ? { expires: nanos(waitMs) } : { no_wait: true };
    connection.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
      JSON.stringify({ batch, ...wait, ...(bytesMax !== undefined && { max_bytes: bytesMax }) }),
      { reply: inbox },
    );
    for (let count = 0; count < batch; count++) {
      const entry = await arrivals.next();
      if (entry === undefined) return;
      yield entry;
    }
  } finally {
    arrivals.end();
    subscription.unsubscribe();
  }
}

/** What has come and has not been taken; at most a pull's batch. */
class Arrivals {
  readonly #entries: LogEntry[] = [];
  readonly #waitMs: number;
  readonly #failure: string;
  readonly #unsubscribe: () => void;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.#finish();
  #timer: Timer | undefined;
  readonly #bytesMax: number;
  #bytes = 0;
  #isOver = false;
  #error: Error | undefined;
  #wake: () => void = () => {};

  constructor({ link, stream, bytesMax = Infinity, waitMs = 0, signal }: PullOptions) {
    this.#bytesMax = bytesMax;
    this.#waitMs = waitMs;
    this.#failure = `Cannot read stream "${stream}"`;
    this.#signal = signal;
    this.#unsubscribe = link.onStatus(() => this.#lose("the connection to NATS was lost"));
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (signal?.aborted) this.#finish();
    this.#watchSilence();
  }

  push(msg: Msg): void {
    this.#watchSilence();
    const { code = 0, description = "" } = msg.headers ?? {};
    if (code >= STATUS_MIN) return this.#end(code, description);
    this.#entries.push(toLogEntry(msg));
    if (msg instanceof MsgImpl) this.#bytes += msg.size();
    // Of an exact fit the server says nothing.
    if (this.#bytes >= this.#bytesMax) this.#isOver = true;
    this.#wake();
  }

  fail(error: Error): void {
    this.#error ??= error;
    this.#wake();
  }

  /** The next entry; undefined at the end. */
  async next(): Promise<LogEntry | undefined> {
    while (this.#entries.length === 0 || this.#signal?.aborted) {
      if (this.#error !== undefined) throw this.#error;
      if (this.#isOver) return undefined;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return this.#entries.shift();
  }

  end(): void {
    this.#timer?.cancel();
    this.#unsubscribe();
    this.#signal?.removeEventListener("abort", this.#onAbort);
  }

  #end(code: number, description: string): void {
    const isFull = description.toLowerCase() === FULL_DESCRIPTION && this.#bytes > 0;
    if (isFull || END_STATUSES.includes(code)) this.#finish();
    else this.#lose(description || `status ${code}`);
  }

  #finish(): void {
    this.#isOver = true;
    this.#wake();
  }

  #lose(why: string): void {
    this.fail(new UnavailableError(`${this.#failure}: ${why}`));
  }

  #watchSilence(): void {
    this.#timer?.cancel();
    const silenceMs = this.#waitMs + SILENCE_MS;
    this.#timer = systemClock.after(
      silenceMs,
      () => this.#lose(`no answer in ${silenceMs} ms`),
    );
  }
}

/** `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.…`, or with domain and account first. */
function toLogEntry(msg: Msg): LogEntry {
  const tokens = (msg.reply ?? "").split(".");
  const sequence = Number(tokens[tokens.length < 12 ? 5 : 7]);
  const { buffer, byteOffset, byteLength } = msg.data;
  return {
    sequence,
    subject: msg.subject,
    data: new Uint8Array(buffer, byteOffset, byteLength),
    headers: decodeHeaders(msg.headers),
  };
}
