/**
 * What one can do with the snapshots of a prefix from outside: with those that
 * are stored whether or not a coordinator runs, with the world only if one does.
 *
 * @module
 */
import { type Bus, NoRespondersError, RequestTimeoutError } from "../lib/bus/bus.ts";
import { type Log, type StreamInfo, StreamNotFoundError } from "../lib/bus/log.ts";
import { suggestion } from "../lib/manifest/nearest.ts";
import { SnapshotError } from "../lib/snapshot/snapshot_error.ts";
import {
  compareAge,
  isConnected,
  isResumable,
  type SnapshotInfo,
  type SnapshotManifest,
} from "../lib/snapshot/snapshot_manifest.ts";
import type {
  ProgressOptions,
  Snapshot,
  SnapshotStore,
  StoredSnapshot,
} from "../lib/snapshot/snapshot_store.ts";
import { UserError } from "../lib/user_error.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import { RefusedError, requestMessage } from "../lib/wire/request.ts";
import type { Subjects } from "../lib/wire/subjects.ts";

export interface SnapshotPorts {
  readonly bus: Bus;
  readonly log: Log;
  readonly store: SnapshotStore;
  readonly subjects: Subjects;
}

/** A stored snapshot, and whether the log leads on from it. */
export interface ListedSnapshot extends SnapshotInfo {
  readonly isGoneOnFrom: boolean;
}

export interface SnapshotList {
  readonly snapshots: readonly ListedSnapshot[];
  readonly damaged: readonly { readonly id: string; readonly reason: string }[];
}

/** Storing or restoring a large world takes its time. */
const CONTROL_TIMEOUT_MS = 300_000;

export class SnapshotCommands {
  readonly #ports: SnapshotPorts;

  constructor(ports: SnapshotPorts) {
    this.#ports = ports;
  }

  /** Has the coordinator take a snapshot, and resolves when it is stored. */
  async save(note: string | undefined): Promise<SnapshotInfo> {
    const reply = await this.#control({ op: "snapshot", ...(note !== undefined && { note }) });
    return await this.#infoOf(reply.snapshot ?? "");
  }

  /** Has the coordinator make the world the snapshot, and resolves with the tick of it. */
  async restore(id: string, { migrate }: { migrate: boolean }): Promise<{ tick: number }> {
    await this.#infoOf(id);
    const { tick_id } = await this.#control({ op: "restore", snapshot: id, migrate });
    return { tick: tick_id };
  }

  async list(): Promise<SnapshotList> {
    const { store } = this.#ports;
    const damaged: { id: string; reason: string }[] = [];
    const infos = await this.#asUser(() =>
      store.list({ onDamaged: (id, reason) => damaged.push({ id, reason }) })
    );
    const { firstSequence = 1 } = await componentsInfo(this.#ports) ?? {};
    const snapshots = infos.map((info) => ({
      ...info,
      isGoneOnFrom: isResumable(info.meta) && isConnected(info.meta, firstSequence),
    }));
    return { snapshots, damaged };
  }

  /** A snapshot's manifest. */
  async show(id: string): Promise<SnapshotManifest> {
    return (await this.read(id, "show")).manifest;
  }

  read(id: string, action: string): Promise<StoredSnapshot> {
    return this.#withSuggestion(id, () => this.#ports.store.read(id, action));
  }

  load(id: string, options?: ProgressOptions): Promise<Snapshot> {
    return this.#withSuggestion(id, () => this.#ports.store.load(id, options));
  }

  /**
   * Stores a snapshot that comes from elsewhere.
   * @param id its own where that is free, if not given
   */
  async import({ image, meta }: Snapshot, id: string | undefined): Promise<SnapshotInfo> {
    const { store } = this.#ports;
    if (id !== undefined && !/^[^\s.*>]{1,256}$/.test(id)) {
      throw new UserError(
        `Cannot use "${id}" as an id: it takes one word without ".", "*" and ">"`,
      );
    }
    await store.open({ replicas: 1 });
    const { restoredIn: _, ...rest } = meta;
    return await store.save(image, {
      ...rest,
      id: id ?? await store.freeId(meta.id),
      kind: "imported",
      sequence: 0,
    });
  }

