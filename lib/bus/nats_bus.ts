/**
 * The {@linkcode Bus} over a NATS server.
 *
 * @module
 */
import {
  createInbox,
  type Msg,
  type NatsConnection,
  type Subscription as NatsSubscription,
} from "@nats-io/nats-core";
import { type Clock, delay, systemClock } from "../clock.ts";
import {
  type Bus,
  type BusStatus,
  type Headers,
  type Message,
  type MessageHandler,
  type PublishOptions,
  type RequestOptions,
  RequestTimeoutError,
  type SubscribeOptions,
  type Subscription,
} from "./bus.ts";
import { Backlog } from "./backlog.ts";
import { LimitedSubscription } from "./limited_subscription.ts";
import { type Log, UnavailableError } from "./log.ts";
import { natsAccess, type NatsSecrets } from "./nats_access.ts";
import { dial, explainRefusal } from "./nats_dial.ts";
import { explainRequestError, isPayloadTooLarge, isRefusal } from "./nats_errors.ts";
import { decodeHeaders, encodeHeaders } from "./nats_headers.ts";
import { NatsLink } from "./nats_link.ts";
import { NatsLog } from "./nats_log.ts";
import { checkPattern, checkSubject, isSubject } from "./subject.ts";

export interface NatsOptions {
  /** One URL, or several separated by commas: the members of one cluster. */
  servers: string;
  /** Who to be, and whom to trust; nobody, and whom the machine trusts, by default. */
  secrets?: NatsSecrets;
  /** How the server's own monitoring shows this client. */
  name: string;
  /** Told what handlers throw and what the server complains of; then `subject` is "". */
  onError: (error: Error, subject: string) => void;
  clock?: Clock;
}

/** What may wait for the server to read it before messages are dropped. */
const BACKLOG_BYTES_MAX = 512 * 1024 * 1024;
/** How long `close` waits for messages on their way before it hangs up. */
const CLOSE_TIMEOUT_MS = 3_000;

const NO_RESPONDERS_CODE = 503;

/**
 * Connects a client, which reconnects by itself for as long as it is open.
 * @throws {NoServerError} when no server answers.
 * @throws {UserError} when it lets nobody like this in, or is too old or without JetStream.
 */
export async function connectNats(options: NatsOptions): Promise<{ bus: Bus; log: Log }> {
  const access = natsAccess(options.servers, options.secrets);
  const connection = await dial(access, options.name);
  const link = new NatsLink(connection, {
    onError: (error) =>
      options.onError(isRefusal(error) ? explainRefusal(error, access) : error, ""),
  });
  const bus = new NatsBus(connection, link, options);
  return { bus, log: await NatsLog.create(connection, link) };
}

/** A received message. Most are judged by a part of theirs, so the rest is decoded on first use. */
class NatsMessage implements Message {
  readonly subject: string;
  readonly #msg: Msg;
  #headers: Headers | undefined;

  constructor(msg: Msg) {
    this.#msg = msg;
    this.subject = msg.subject;
  }

  get data(): Uint8Array {
    const { buffer, byteOffset, byteLength } = this.#msg.data;
    return new Uint8Array(buffer, byteOffset, byteLength);
  }

  get headers(): Headers {
    this.#headers ??= decodeHeaders(this.#msg.headers);
    return this.#headers;
  }

  get reply(): string | undefined {
    const { reply } = this.#msg;
    return reply && isSubject(reply) ? reply : undefined;
  }

  get noResponders(): boolean {
    return this.#msg.data.length === 0 && this.#msg.headers?.code === NO_RESPONDERS_CODE;
  }
}

class NatsBus implements Bus {
  readonly #connection: NatsConnection;
  readonly #onError: NatsOptions["onError"];
  readonly #clock: Clock;
  readonly #link: NatsLink;
  readonly #backlog: Backlog;
  readonly #limited = new Set<LimitedSubscription>();
  #isDropping = false;
  #closing: Promise<void> | undefined;

