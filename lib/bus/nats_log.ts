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
  type ApiError,
  type ConsumerConfig,
  DeliverPolicy,
  jetstream,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstreamManager,
  type StreamInfo as NatsStreamInfo,
} from "@nats-io/jetstream";
import { nanos, type NatsConnection } from "@nats-io/nats-core";
import { delay, systemClock } from "../clock.ts";
import {
  type AppendOptions,
  type Log,
  type LogEntry,
  type StreamConfig,
  type StreamInfo,
  UnavailableError,
} from "./log.ts";
import {
  explain,
  explainAppend,
  isNoRoom,
  isStreamMissing,
  isUnavailable,
} from "./nats_log_errors.ts";
import { decodeHeaders, encodeHeaders } from "./nats_headers.ts";
import type { NatsLink } from "./nats_link.ts";
import { pullEntries, type PullOptions } from "./nats_pull.ts";
import { sizesFrom, toStreamInfo, toStreamSettings } from "./nats_stream.ts";
import { checkCopiesVersion } from "./nats_version.ts";
import { isSubject } from "./subject.ts";

/** Appends are tried again, so that an answer lost with a stream's leader does not cost much. */
const APPEND_TIMEOUT_MS = 2_000;
/** How long to ask again where nobody can answer now, for a consumer, */
const PATIENCE_MS = 15_000;
const CONSUMER_PATIENCE_MS = 30_000;
/** and how often. */
const ASK_AGAIN_MS = 250;
/** What is asked for at a time: what is on its way is held in memory. */
const READ_BATCH_MAX = 1024;
const READ_BYTES_MAX = 16 * 1024 ** 2;
/**
 * Entries asked for at a time of which each is the last of its subject. Servers lose one
 * where the bytes of a pull are limited, so each may be as large as the bus carries.
 */
const LAST_BATCH_MAX = 32;
/** How long a follower waits for entries before it asks anew. */
const FOLLOW_WAIT_MS = 5_000;
const FOLLOW_RETRY_MS = 100;
/** How long the creation of a consumer may take at first, in later tries, and how it grows. */
const CONSUMER_TIMEOUT_MIN_MS = 500;
const CONSUMER_TIMEOUT_MAX_MS = 8_000;
const CONSUMER_TIMEOUT_GROWTH = 1.5;
/** The server deletes a consumer whose reader went away after this. */
const CONSUMER_INACTIVE_MS = 60_000;

/** What JetStream answers to who creates a consumer. */
interface NewConsumer {
  readonly name: string;
  /** Entries that it has yet to deliver. */
  readonly num_pending: number;
}