  /**
   * Stores a snapshot as the beginning of a world: the next coordinator goes on from it.
   * @throws {UserError} when there is a world under this prefix already.
   */
  async begin({ image, meta }: Snapshot): Promise<SnapshotInfo> {
    const { store, subjects } = this.#ports;
    await store.open({ replicas: 1 });
    const log = await componentsInfo(this.#ports);
    const hasBegun = (await store.list()).some(({ meta }) => isResumable(meta));
    if (hasBegun || (log && log.messages > 0)) {
      throw new UserError(
        `Cannot begin a world under the prefix "${subjects.prefix}": there is one already; ` +
          "pass another --prefix, or import the snapshot and restore it",
      );
    }
    const { restoredIn: _, ...rest } = meta;
    // An empty log may have had entries; what comes will lie behind these.
    const sequence = log?.lastSequence ?? 0;
    return await store.save(image, { ...rest, kind: "fork", sequence });
  }

  /**
   * Deletes a snapshot, by its id alone where that is forced.
   * @throws {UserError} when the world could not be resumed, or replayed, without it, or might not.
   */
  async delete(id: string, { force }: { force: boolean }): Promise<void> {
    const { snapshots, damaged } = await this.list();
    const info = snapshots.find(({ meta }) => meta.id === id);
    const damage = damaged.find((other) => other.id === id);
    if (info === undefined && damage === undefined) throw noSnapshot(id, { snapshots, damaged });
    if (!force && info) checkDispensable(info, snapshots);
    if (!force && damage) {
      throw new UserError(
        `Cannot delete snapshot "${id}": whether the world needs it cannot be told, since it is ` +
          `damaged: ${damage.reason}; pass --force to delete it all the same`,
      );
    }
    await this.#ports.store.delete(id);
  }

  async #infoOf(id: string): Promise<SnapshotInfo> {
    const { snapshots, damaged } = await this.list();
    const info = snapshots.find(({ meta }) => meta.id === id);
    if (info !== undefined) return info;
    const damage = damaged.find((other) => other.id === id);
    if (damage) throw new SnapshotError(`Cannot use snapshot "${id}": ${damage.reason}`);
    throw noSnapshot(id, { snapshots, damaged });
  }

  async #withSuggestion<T>(id: string, act: () => Promise<T>): Promise<T> {
    await this.#infoOf(id);
    return await this.#asUser(act);
  }

  /** A stream that is not there is no bug. */
  async #asUser<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (cause) {
      if (!(cause instanceof StreamNotFoundError)) throw cause;
      throw new UserError(
        `Cannot find snapshots under the prefix "${this.#ports.subjects.prefix}": no coordinator ` +
          "has run a world there",
        { cause },
      );
    }
  }

  async #control(value: MessageOf<"Control">): Promise<MessageOf<"ControlReply">> {
    const { bus, subjects } = this.#ports;
    try {
      return await requestMessage(bus, subjects.control, {
        type: "Control",
        value,
        replyType: "ControlReply",
        timeoutMs: CONTROL_TIMEOUT_MS,
      });
    } catch (cause) {
      if (cause instanceof RefusedError) throw new UserError(cause.message, { cause });
      if (cause instanceof NoRespondersError) {
        throw new UserError(
          `Cannot ${value.op}: no coordinator runs under the prefix "${subjects.prefix}"; ` +
            "start one with `deno task coord`",
          { cause },
        );
      }
      if (!(cause instanceof RequestTimeoutError)) throw cause;
      const seconds = CONTROL_TIMEOUT_MS / 1000;
      throw new UserError(
        `Cannot tell whether the coordinator did ${value.op}: it has not answered for ${seconds} s`,
        { cause },
      );
    }
  }
}

/** @throws {UserError} when the world could not be resumed, or replayed, without it. */
function checkDispensable({ meta }: ListedSnapshot, snapshots: readonly ListedSnapshot[]): void {
  const resumable = snapshots.filter(({ isGoneOnFrom }) => isGoneOnFrom);
  const failure = `Cannot delete snapshot "${meta.id}"`;
  if (resumable.length === 1 && resumable[0].meta.id === meta.id) {
    throw new UserError(
      `${failure}: it is the only one that this world can be resumed from; ` +
        "pass --force to delete it all the same",
    );
  }
  const oldest = Math.min(...resumable.map(({ meta }) => meta.tick));
  if (meta.kind === "restore" && (meta.restoredIn ?? 0) > oldest) {
    throw new UserError(
      `${failure}: the log refers to it, in tick ${meta.restoredIn}, so the world could not be ` +
        "replayed; pass --force to delete it all the same",
    );
  }
  if (meta.kind === "migrated" && resumable.some((other) => compareAge(other.meta, meta) < 0)) {
    throw new UserError(
      `${failure}: the components changed after tick ${meta.tick}, and no log leads across ` +
        "that, so the world could not be replayed; pass --force to delete it all the same",
    );
  }
}

function noSnapshot(id: string, { snapshots, damaged }: SnapshotList): SnapshotError {
  const ids = [...snapshots.map(({ meta }) => meta.id), ...damaged.map(({ id }) => id)];
  return new SnapshotError(`Cannot find snapshot "${id}"${suggestion(id, ids)}`);
}

/** How the prefix's log stands; undefined where there is none. */
async function componentsInfo({ log, subjects }: SnapshotPorts): Promise<StreamInfo | undefined> {
  try {
    return await log.info(subjects.streams.components);
  } catch (error) {
    if (error instanceof StreamNotFoundError) return undefined;
    throw error;
  }
}
