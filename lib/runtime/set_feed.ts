/**
 * The broadcast sets that an instance's schedules name: taken as they are
 * published, and read from the stream of sets where that was before our time.
 *
 * @module
 */
import type { Bus, Message } from "../bus/bus.ts";
import type { Log } from "../bus/log.ts";
import { type Clock, delay } from "../clock.ts";
import { errorMessage } from "../error_message.ts";
import type { Manifests, SystemManifest } from "../manifest/manifest.ts";
import type { Report } from "../report.ts";
import { decodeMessage } from "../wire/codec.ts";
import type { MessageOf } from "../wire/messages.ts";
import type { Subjects } from "../wire/subjects.ts";
import { WireError } from "../wire/wire_error.ts";
import { Broadcasts } from "./broadcasts.ts";
import type { BroadcastSet } from "./rows.ts";

export interface SetFeedOptions {
  readonly bus: Bus;
  readonly log: Log;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly manifests: Manifests;
  readonly manifest: SystemManifest;
  readonly report: Report;
  /** Aborted when nothing is waited for any more. */
  readonly signal: AbortSignal;
  onRefused(message: Message, error: unknown): void;
}

/** How soon to look for a set again; twice as long each time, */
const RETRY_MS = 5;
/** up to this. */
const RETRY_MAX_MS = 160;

export class SetFeed {
  readonly #options: SetFeedOptions;
  readonly #broadcasts: Broadcasts;
  /** The reading of the stream that is under way, if one is. */
  #replay: Promise<void> | undefined;

  constructor(options: SetFeedOptions) {
    this.#options = options;
    this.#broadcasts = new Broadcasts(options.manifests.schema, options.manifest);
  }

  /** Listens, and reads what is there, so that the first schedules need not wait for it. */
  async open(): Promise<void> {
    const { bus, subjects, manifest, report } = this.#options;
    if (manifest.broadcast.size === 0) return;
    bus.subscribe(subjects.componentSet(manifest.name), (message) => this.#receive(message));
    try {
      await bus.flush();
      await this.#read();
    } catch (error) {
      const reason = errorMessage(error);
      report.warn(`cannot read the broadcast sets yet: ${reason}`);
    }
  }

  /**
   * The sets in the versions that a schedule names.
   * @throws {RangeError} when one is not to be found within the system's deadline.
   */
  async of({ sets, epoch }: MessageOf<"SystemSchedule">): Promise<Record<string, BroadcastSet>> {
    const { clock, manifest } = this.#options;
    const deadline = clock.now() + manifest.deadlineMs;
    const result: Record<string, BroadcastSet> = {};
    for (const name of manifest.broadcast.keys()) {
      const version = sets[name];
      if (version === undefined) {
        throw new TypeError(`Cannot run: broadcast "${name}" has no version`);
      }
      result[name] = this.#broadcasts.get(name, { epoch, version }) ??
        await this.#find(name, { epoch, version, deadline });
    }
    return result;
  }

  async #find(
    name: string,
    { epoch, version, deadline }: { epoch: number; version: number; deadline: number },
  ): Promise<BroadcastSet> {
    const { clock, signal } = this.#options;
    for (let retryMs = RETRY_MS;; retryMs = Math.min(2 * retryMs, RETRY_MAX_MS)) {
      await this.#readOnce();
      const set = this.#broadcasts.get(name, { epoch, version });
      if (set !== undefined) return set;
      if (clock.now() > deadline || signal.aborted) {
        throw new RangeError(
          `Cannot run: broadcast "${name}" of tick ${version} is not in the log`,
        );
      }
      await delay(clock, retryMs, signal);
    }
  }

  /** However many schedules wait for it, the stream is read for all of them together. */
  #readOnce(): Promise<void> {
    this.#replay ??= this.#read().finally(() => this.#replay = undefined);
    return this.#replay;
  }

  async #read(): Promise<void> {
    const { log, subjects, manifest } = this.#options;
    const filter = subjects.componentSet(manifest.name);
    for await (const entry of log.lastPerSubject(subjects.streams.sets, filter)) {
      try {
        this.#broadcasts.receive(
          decodeMessage("ComponentSet", { ...entry, noResponders: false }),
        );
      } catch (error) {
        // It was refused when it was published, and may come up with every replay.
        if (!(error instanceof WireError)) throw error;
      }
    }
  }

  #receive(message: Message): void {
    try {
      this.#broadcasts.receive(decodeMessage("ComponentSet", message));
    } catch (error) {
      this.#options.onRefused(message, error);
    }
  }
}
