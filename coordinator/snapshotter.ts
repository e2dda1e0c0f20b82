/**
 * The snapshotter takes snapshots of the world while it ticks: automatic ones
 * every so often, others when asked. Only the copy is taken between two ticks;
 * it is stored behind the running ones, one snapshot at a time. Then the oldest
 * automatic ones go, and with them the log that only they would be gone on from,
 * so that what is stored stays bounded.
 *
 * @module
 */
import type { Log } from "../lib/bus/log.ts";
import type { Clock } from "../lib/clock.ts";
import { errorMessage } from "../lib/error_message.ts";
import type { Report } from "../lib/report.ts";
import {
  isResumable,
  type SnapshotInfo,
  type SnapshotKind,
  type SnapshotMeta,
} from "../lib/snapshot/snapshot_manifest.ts";
import type { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import type { WorldImage } from "../lib/snapshot/world_image.ts";
import type { EventData } from "../lib/wire/events.ts";
import { SerialQueue } from "../lib/wire/serial_queue.ts";
import { letGoBefore, LOG_SHARE_MAX } from "./rebase.ts";

export interface SnapshotPolicy {
  /** How often an automatic one is taken. */
  readonly every: { readonly ticks: number } | { readonly ms: number } | "never";
  /** How many of those are kept, the newest ones. */
  readonly kept: number;
}

/** The world as a snapshot keeps it. */
export interface Captured {
  readonly image: WorldImage;
  readonly meta: Omit<SnapshotMeta, "id" | "kind" | "createdAt" | "note">;
}

export interface SnapshotterOptions {
  readonly store: SnapshotStore;
  readonly log: Log;
  /** The stream of components, and how many bytes it takes. */
  readonly stream: { readonly name: string; readonly bytesMax: number };
  readonly clock: Clock;
  readonly policy: SnapshotPolicy;
  readonly report: Report;
  /** Milliseconds since 1970. */
  dateMs(): number;
  /** Calls `act` when the world is between two ticks. */
  betweenTicks(act: () => void): void;
  /** Copies the world, between two ticks. Takes an image that it returned before, to use it again. */
  capture(spare: WorldImage | undefined): Captured;
  /** Resolves when the ticks that have ended are stored. */
  settled(): Promise<void>;
  event<T extends "snapshot.saved" | "snapshot.failed">(topic: T, data: EventData<T>): void;
}

/** Requests that wait for the snapshot that is being stored. */
const WAITING_MAX = 16;
/** How often the log's size is looked at. */
const LOG_CHECK_MS = 1000;
/** How long an unfinished snapshot does not grow before it counts as left behind. */
const UNFINISHED_MS = 60_000;
/** Growth, as a share of the log's largest size, that is reason for a snapshot. */
const LOG_GROWTH_SHARE_MAX = 0.125;

export class Snapshotter {
  readonly #options: SnapshotterOptions;
  readonly #queue = new SerialQueue({
    lengthMax: WAITING_MAX,
    busy: "Cannot take the request: too many snapshots wait; try again later",
  });
  /** When the newest automatic one was taken, or could not be. */
  #taken: { tick: number; at: number };
  #logCheckedAt: number;
  /** Size of the log when the newest one was stored, and as it was last seen. */
  #logBytes = { before: 0, now: 0 };
  /** Snapshots that others have not finished, by id: how many parts there are, and since when. */
  #unfinished: ReadonlyMap<string, { parts: number; since: number }> = new Map();
  #isStopped = false;
  /** The image of the snapshot before, which is stored. */
  #spare: WorldImage | undefined;

  /** @param isBehind whether ticks have been replayed on top of the newest one, so that one is due */
  constructor(options: SnapshotterOptions, { isBehind }: { isBehind: boolean }) {
    this.#options = options;
    const now = options.clock.now();
    this.#taken = isBehind ? { tick: -Infinity, at: -Infinity } : { tick: 0, at: now };
    this.#logCheckedAt = now;
  }

  /** What is done one at a time here, with what is being done. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Takes an automatic snapshot if it is time for one. Call it after each tick. */
  afterTick(tick: number): void {
    if (this.#queue.length > 0 || this.#isStopped || !this.#isDue(tick)) return;
    this.#taken = { tick, at: this.#options.clock.now() };
    // A failure has been reported; the next one may be luckier.
    this.save({ kind: "auto" }).catch(() => {});
  }

  /** Has an automatic snapshot taken as soon as can be: now, or else after a next tick. */
  hasten(tick: number): void {
    this.#taken = { tick: -Infinity, at: -Infinity };
    this.afterTick(tick);
  }

  /**
   * Takes a snapshot of the world as it is, or will be once those before are
   * stored, and resolves when it is stored, too.
   * @throws {BusyError} when too many wait.
   * @throws {SnapshotError} when it could not be stored.
   */
  save({ kind, note }: { kind: SnapshotKind; note?: string | undefined }): Promise<SnapshotInfo> {
    return this.exclusively(async () => {
      const { betweenTicks, capture, settled } = this.#options;
      const captured = await new Promise<Captured>((resolve, reject) => {
        try {
          betweenTicks(() => resolve(capture(this.#spare)));
        } catch (error) {
          reject(error);
        }
      });
      this.#spare = captured.image;
      try {
        // What is not committed did not happen.
        await settled();
        return await this.store(captured, { kind, note });
      } catch (error) {
        this.#fail(kind, error);
        throw error;
      } finally {
        await this.#tidy();
      }
    });
  }

  /** Stores an image under an id of its own. */
  async store(
    { image, meta }: Captured,
    { kind, note }: { kind: SnapshotKind; note?: string | undefined },
  ): Promise<SnapshotInfo> {
    const { store, dateMs, event } = this.#options;
    const id = await store.freeId(kind === "restore" ? `r${meta.restoredIn}` : `t${meta.tick}`);
    const createdAt = dateMs();
    const info = await store.save(image, {
      ...meta,
      id,
      kind,
      createdAt,
      ...(note !== undefined && { note }),
    });
    event("snapshot.saved", { snapshot: id, kind, tick: meta.tick, entities: info.entities });
    return info;
  }

  /**
   * Runs `work` while no snapshot is being taken.
   * @throws {BusyError} when too many wait.
   */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#queue.run(work);
  }

  /** The log is full: lets go of all that the newest snapshot can be gone on without. */
  async makeRoom(): Promise<void> {
    const { store, log, stream } = this.#options;
    const newest = (await store.list()).findLast(({ meta }) => isResumable(meta));
    if (newest === undefined) return;
    const { firstSequence, bytes } = await log.info(stream.name);
    if (firstSequence < newest.meta.sequence) {
      await letGoBefore(newest.meta, { ...this.#options, bytes });
    }
  }

  /** Takes no more automatic ones, and resolves when what is under way is stored. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#queue.settled();
  }

  #isDue(tick: number): boolean {
    const { policy: { every }, stream: { bytesMax } } = this.#options;
    const now = this.#options.clock.now();
    if (now - this.#logCheckedAt >= LOG_CHECK_MS) this.#checkLog(now);
    const bytes = this.#logBytes.now;
    const hasGrown = bytes - this.#logBytes.before > bytesMax * LOG_GROWTH_SHARE_MAX;
    // A log that is full would hold the world.
    if (every === "never") return hasGrown && bytes > bytesMax * LOG_SHARE_MAX;
    if (hasGrown) return true;
    return "ticks" in every
      ? tick - this.#taken.tick >= every.ticks
      : now - this.#taken.at >= every.ms;
  }

  #checkLog(now: number): void {
    const { log, stream } = this.#options;
    this.#logCheckedAt = now;
    log.info(stream.name).then(({ bytes }) => this.#logBytes.now = bytes, () => {});
  }

  /** A failure is no matter yet: the next snapshot tries again. */
  async #tidy(): Promise<void> {
    try {
      await this.#prune();
      await this.#clearUnfinished();
    } catch (error) {
      this.#options.report.warn(`old snapshots could not be deleted: ${errorMessage(error)}`);
    }
  }

  /** Deletes what is beyond the kept ones, and the log before the oldest of them. */
  async #prune(): Promise<void> {
    const { store, log, stream, policy } = this.#options;
    const infos = await store.list();
    const chain = infos.filter(({ meta }) => isResumable(meta) && meta.kind !== "manual");
    const dropped = chain.slice(0, Math.max(0, chain.length - policy.kept));
    const [oldest] = chain.slice(dropped.length);
    const newest = chain.at(-1);
    if (oldest === undefined || newest === undefined) return;
    const isSpent = ({ meta }: SnapshotInfo) =>
      meta.kind === "restore" && (meta.restoredIn ?? 0) <= oldest.meta.tick;
    for (const { meta } of [...dropped, ...infos.filter(isSpent)]) await store.delete(meta.id);
    await log.purge(stream.name, { before: oldest.meta.sequence });
    let { bytes } = await log.info(stream.name);
    if (bytes > stream.bytesMax * LOG_SHARE_MAX && oldest !== newest) {
      await letGoBefore(newest.meta, { ...this.#options, bytes });
      ({ bytes } = await log.info(stream.name));
    }
    this.#logBytes = { before: bytes, now: bytes };
  }

  /** What does not grow for so long is of a process that has ended. */
  async #clearUnfinished(): Promise<void> {
    const { store, clock } = this.#options;
    const now = clock.now();
    const unfinished = new Map<string, { parts: number; since: number }>();
    for (const [id, parts] of await store.unfinished()) {
      const before = this.#unfinished.get(id);
      const since = before?.parts === parts ? before.since : now;
      if (now - since >= UNFINISHED_MS) await store.clear(id);
      else unfinished.set(id, { parts, since });
    }
    this.#unfinished = unfinished;
  }

  #fail(kind: SnapshotKind, error: unknown): void {
    const { report, event } = this.#options;
    const reason = errorMessage(error);
    // Or else the log's growth would be reason for another one after each tick.
    this.#logBytes.before = this.#logBytes.now;
    report.warn(`a snapshot could not be stored, and what can be gone on from is older: ${reason}`);
    event("snapshot.failed", { kind, reason });
  }
}
