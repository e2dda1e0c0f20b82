/**
 * A bare client that looks on: it knows which ticks are stored in the log, each
 * exactly once and in order, and waits for the next one.
 *
 * @module
 */
import type { Bus } from "../lib/bus/bus.ts";
import type { Log } from "../lib/bus/log.ts";
import { connectNats } from "../lib/bus/nats_bus.ts";
import { type Clock, delay } from "../lib/clock.ts";
import type { Subjects } from "../lib/wire/subjects.ts";

export interface CommitWatchOptions {
  readonly servers: string;
  readonly clock: Clock;
  readonly subjects: Subjects;
}

/** How soon to look again where a commit was seen on its way but is not stored. */
const LOOK_AGAIN_MS = 10;

export class CommitWatch implements AsyncDisposable {
  readonly bus: Bus;
  readonly log: Log;
  readonly #options: CommitWatchOptions;
  readonly #waiting = new Set<() => void>();
  /** Newest tick whose commit was seen on its way to the log. */
  #published = 0;
  /** Newest tick that has been read from the log, after all before it. */
  #read = 0;
  #nextSequence = 1;

  private constructor({ bus, log }: { bus: Bus; log: Log }, options: CommitWatchOptions) {
    this.bus = bus;
    this.log = log;
    this.#options = options;
    bus.subscribe(options.subjects.commit, ({ headers }) => this.#see(Number(headers["tick-id"])));
  }

  static async open(options: CommitWatchOptions): Promise<CommitWatch> {
    const { servers } = options;
    const connection = await connectNats({ servers, name: "chaos", onError: () => {} });
    return new CommitWatch(connection, options);
  }

  /** Newest tick whose commit was seen, stored or not. */
  get published(): number {
    return this.#published;
  }

  /** Resolves when a tick after `tick` is stored, with the milliseconds that it took. */
  async next(tick: number, signal: AbortSignal): Promise<number> {
    const { clock } = this.#options;
    const startedAt = clock.now();
    while (!signal.aborted) {
      await this.#publishedAfter(tick, signal);
      const stored = await this.#newestStored().catch(() => 0);
      if (stored > tick) break;
      await delay(clock, LOOK_AGAIN_MS, signal);
    }
    signal.throwIfAborted();
    return clock.now() - startedAt;
  }

  /**
   * Reads the commits that were stored since the last call, and returns the newest tick.
   * @throws {Error} when a tick is missing, comes twice, or comes out of order.
   */
  async check(): Promise<number> {
    const { commit, streams } = this.#options.subjects;
    const options = { filter: commit, from: this.#nextSequence };
    for await (const { sequence, headers } of this.log.read(streams.components, options)) {
      this.#nextSequence = sequence + 1;
      if (headers["msg-type"] !== "TickCommit") continue;
      const tick = Number(headers["tick-id"]);
      if (tick !== this.#read + 1) {
        throw new Error(`The log has tick ${tick} behind ${this.#read}, at sequence ${sequence}`);
      }
      this.#read = tick;
    }
    return this.#read;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.bus.close();
  }

  #see(tick: number): void {
    if (!(tick > this.#published)) return;
    this.#published = tick;
    for (const look of [...this.#waiting]) look();
  }

  #publishedAfter(tick: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      if (this.#published <= tick && !signal.aborted) return;
      this.#waiting.delete(look);
      signal.removeEventListener("abort", look);
      resolve();
    };
    this.#waiting.add(look);
    signal.addEventListener("abort", look);
    look();
    return promise;
  }

  async #newestStored(): Promise<number> {
    const { commit, streams } = this.#options.subjects;
    const last = await this.log.last(streams.components, commit);
    return last?.headers["msg-type"] === "TickCommit" ? Number(last.headers["tick-id"]) : 0;
  }
}
