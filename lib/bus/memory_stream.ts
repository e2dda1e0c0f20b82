/**
 * A stream of the in-memory log: what it holds, and what it lets go of.
 *
 * @module
 */
import { type LogEntry, type StreamConfig, StreamFullError, type StreamInfo } from "./log.ts";
import { matchesSubject } from "./subject.ts";

/** What each entry counts beyond its own bytes, as in nats-server's memory store. */
const ENTRY_OVERHEAD_BYTES = 16;
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
    this.#keep(entry);
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
    const kept = this.select(">", 1).filter(({ sequence }) => sequence <= after);
    this.#entries.clear();
    this.#bySubject.clear();
    this.#byId.clear();
    this.#bytes = 0;
    for (const entry of kept) this.#keep(entry);
    this.#lastSequence = Math.min(this.#lastSequence, after);
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

  #keep(entry: LogEntry): void {
    const { sequence, subject } = entry;
    this.#entries.set(sequence, entry);
    this.#bytes += sizeBytes(entry);
    const sequences = this.#bySubject.get(subject);
    if (sequences === undefined) this.#bySubject.set(subject, [sequence]);
    else sequences.push(sequence);
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
