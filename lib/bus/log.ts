/**
 * The log: durable streams of what was published, as JetStream has them. A
 * stream captures every message on its subjects, whoever publishes it, in one
 * sequence.
 *
 * @module
 */
import type { Headers } from "./bus.ts";

export interface StreamConfig {
  readonly name: string;
  /** Subjects that the stream captures, wildcards allowed. */
  readonly subjects: readonly string[];
  readonly storage: "file" | "memory";
  /** How many bytes the stream may grow to; fewer where its server has not got the room. */
  readonly bytesMax: number;
  /** What goes when it is full: the oldest messages (the default), or the new one, which is refused. */
  readonly discard?: "old" | "new";
  /** The oldest messages of a subject go beyond this many; unlimited when absent. */
  readonly messagesPerSubjectMax?: number;
  /** Copies in a cluster, 1 to 5; a stream that has more keeps them. */
  readonly replicas: number;
}

export interface LogEntry {
  /** Position in the stream, from 1. */
  readonly sequence: number;
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: Headers;
}

export interface StreamInfo {
  readonly messages: number;
  /** What the messages take in the store, its own overhead included. */
  readonly bytes: number;
  /** What the stream may grow to. */
  readonly bytesMax: number;
  /** One past `lastSequence` while the stream is empty. */
  readonly firstSequence: number;
  readonly lastSequence: number;
}

export interface AppendOptions {
  headers?: Headers;
  /** Refuse unless the subject's last message has this sequence; 0: has none. */
  expectedLastSequence?: number;
  /**
   * Where a message of the same id was stored in the last seconds, resolve with that
   * one's sequence instead of storing another.
   */
  id?: string;
}

export interface Log {
  /**
   * Creates the stream, or updates the limits of the one that is there.
   * @throws {UserError} when its server is too old to be asked for several copies.
   */
  open(config: StreamConfig): Promise<StreamInfo>;

  /**
   * Publishes one message and resolves with its sequence once it is stored.
   * It is an ordinary publish too: subscribers get it even when the stream refuses it.
   * @throws {WrongLastSequenceError} when `expectedLastSequence` does not hold, or another
   * append with the same expectation is under way.
   * @throws {RangeError} when `data` is larger than the bus carries.
   * @throws {StreamFullError} when there is no room for it, in the stream or on its server.
   * @throws {UnavailableError} when there is no connection, or none any more: it may be stored or not.
   */
  append(subject: string, data: Uint8Array, options?: AppendOptions): Promise<number>;

  /** The subject's newest entry, if it has one, as whoever decides on appends sees it. */
  last(stream: string, subject: string): Promise<LogEntry | undefined>;

  /** The entries stored now on `filter`'s subjects, from sequence `from` (default: the first). */
  read(stream: string, options?: { filter?: string; from?: number }): AsyncIterable<LogEntry>;

  /**
   * The entries from sequence `from` on, and then each one as it is stored, until
   * `signal` is aborted. While the log cannot be reached, it waits, and goes on.
   */
  follow(
    stream: string,
    options: { from: number; signal: AbortSignal },
  ): AsyncIterable<LogEntry>;

  /**
   * The newest entry of each subject that matches `filter`, oldest first. A
   * subject that is written to meanwhile may be missing: subscribe before.
   */
  lastPerSubject(stream: string, filter: string): AsyncIterable<LogEntry>;

  /** The subjects that match `filter` and have entries, in no particular order. */
  subjects(stream: string, filter: string): Promise<string[]>;

  /** Deletes the entries on `filter`'s subjects (default: all) before sequence `before` (default: all). */
  purge(stream: string, options?: { filter?: string; before?: number }): Promise<void>;

  info(stream: string): Promise<StreamInfo>;
}

/** There is no stream of this name. */
export class StreamNotFoundError extends Error {
  override readonly name = "StreamNotFoundError";
}

/** There is no room for a message; it is not stored. */
export class StreamFullError extends Error {
  override readonly name = "StreamFullError";
}

/** The log cannot be reached; a message that was on its way may be stored or not. */
export class UnavailableError extends Error {
  override readonly name = "UnavailableError";
}

/** Somebody else appended to the subject first. */
export class WrongLastSequenceError extends Error {
  override readonly name = "WrongLastSequenceError";
}
