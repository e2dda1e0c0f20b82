/**
 * The bus: subjects, queue groups and requests, as NATS has them. Everything
 * above this file talks to {@linkcode Bus} and so runs alike over a NATS server
 * and in memory.
 *
 * @module
 */

/** Header fields of one message; a field has one value. */
export type Headers = Readonly<Record<string, string>>;

/** One received message. `data` is only borrowed: copy what must outlive the handler. */
export interface Message {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: Headers;
  /** Where an answer is expected, if anywhere; always a subject that can be published to. */
  readonly reply?: string | undefined;
  /**
   * True for the bus's own notice, sent to the reply subject of a message that
   * no subscriber was there to take.
   */
  readonly noResponders: boolean;
}

export interface PublishOptions {
  headers?: Headers;
  reply?: string;
}

export interface SubscribeOptions {
  /** Queue group: each message goes to one member of the group. */
  queue?: string;
  /** The subscription ends itself after this many messages. */
  max?: number;
}

export interface RequestOptions {
  timeoutMs: number;
  headers?: Headers;
}

export interface Subscription {
  /** Stops delivery at once; what was already sent to this client may be lost. */
  unsubscribe(): void;
  /** Stops new delivery, handles what is on its way, then resolves. */
  drain(): Promise<void>;
}

/** How the connection stands; `closed` is final. */
export type BusStatus = "connected" | "disconnected" | "reconnected" | "closed";

export type MessageHandler = (message: Message) => void;

/** One client's connection to the bus. */
export interface Bus {
  /** Largest payload that the bus carries, in bytes; over NATS its headers count too. */
  readonly payloadBytesMax: number;

  /**
   * Sends one message to every subscriber and one member of each queue group.
   * `data` is handed over, not copied: never write to it afterwards. While the
   * bus is disconnected, or far behind, messages may be lost.
   * @throws {RangeError} when `data` is larger than `payloadBytesMax`.
   * @throws {TypeError} when `subject` has an empty token, white space or a wildcard.
   */
  publish(subject: string, data: Uint8Array, options?: PublishOptions): void;

  /**
   * Calls `handler` for each message. `subject` may hold the wildcards `*` (one
   * token) and a final `>` (the rest). An exception in the handler is reported
   * to the bus's `onError`, never lost and never fatal.
   */
  subscribe(subject: string, handler: MessageHandler, options?: SubscribeOptions): Subscription;

  /**
   * Publishes and resolves with the first answer.
   * @throws {NoRespondersError} when nobody subscribes to `subject`.
   * @throws {RequestTimeoutError} when no answer came within `timeoutMs`, or before the
   * connection broke.
   */
  request(subject: string, data: Uint8Array, options: RequestOptions): Promise<Message>;

  /** A new subject that only this client listens to, for use as a reply subject. */
  createInbox(): string;

  /** Resolves when the bus has processed everything sent before; rejects when the connection breaks. */
  flush(): Promise<void>;

  /** Calls `handler` on every change of status until the bus is closed. */
  onStatus(handler: (status: BusStatus) => void): void;

  /** Drains every subscription, flushes and disconnects. Safe to call twice. */
  close(): Promise<void>;
}

/** A request found no subscriber. */
export class NoRespondersError extends Error {
  override readonly name = "NoRespondersError";
}

/** A request had no answer in time. */
export class RequestTimeoutError extends Error {
  override readonly name = "RequestTimeoutError";
}
