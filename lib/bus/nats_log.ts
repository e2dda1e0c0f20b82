/**
 * The {@linkcode Log} over JetStream.
 *
 * Entries are read through a short-lived pull consumer, batch by batch: the
 * reader sets the pace, and reading ends by itself where the stream ended when
 * it began. This works on every server from 2.9.10 on.
 *
 * @module
 */
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  DiscardPolicy,
  jetstream,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamInfo as NatsStreamInfo,
} from "@nats-io/jetstream";
import { createInbox, type Msg, nanos, type NatsConnection } from "@nats-io/nats-core";
import {
  type AppendOptions,
  type Log,
  type LogEntry,
  type StreamConfig,
  type StreamInfo,
  WrongLastSequenceError,
} from "./log.ts";
import { delay, systemClock } from "../clock.ts";
import { isNoResponders, isPayloadTooLarge, isTimeout } from "./nats_errors.ts";
import { decodeHeaders, encodeHeaders } from "./nats_headers.ts";
import { BrokenLinkError, type NatsLink } from "./nats_link.ts";

/** A cluster may take longer while it elects a leader, and has to be asked again then. */
const APPEND_TIMEOUT_MS = 2_000;
/**
 * How long a stream remembers the ids of what was appended. After a restart it reads
 * everything of that time to learn them anew.
 */
const IDS_REMEMBERED_MS = 10_000;
/** Entries asked for at a time; each may be as large as the bus carries. */
const READ_BATCH_MAX = 32;
/** How long to ask again while a server restarts or a cluster has no leader, */
const PATIENCE_MS = 15_000;
/** and how often. */
const ASK_AGAIN_MS = 250;
/** How long the server may be silent amid a batch. */
const READ_TIMEOUT_MS = 10_000;
/** The server deletes a consumer whose reader went away after this. */
const CONSUMER_INACTIVE_MS = 60_000;

/** What newer servers answer when another message with the same expectation is being stored. */
const WRONG_LAST_SEQUENCE_CONSTANT = 10164;

const HTTP_UNAVAILABLE = 503;
const NO_SUITABLE_PEERS = 10005;

export class NatsLog implements Log {
  readonly #connection: NatsConnection;
  readonly #link: NatsLink;
  readonly #client: JetStreamClient;
  readonly #manager: JetStreamManager;

  private constructor(connection: NatsConnection, link: NatsLink, manager: JetStreamManager) {
    this.#connection = connection;
    this.#link = link;
    this.#client = jetstream(connection, { timeout: APPEND_TIMEOUT_MS });
    this.#manager = manager;
  }

  static async create(connection: NatsConnection, link: NatsLink): Promise<NatsLog> {
    return new NatsLog(connection, link, await jetstreamManager(connection, { checkAPI: false }));
  }