  constructor(connection: NatsConnection, link: NatsLink, options: NatsOptions) {
    const { onError, clock = systemClock } = options;
    this.#connection = connection;
    this.#link = link;
    this.#onError = onError;
    this.#clock = clock;
    this.#backlog = new Backlog({
      bytesMax: BACKLOG_BYTES_MAX,
      flush: () => connection.flush(),
    });
    link.onStatus((status) => this.#renewLimited(status));
  }

  get payloadBytesMax(): number {
    return this.#connection.info?.max_payload ?? 0;
  }

  publish(subject: string, data: Uint8Array, options: PublishOptions = {}): void {
    checkSubject(subject);
    if (!this.#hasRoomFor(subject, data)) return;
    const { headers, reply } = options;
    try {
      this.#connection.publish(subject, data, {
        ...(headers === undefined ? {} : { headers: encodeHeaders(headers) }),
        ...(reply === undefined ? {} : { reply }),
      });
    } catch (error) {
      throw explainPublishError(error, { subject, data, payloadBytesMax: this.payloadBytesMax });
    }
    this.#backlog.add(data.length);
  }

  subscribe(
    subject: string,
    handler: MessageHandler,
    options: SubscribeOptions = {},
  ): Subscription {
    checkPattern(subject);
    const { queue, max } = options;
    if (max !== undefined) return this.#subscribeLimited(subject, handler, { queue, max });
    const subscription = this.#connection.subscribe(subject, {
      ...(queue !== undefined && { queue }),
      callback: (error, msg) => this.#handle(error, { msg, handler, subject }),
    });
    return {
      unsubscribe: () => subscription.unsubscribe(),
      drain: () => drainSubscription(subscription),
    };
  }

  async request(subject: string, data: Uint8Array, options: RequestOptions): Promise<Message> {
    checkSubject(subject);
    const { timeoutMs, headers } = options;
    try {
      const answer = await this.#link.during(
        `No answer to a request to "${subject}"`,
        () =>
          this.#connection.request(subject, data, {
            timeout: timeoutMs,
            ...(headers === undefined ? {} : { headers: encodeHeaders(headers) }),
          }),
      );
      return new NatsMessage(answer);
    } catch (error) {
      if (error instanceof UnavailableError) {
        throw new RequestTimeoutError(error.message, { cause: error });
      }
      throw explainPublishError(explainRequestError(error, { subject, timeoutMs }), {
        subject,
        data,
        payloadBytesMax: this.payloadBytesMax,
      });
    }
  }

  createInbox(): string {
    return createInbox();
  }

  flush(): Promise<void> {
    return this.#connection.flush();
  }

  onStatus(handler: (status: BusStatus) => void): void {
    this.#link.onStatus(handler);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #handle(
    error: Error | null,
    { msg, handler, subject }: { msg: Msg; handler: MessageHandler; subject: string },
  ): void {
    if (error !== null) return this.#onError(error, subject);
    try {
      handler(new NatsMessage(msg));
    } catch (thrown) {
      this.#onError(thrown instanceof Error ? thrown : new Error(String(thrown)), msg.subject);
    }
  }

  async #close(): Promise<void> {
    if (this.#connection.isClosed()) return;
    if (this.#link.isUp) await this.#drainWithin(CLOSE_TIMEOUT_MS);
    await this.#connection.close();
  }

  async #drainWithin(timeoutMs: number): Promise<void> {
    const waiting = new AbortController();
    const drained = this.#connection.drain().catch((error) => this.#onError(error, ""));
    await Promise.race([drained, delay(this.#clock, timeoutMs, waiting.signal)]);
    waiting.abort();
  }

  #subscribeLimited(
    subject: string,
    handler: MessageHandler,
    { queue, max }: { queue: string | undefined; max: number },
  ): Subscription {
    const subscription = new LimitedSubscription({
      max,
      open: (max, onMessage) =>
        this.#connection.subscribe(subject, {
          ...(queue !== undefined && { queue }),
          max,
          callback: (error, msg) => {
            if (error === null) onMessage();
            this.#handle(error, { msg, handler, subject });
          },
        }),
      onEnd: (ended) => this.#limited.delete(ended),
    });
    this.#limited.add(subscription);
    if (this.#link.isUp) subscription.begin();
    return subscription;
  }

  #renewLimited(status: BusStatus): void {
    for (const subscription of this.#limited) {
      if (status === "disconnected") subscription.suspend();
      else if (status === "reconnected") subscription.begin();
    }
  }

  /** False when the message has to be dropped, since the server does not read. */
  #hasRoomFor(subject: string, data: Uint8Array): boolean {
    const hasRoom = this.#backlog.hasRoomFor(data.length);
    if (!hasRoom && !this.#isDropping) {
      const waiting = `the server has not read the last ${this.#backlog.bytes} bytes`;
      this.#onError(new Error(`Dropping messages: ${waiting}`), subject);
    }
    this.#isDropping = !hasRoom;
    return hasRoom;
  }
}

/** Unlike the client's own, draining what has ended already is no error. */
async function drainSubscription(subscription: NatsSubscription): Promise<void> {
  if (subscription.isClosed()) return;
  await subscription.drain();
}

function explainPublishError(
  error: unknown,
  { subject, data, payloadBytesMax }: {
    subject: string;
    data: Uint8Array;
    payloadBytesMax: number;
  },
): unknown {
  if (!isPayloadTooLarge(error)) return error;
  return new RangeError(
    `Cannot publish to "${subject}": ${data.length} bytes and headers are more than the bus's ` +
      `${payloadBytesMax}`,
    { cause: error },
  );
}