export class NatsLog implements Log {
  readonly #connection: NatsConnection;
  readonly #client: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #link: NatsLink;

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
    if (config.replicas > 1) {
      checkCopiesVersion(this.#connection.info?.version ?? "0.0.0", config.replicas);
    }
    return await this.#ask(`Cannot open stream "${name}"`, async () => {
      const known = await this.#find(name);
      const sizes = known ? [config.bytesMax, known.config.max_bytes] : sizesFrom(config.bytesMax);
      const replicas = Math.max(config.replicas, known?.config.num_replicas ?? 1);
      const settings = { config: { ...config, replicas }, isKnown: known !== undefined };
      return toStreamInfo(await this.#openWithin(sizes, settings));
    });
  }

  /** Opens the stream with the first of these sizes that its server has room for. */
  async #openWithin(
    [bytesMax, ...smaller]: readonly number[],
    { config, isKnown }: { config: StreamConfig; isKnown: boolean },
  ): Promise<NatsStreamInfo> {
    const { name } = config;
    const settings = toStreamSettings({ ...config, bytesMax });
    try {
      return isKnown
        ? await this.#manager.streams.update(name, settings)
        : await this.#manager.streams.add({ name, ...settings });
    } catch (error) {
      if (smaller.length === 0 || !isNoRoom(error)) throw error;
      return await this.#openWithin(smaller, { config, isKnown });
    }
  }

  async append(subject: string, data: Uint8Array, options: AppendOptions = {}): Promise<number> {
    const { headers, expectedLastSequence, id } = options;
    const failure = `Cannot append to "${subject}"`;
    const publish = () =>
      this.#client.publish(subject, data, {
        retries: 0,
        ...(headers === undefined ? {} : { headers: encodeHeaders(headers) }),
        ...(id === undefined ? {} : { msgID: id }),
        ...(expectedLastSequence === undefined
          ? {}
          : { expect: { lastSubjectSequence: expectedLastSequence } }),
      });
    try {
      const { seq } = await this.#link.during(failure, publish);
      return seq;
    } catch (cause) {
      throw explainAppend(cause, { failure, expectedLastSequence, timeoutMs: APPEND_TIMEOUT_MS });
    }
  }

  async last(stream: string, subject: string): Promise<LogEntry | undefined> {
    const failure = `Cannot read the last of "${subject}" in stream "${stream}"`;
    const stored = await this.#ask(
      failure,
      () => this.#manager.streams.getMessage(stream, { last_by_subj: subject }),
    );
    if (stored === null) return undefined;
    const { seq: sequence, data, header } = stored;
    return { sequence, subject: stored.subject, data, headers: decodeHeaders(header) };
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

  async *lastPerSubject(stream: string, filter: string): AsyncIterable<LogEntry> {
    // Up to nats-server 2.9.10 a consumer of one subject does not find its newest entry
    // once a purge has taken the file that the subject began in.
    if (isSubject(filter)) {
      const entry = await this.last(stream, filter);
      if (entry !== undefined) yield entry;
      return;
    }
    yield* this.#consume(stream, {
      deliver_policy: DeliverPolicy.LastPerSubject,
      filter_subject: filter,
    });
  }

  async subjects(stream: string, filter: string): Promise<string[]> {
    try {
      const { state } = await this.#manager.streams.info(stream, { subjects_filter: filter });
      return Object.keys(state.subjects ?? {});
    } catch (cause) {
      throw explain(cause, `Cannot inspect stream "${stream}"`);
    }
  }

  async purge(
    stream: string,
    options: { filter?: string; before?: number } = {},
  ): Promise<void> {
    const { filter = ">", before } = options;
    if (before !== undefined && before <= 1) return;
    const range = before === undefined ? { filter } : { filter, seq: before };
    await this.#ask(
      `Cannot purge stream "${stream}"`,
      () => this.#manager.streams.purge(stream, range),
    );
  }

  info(stream: string): Promise<StreamInfo> {
    return this.#inspect(stream, `Cannot inspect stream "${stream}"`);
  }

  async #find(stream: string): Promise<NatsStreamInfo | undefined> {
    try {
      return await this.#manager.streams.info(stream);
    } catch (error) {
      if (isStreamMissing(error)) return undefined;
      throw error;
    }
  }

  async *follow(
    stream: string,
    { from, signal }: { from: number; signal: AbortSignal },
  ): AsyncIterable<LogEntry> {
    let next = Math.max(1, from);
    while (!signal.aborted) {
      try {
        for await (const entry of this.#followOnce(stream, { from: next, signal })) {
          next = entry.sequence + 1;
          yield entry;
        }
      } catch (cause) {
        const reason = cause instanceof Error ? cause.cause : undefined;
        if (isStreamMissing(reason)) throw cause;
        await delay(systemClock, FOLLOW_RETRY_MS, signal);
      }
    }
  }

  /** Follows through one consumer, which is gone when its server has been. */
  async *#followOnce(
    stream: string,
    { from, signal }: { from: number; signal: AbortSignal },
  ): AsyncIterable<LogEntry> {
    const { name } = await this.#addConsumer(stream, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: from,
    });
    const pull = { ...this.#pull(stream, name), signal, waitMs: FOLLOW_WAIT_MS };
    const limits = this.#limits();
    try {
      while (!signal.aborted) {
        yield* pullEntries({ ...pull, ...limits });
      }
    } finally {
      // Who stops to follow is in a hurry.
      void this.#deleteConsumer(stream, name);
    }
  }

  async *#consume(stream: string, config: Partial<ConsumerConfig>): AsyncIterable<LogEntry> {
    const { lastSequence } = await this.#inspect(stream, `Cannot read stream "${stream}"`);
    const { name, num_pending } = await this.#addConsumer(stream, config);
    const pull = this.#pull(stream, name);
    const isLast = config.deliver_policy === DeliverPolicy.LastPerSubject;
    const limits = isLast ? { batch: LAST_BATCH_MAX } : this.#limits();
    try {
      for (let remaining = num_pending; remaining > 0;) {
        const batch = Math.min(remaining, limits.batch);
        let count = 0;
        for await (const entry of pullEntries({ ...pull, ...limits, batch })) {
          if (entry.sequence > lastSequence) return;
          count++;
          yield entry;
        }
        // What has been deleted meanwhile does not come.
        if (count === 0) return;
        remaining -= count;
      }
    } finally {
      await this.#deleteConsumer(stream, name);
    }
  }

  #pull(stream: string, consumer: string): Omit<PullOptions, "batch"> {
    return { connection: this.#connection, link: this.#link, stream, consumer };
  }

  #limits(): Pick<PullOptions, "batch" | "bytesMax"> {
    const entryBytesMax = 2 * (this.#connection.info?.max_payload ?? 0);
    return { batch: READ_BATCH_MAX, bytesMax: Math.max(READ_BYTES_MAX, entryBytesMax) };
  }

  async #inspect(stream: string, failure: string): Promise<StreamInfo> {
    return toStreamInfo(await this.#ask(failure, () => this.#manager.streams.info(stream)));
  }

  /**
   * A cluster may place the consumer on a member that has died, for a minute and more, and
   * nobody answers then: with one of three dead, to every third try. Another may be placed
   * better, so there are many, and the first ones do not wait long.
   */
  #addConsumer(stream: string, config: Partial<ConsumerConfig>): Promise<NewConsumer> {
    let timeoutMs = CONSUMER_TIMEOUT_MIN_MS / CONSUMER_TIMEOUT_GROWTH;
    return this.#ask(`Cannot read stream "${stream}"`, () => {
      timeoutMs = Math.min(CONSUMER_TIMEOUT_GROWTH * timeoutMs, CONSUMER_TIMEOUT_MAX_MS);
      return this.#createConsumer(stream, config, timeoutMs);
    }, CONSUMER_PATIENCE_MS);
  }

  async #createConsumer(
    stream: string,
    config: Partial<ConsumerConfig>,
    timeout: number,
  ): Promise<NewConsumer> {
    const request = {
      stream_name: stream,
      config: {
        ...config,
        ack_policy: AckPolicy.None,
        inactive_threshold: nanos(CONSUMER_INACTIVE_MS),
        mem_storage: true,
        num_replicas: 1,
      },
    };
    const subject = `$JS.API.CONSUMER.CREATE.${stream}`;
    const answer = await this.#connection.request(subject, JSON.stringify(request), { timeout });
    const { error, ...consumer } = answer.json<NewConsumer & { error?: ApiError }>();
    if (error !== undefined) throw new JetStreamApiError(error);
    return consumer;
  }

  /**
   * Asks, and asks again for a while where nobody can answer now, since the server
   * restarts or the cluster elects a leader.
   */
  async #ask<T>(
    failure: string,
    request: () => Promise<T>,
    patienceMs = PATIENCE_MS,
  ): Promise<T> {
    const giveUpAt = systemClock.now() + patienceMs;
    while (true) {
      try {
        return await this.#link.during(failure, request);
      } catch (cause) {
        const isFinal = this.#link.isClosed || systemClock.now() > giveUpAt ||
          !isUnavailable(cause);
        if (isFinal) throw cause instanceof UnavailableError ? cause : explain(cause, failure);
      }
      await delay(systemClock, ASK_AGAIN_MS);
    }
  }

  /** Where it cannot be deleted now, the server does so when it has been idle. */
  async #deleteConsumer(stream: string, name: string): Promise<void> {
    const failure = `Cannot delete consumer "${name}"`;
    await this.#link.during(failure, () => this.#manager.consumers.delete(stream, name))
      .catch(() => undefined);
  }
}
