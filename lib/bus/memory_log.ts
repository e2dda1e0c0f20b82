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
  StreamFullError,
  type StreamInfo,
  StreamNotFoundError,
  WrongLastSequenceError,
} from "./log.ts";
import { type MemoryLink, SERVER } from "./memory_link.ts";
import { matchesSubject } from "./subject.ts";

/** What each entry counts beyond its own bytes, as in nats-server's memory store. */
const ENTRY_OVERHEAD_BYTES = 16;
/** How long the answer to a request may take. */
const ANSWER_TIMEOUT_MS = 10_000;
const IDS_REMEMBERED_MAX = 1024;

/** One stream: its entries by sequence, oldest first. */
export class MemoryStream {
  #config: StreamConfig;
  readonly #onStored: (entry: LogEntry) => void;
  readonly #entries = new Map<number, LogEntry>();
  /** Sequences of each subject's entries, ascending. */
  readonly #bySubject = new Map<string, number[]>();
  /** Sequences of the messages that were appended with an id, oldest first. */
  readonly #byId = new Map<string, number>();
  /** Called when there is a new entry. */
  readonly #waiting = new Set<() => void>();
  #bytes = 0;
  #lastSequence = 0;

  constructor(config: StreamConfig, onStored: (entry: LogEntry) => void) {
    this.#config = config;
    this.#onStored = onStored;
  }

  get name(): string {
    return this.#config.name;
  }

  get storage(): StreamConfig["storage"] {
    return this.#config.storage;
  }

  captures(subject: string): boolean {
    return this.#config.subjects.some((pattern) => matchesSubject(pattern, subject));
  }

  /** @throws {Error} when the new configuration would move the stream to another storage. */
  update(config: StreamConfig): void {
    if (config.storage !== this.#config.storage) {
      throw new Error(`Cannot open stream "${config.name}": its storage cannot change`);
    }
    this.#config = config;
    for (const subject of [...this.#bySubject.keys()]) this.#enforceSubjectLimit(subject);
    this.#enforceBytesLimit();
  }

  /** @throws {StreamFullError} when the stream is full and discards what is new. */
  append(message: Pick<LogEntry, "subject" | "data" | "headers">): number {
    const { subject, data, headers } = message;
    if (
      this.#config.discard === "new" && this.#bytes + sizeBytes(message) > this.#config.bytesMax
    ) {
      throw new StreamFullError(`Cannot append to "${subject}": maximum bytes exceeded`);
    }
    const sequence = ++this.#lastSequence;
    const entry = { sequence, subject, data, headers };
    this.#entries.set(sequence, entry);
    this.#bytes += sizeBytes(message);
    const sequences = this.#bySubject.get(subject);
    if (sequences === undefined) this.#bySubject.set(subject, [sequence]);
    else sequences.push(sequence);
    this.#enforceSubjectLimit(subject);
    this.#enforceBytesLimit();
    this.#onStored(entry);
    for (const wake of this.#waiting) wake();
    return sequence;
  }

  /** Remembers that the newest entry was appended with an id. */
  remember(id: string): void {
    this.#byId.set(id, this.#lastSequence);
    if (this.#byId.size <= IDS_REMEMBERED_MAX) return;
    for (const oldest of this.#byId.keys()) {
      this.#byId.delete(oldest);
      break;
    }
  }

  /** Sequence of the entry that was appended with the id, if that was of late. */
  sequenceOfId(id: string): number | undefined {
    return this.#byId.get(id);
  }

  /** Sequence of the subject's newest entry; 0 when it has none. */
  lastSequenceOf(subject: string): number {
    return this.#bySubject.get(subject)?.at(-1) ?? 0;
  }

  select(filter: string, from: number): LogEntry[] {
    const selected: LogEntry[] = [];
    const { firstSequence } = this.info();
    for (let at = Math.max(from, firstSequence); at <= this.#lastSequence; at++) {
      const entry = this.#entries.get(at);
      if (entry && matchesSubject(filter, entry.subject)) selected.push(entry);
    }
    return selected;
  }

  /** Resolves when there is an entry of this sequence or a later one, or `signal` is aborted. */
  async reaches(sequence: number, signal: AbortSignal): Promise<void> {
    while (this.#lastSequence < sequence && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = () => resolve();
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake);
      await promise;
      signal.removeEventListener("abort", wake);
      this.#waiting.delete(wake);
    }
  }

  selectLast(filter: string): LogEntry[] {
    const selected: LogEntry[] = [];
    for (const [subject, sequences] of this.#bySubject) {
      const entry = this.#entries.get(sequences.at(-1) ?? 0);
      if (entry !== undefined && matchesSubject(filter, subject)) selected.push(entry);
    }
    return selected.sort((a, b) => a.sequence - b.sequence);
  }

  subjects(filter: string): string[] {
    return [...this.#bySubject.keys()].filter((subject) => matchesSubject(filter, subject));
  }

  purge(before: number, filter: string | undefined): void {
    for (const { sequence, subject } of this.#entries.values()) {
      if (sequence >= before) break;
      if (filter === undefined || matchesSubject(filter, subject)) this.#delete(sequence);
    }
    if (filter !== undefined) return;
    this.#lastSequence = Math.max(this.#lastSequence, Number.isFinite(before) ? before - 1 : 0);
  }

  /** Loses what came after a sequence, as a server does whose power goes. */
  cut(after: number): void {
    for (let sequence = this.#lastSequence; sequence > after; sequence--) {
      const entry = this.#entries.get(sequence);
      if (entry === undefined) continue;
      this.#entries.delete(sequence);
      this.#bytes -= sizeBytes(entry);
      const sequences = this.#bySubject.get(entry.subject);
      sequences?.pop();
      if (sequences?.length === 0) this.#bySubject.delete(entry.subject);
    }
    this.#lastSequence = Math.min(this.#lastSequence, after);
    this.#byId.clear();
  }

  info(): StreamInfo {
    const [firstSequence = this.#lastSequence + 1] = this.#entries.keys();
    return {
      messages: this.#entries.size,
      bytes: this.#bytes,
      bytesMax: this.#config.bytesMax,
      firstSequence,
      lastSequence: this.#lastSequence,
    };
  }

  #enforceSubjectLimit(subject: string): void {
    const limit = this.#config.messagesPerSubjectMax ?? Infinity;
    const sequences = this.#bySubject.get(subject) ?? [];
    for (const sequence of sequences.slice(0, Math.max(0, sequences.length - limit))) {
      this.#delete(sequence);
    }
  }

  #enforceBytesLimit(): void {
    for (const sequence of this.#entries.keys()) {
      if (this.#bytes <= this.#config.bytesMax) return;
      this.#delete(sequence);
    }
  }

  /** Deletes an entry that is the oldest of its subject. */
  #delete(sequence: number): void {
    const entry = this.#entries.get(sequence);
    if (entry === undefined) return;
    this.#entries.delete(sequence);
    this.#bytes -= sizeBytes(entry);
    const sequences = this.#bySubject.get(entry.subject);
    sequences?.shift();
    if (sequences?.length === 0) this.#bySubject.delete(entry.subject);
  }
}

function sizeBytes({ subject, data, headers }: Pick<LogEntry, "subject" | "data" | "headers">) {
  let bytes = ENTRY_OVERHEAD_BYTES + subject.length + data.length;
  for (const [key, value] of Object.entries(headers)) bytes += key.length + value.length + 4;
  return bytes;
}

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