  async open(config: StreamConfig): Promise<StreamInfo> {
    const { name } = config;
    const { streams } = this.#manager;
    const settings = toStreamSettings(config);
    try {
      return await this.#ask(async () => {
        try {
          return toStreamInfo(await streams.update(name, settings));
        } catch (error) {
          if (!isApiError(error, JetStreamApiCodes.StreamNotFound)) throw error;
          return toStreamInfo(await streams.add({ name, ...settings }));
        }
      });
    } catch (cause) {
      throw explain(cause, `Cannot open stream "${name}"`);
    }
  }

  async append(subject: string, data: Uint8Array, options: AppendOptions = {}): Promise<number> {
    const { headers, expectedLastSequence, id } = options;
    try {
      const ack = await this.#link.whileConnected(() =>
        this.#client.publish(subject, data, {
          retries: 0,
          ...(headers === undefined ? {} : { headers: encodeHeaders(headers) }),
          ...(id === undefined ? {} : { msgID: id }),
          ...(expectedLastSequence === undefined
            ? {}
            : { expect: { lastSubjectSequence: expectedLastSequence } }),
        })
      );
      return ack.seq;
    } catch (cause) {
      throw explainAppendError(cause, subject, expectedLastSequence);
    }
  }

  async last(stream: string, subject: string): Promise<LogEntry | undefined> {
    try {
      const stored = await this.#ask(() =>
        this.#manager.streams.getMessage(stream, { last_by_subj: subject })
      );
      if (stored === null) return undefined;
      const { seq: sequence, data, header } = stored;
      return { sequence, subject: stored.subject, data, headers: decodeHeaders(header) };
    } catch (cause) {
      throw explain(cause, `Cannot read the last of "${subject}" in stream "${stream}"`);
    }
  }

  read(
    stream: string,
    options: { filter?: string; from?: number } = {},
  ): AsyncIterable<LogEntry> {
    const { filter, from = 1 } = options;
    return this.#consume(stream, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: Math.max(1, from),
      ...(filter === undefined ? {} : { filter_subject: filter }),
    });
  }

  lastPerSubject(stream: string, filter: string): AsyncIterable<LogEntry> {
    return this.#consume(stream, {
      deliver_policy: DeliverPolicy.LastPerSubject,
      filter_subject: filter,
    });
  }

  async purge(
    stream: string,
    options: { filter?: string; before?: number } = {},
  ): Promise<void> {
    const { filter = ">", before } = options;
    if (before !== undefined && before <= 1) return;
    try {
      const range = before === undefined ? { filter } : { filter, seq: before };
      await this.#ask(() => this.#manager.streams.purge(stream, range));
    } catch (cause) {
      throw explain(cause, `Cannot purge stream "${stream}"`);
    }
  }

  async info(stream: string): Promise<StreamInfo> {
    try {
      return toStreamInfo(
        await this.#ask(() => this.#manager.streams.info(stream)),
      );
    } catch (cause) {
      throw explain(cause, `Cannot inspect stream "${stream}"`);
    }
  }

  /** Asks, and asks again while the answer is that nobody can answer now. */
  async #ask<T>(request: () => Promise<T>): Promise<T> {
    const giveUpAt = systemClock.now() + PATIENCE_MS;
    while (true) {
      try {
        return await this.#link.whileConnected(request);
      } catch (error) {
        const isFinal = this.#link.isClosed || systemClock.now() > giveUpAt;
        if (isFinal || !isUnavailable(error)) throw error;
      }
      await delay(systemClock, ASK_AGAIN_MS);
    }
  }

  async *#consume(stream: string, config: Partial<ConsumerConfig>): AsyncIterable<LogEntry> {
    const { lastSequence } = await this.info(stream).catch((error) => {
      throw explain(error.cause ?? error, `Cannot read stream "${stream}"`);
    });
    const { name, num_pending } = await this.#ask(() =>
      this.#manager.consumers.add(stream, {
        ...config,
        ack_policy: AckPolicy.None,
        inactive_threshold: nanos(CONSUMER_INACTIVE_MS),
        mem_storage: true,
        num_replicas: 1,
      })
    );
    try {
      let remaining = num_pending;
      while (remaining > 0) {
        const batch = await this.#link.whileConnected(() =>
          this.#pull({ stream, consumer: name, count: remaining })
        );
        for (const entry of batch) {
          if (entry.sequence > lastSequence) return;
          yield entry;
        }
        if (batch.length === 0) return;
        remaining -= batch.length;
      }
    } finally {
      await this.#link.whileConnected(() => this.#manager.consumers.delete(stream, name))
        .catch(() => false);
    }
  }

  /** Fetches up to `count` entries; fewer when they have been deleted meanwhile. */
  async #pull(
    { stream, consumer, count }: { stream: string; consumer: string; count: number },
  ): Promise<LogEntry[]> {
    const batch = Math.min(count, READ_BATCH_MAX);
    const entries: LogEntry[] = [];
    const inbox = createInbox();
    const { promise: done, resolve, reject } = Promise.withResolvers<void>();
    const failure = `Cannot read stream "${stream}"`;
    const onSilence = () => reject(new Error(`${failure}: no answer in ${READ_TIMEOUT_MS} ms`));
    let timer = setTimeout(onSilence, READ_TIMEOUT_MS);
    const subscription = this.#connection.subscribe(inbox, {
      callback: (error, msg) => {
        if (error !== null) return reject(error);
        clearTimeout(timer);
        timer = setTimeout(onSilence, READ_TIMEOUT_MS);
        const code = msg.headers?.code ?? 0;
        if (code >= 400) return resolve();
        entries.push(toLogEntry(msg));
        if (entries.length === batch) resolve();
      },
    });
    try {
      this.#connection.publish(
        `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
        JSON.stringify({ batch, no_wait: true }),
        { reply: inbox },
      );
      await done;
    } finally {
      clearTimeout(timer);
      subscription.unsubscribe();
    }
    return entries;
  }
}

function toStreamSettings(config: StreamConfig) {
  return {
    subjects: [...config.subjects],
    storage: config.storage === "file" ? StorageType.File : StorageType.Memory,
    retention: RetentionPolicy.Limits,
    discard: config.discard === "new" ? DiscardPolicy.New : DiscardPolicy.Old,
    max_bytes: config.bytesMax,
    max_msgs_per_subject: config.messagesPerSubjectMax ?? -1,
    duplicate_window: nanos(IDS_REMEMBERED_MS),
    num_replicas: config.replicas,
  };
}

function toStreamInfo({ state }: NatsStreamInfo): StreamInfo {
  return {
    messages: state.messages,
    bytes: state.bytes,
    firstSequence: state.messages === 0 ? state.last_seq + 1 : state.first_seq,
    lastSequence: state.last_seq,
  };
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

function explainAppendError(
  cause: unknown,
  subject: string,
  expectedLastSequence: number | undefined,
): Error {
  const failure = `Cannot append to "${subject}"`;
  const isRefused = isApiError(cause, JetStreamApiCodes.StreamWrongLastSequence) ||
    isApiError(cause, WRONG_LAST_SEQUENCE_CONSTANT);
  if (isRefused) {
    const message = `${failure} behind sequence ${expectedLastSequence}: ${cause.message}`;
    return new WrongLastSequenceError(message, { cause });
  }
  if (isNoResponders(cause)) return new Error(`${failure}: no stream captures it`, { cause });
  if (isPayloadTooLarge(cause)) return new RangeError(`${failure}: ${cause.message}`, { cause });
  return explain(cause, failure);
}

/** Whether a later try may fare better: a server restarts, or a cluster has no leader or too few members yet. */
function isUnavailable(error: unknown): boolean {
  if (error instanceof BrokenLinkError || isTimeout(error) || isNoResponders(error)) return true;
  return error instanceof JetStreamApiError &&
    (error.status === HTTP_UNAVAILABLE || error.code === NO_SUITABLE_PEERS);
}

function isApiError(error: unknown, code: number): error is JetStreamApiError {
  return error instanceof JetStreamApiError && error.code === code;
}

function explain(cause: unknown, failure: string): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Error(`${failure}: ${reason}`, { cause });
}
