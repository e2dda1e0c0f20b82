/**
 * The in-memory {@linkcode Log}: streams that capture what is published on a
 * {@linkcode MemoryNetwork}. They live as long as the network does.
 *
 * @module
 */
import { type Message, RequestTimeoutError } from "./bus.ts";
import {
  type AppendOptions,
  type Log,
  type LogEntry,
  type StreamConfig,
  type StreamInfo,
  StreamNotFoundError,
  WrongLastSequenceError,
} from "./log.ts";
import { type MemoryLink, SERVER } from "./memory_link.ts";
import { MemoryStream } from "./memory_stream.ts";

/** How long the answer to a request may take. */
const ANSWER_TIMEOUT_MS = 10_000;

/** Told of each entry that a stream has stored. */
export type StoredHandler = (stream: string, entry: LogEntry) => void;

/** Every stream of a network. */
export class MemoryStore {
  readonly #streams = new Map<string, MemoryStream>();
  readonly #onStored: StoredHandler | undefined;

  constructor(onStored?: StoredHandler) {
    this.#onStored = onStored;
  }

  open(config: StreamConfig): StreamInfo {
    const { name } = config;
    const stream = this.#streams.get(name) ??
      new MemoryStream(config, (entry) => this.#onStored?.(name, entry));
    stream.update(config);
    this.#streams.set(config.name, stream);
    return stream.info();
  }

  /** Empties the streams whose storage is memory. */
  forgetMemory(): void {
    for (const stream of this.#streams.values()) {
      if (stream.storage === "memory") stream.purge(Infinity, undefined);
    }
  }

  /** The stream that captures `subject`, if any does. */
  find(subject: string): MemoryStream | undefined {
    for (const stream of this.#streams.values()) {
      if (stream.captures(subject)) return stream;
    }
    return undefined;
  }

  /** @throws {StreamNotFoundError} when there is no such stream. */
  get(name: string, action: string): MemoryStream {
    const stream = this.#streams.get(name);
    if (stream === undefined) {
      throw new StreamNotFoundError(`Cannot ${action} stream "${name}": stream not found`);
    }
    return stream;
  }
}

/** What a log needs of the client and the network that it belongs to. */
export interface LogHub {
  readonly store: MemoryStore;
  readonly link: MemoryLink;
  /** What a request looks like on its way. */
  readonly request: Message;
  /** Refuses what cannot be published. */
  check(subject: string, data: Uint8Array): void;
  /** Sends the message to its subscribers, but not into a stream. */
  route(message: Message): void;
  /** Takes the message to the streams, where `store` stores it. */
  capture(message: Message, store: () => void): void;
}

/** The in-memory {@linkcode Log}. Each operation is a request to the network and its answer. */
export class MemoryLog implements Log {
  readonly #hub: LogHub;

  constructor(hub: LogHub) {
    this.#hub = hub;
  }

  open(config: StreamConfig): Promise<StreamInfo> {
    return this.#ask(() => this.#hub.store.open(config));
  }

  async append(subject: string, data: Uint8Array, options: AppendOptions = {}): Promise<number> {
    this.#hub.check(subject, data);
    return await this.#append({ subject, data, headers: options.headers ?? {} }, options);
  }

  last(stream: string, subject: string): Promise<LogEntry | undefined> {
    return this.#ask(() => this.#hub.store.get(stream, "read").selectLast(subject)[0]);
  }

  async *read(
    stream: string,
    options: { filter?: string; from?: number } = {},
  ): AsyncIterable<LogEntry> {
    const { filter = ">", from = 1 } = options;
    yield* await this.#ask(() => this.#hub.store.get(stream, "read").select(filter, from));
  }

  async *follow(
    name: string,
    { from, signal }: { from: number; signal: AbortSignal },
  ): AsyncIterable<LogEntry> {
    const stream = await this.#ask(() => this.#hub.store.get(name, "follow"));
    for (let next = from; !signal.aborted;) {
      const entries = await this.#ask(() => stream.select(">", next));
      for (const entry of entries) {
        if (signal.aborted) return;
        next = entry.sequence + 1;
        yield entry;
      }
      await stream.reaches(next, signal);
    }
  }

  async *lastPerSubject(stream: string, filter: string): AsyncIterable<LogEntry> {
    yield* await this.#ask(() => this.#hub.store.get(stream, "read").selectLast(filter));
  }

  subjects(stream: string, filter: string): Promise<string[]> {
    return this.#ask(() => this.#hub.store.get(stream, "inspect").subjects(filter));
  }

  purge(stream: string, options: { filter?: string; before?: number } = {}): Promise<void> {
    const { filter, before = Infinity } = options;
    return this.#ask(() => this.#hub.store.get(stream, "purge").purge(before, filter));
  }

  info(stream: string): Promise<StreamInfo> {
    return this.#ask(() => this.#hub.store.get(stream, "inspect").info());
  }

  #append(
    { subject, data, headers }: Pick<Message, "subject" | "data" | "headers">,
    options: AppendOptions,
  ): Promise<number> {
    const { link, route, capture } = this.#hub;
    const message = { subject, data, headers, reply: undefined, noResponders: false };
    return this.#exchange((answer) => {
      link.send(message, () => {
        route(message);
        capture(message, () => answer(() => this.#store(message, options)));
      });
    });
  }

  #store(message: Message, { expectedLastSequence, id }: AppendOptions): number {
    const { subject } = message;
    const stream = this.#hub.store.find(subject);
    if (stream === undefined) {
      throw new Error(`Cannot append to "${subject}": no stream captures it`);
    }
    const stored = id === undefined ? undefined : stream.sequenceOfId(id);
    if (stored !== undefined) return stored;
    const last = stream.lastSequenceOf(subject);
    if (expectedLastSequence !== undefined && expectedLastSequence !== last) {
      throw new WrongLastSequenceError(
        `Cannot append to "${subject}" behind sequence ${expectedLastSequence}: its last is ${last}`,
      );
    }
    const sequence = stream.append(message);
    if (id !== undefined) stream.remember(id);
    return sequence;
  }

  #ask<T>(compute: () => T): Promise<T> {
    const { link, request } = this.#hub;
    return this.#exchange((answer) => link.send(request, () => answer(compute)));
  }

  /** `send` calls `answer` at the server; what that computes is then on its way back. */
  #exchange<T>(send: (answer: (compute: () => T) => void) => void): Promise<T> {
    const { link, request } = this.#hub;
    return new Promise((resolve, reject) => {
      if (link.isKilled) return;
      const timer = link.after(
        ANSWER_TIMEOUT_MS,
        () => reject(new RequestTimeoutError(`No answer in ${ANSWER_TIMEOUT_MS} ms`)),
      );
      send((compute) => {
        const settle = settler(compute, { resolve, reject });
        link.deliver(request, SERVER, () => {
          timer.cancel();
          settle();
        });
      });
    });
  }
}

/** Computes now, and tells the outcome later. */
function settler<T>(
  compute: () => T,
  { resolve, reject }: { resolve: (value: T) => void; reject: (error: unknown) => void },
): () => void {
  try {
    const value = compute();
    return () => resolve(value);
  } catch (error) {
    return () => reject(error);
  }
}
