/**
 * The stored snapshots of one prefix, in a stream of their own. A snapshot's
 * parts are appended first, its manifest last; what has no manifest is not there.
 *
 * @module
 */
import type { Log, LogEntry } from "../bus/log.ts";
import { digest64 } from "../ecs/digest.ts";
import { errorMessage } from "../error_message.ts";
import { encodeMessage } from "../wire/codec.ts";
import type { Subjects } from "../wire/subjects.ts";
import { WireError } from "../wire/wire_error.ts";
import { ImageBuilder } from "./image_builder.ts";
import { encodeParts } from "./image_parts.ts";
import { SnapshotError } from "./snapshot_error.ts";
import {
  compareAge,
  createManifest,
  damageOf,
  infoOf,
  isConnected,
  isResumable,
  metaOf,
  parseManifest,
  type PartDigest,
  type SnapshotInfo,
  type SnapshotManifest,
  type SnapshotMeta,
} from "./snapshot_manifest.ts";
import type { WorldImage } from "./world_image.ts";

const BYTES_MAX = 8 * 1024 ** 3;
/** Parts that are on their way to the log at a time; no more are encoded without letting others work. */
const PARTS_IN_FLIGHT_MAX = 4;
/** Parts that may lie before one that comes earlier; more than are ever on their way together. */
const PARTS_EARLY_MAX = 64;

export interface Snapshot {
  readonly meta: SnapshotMeta;
  readonly image: WorldImage;
}

/** A snapshot in its stored form. */
export interface StoredSnapshot {
  readonly manifest: SnapshotManifest;
  readonly manifestData: Uint8Array;
  readonly parts: AsyncIterable<Uint8Array>;
}

export interface SnapshotStoreOptions {
  readonly log: Log;
  readonly subjects: Subjects;
  /** Largest message that the log takes. */
  readonly payloadBytesMax: number;
}

export interface ProgressOptions {
  /** Called with how many of how many bytes are done. */
  onProgress?(done: number, total: number): void;
}

export class SnapshotStore {
  readonly #options: SnapshotStoreOptions;
  readonly #stream: string;

  constructor(options: SnapshotStoreOptions) {
    this.#options = options;
    this.#stream = options.subjects.streams.snapshots;
  }

  /** Creates the stream where it is not there yet. */
  async open({ replicas }: { replicas: number }): Promise<void> {
    const { log, subjects } = this.#options;
    await log.open({
      name: this.#stream,
      subjects: [subjects.snapshot(">")],
      storage: "file",
      bytesMax: BYTES_MAX,
      discard: "new",
      replicas,
    });
  }

  /**
   * Stores an image under `meta.id` and resolves when it is whole. What was
   * stored of it is taken away again where that fails.
   * @throws {SnapshotError} when there is a snapshot with this id, or the log does not take it.
   */
  async save(image: WorldImage, meta: SnapshotMeta): Promise<SnapshotInfo> {
    const { log, subjects, payloadBytesMax } = this.#options;
    const { id } = meta;
    if (await this.#manifestEntry(id)) {
      throw new SnapshotError(`Cannot save snapshot "${id}": there is one already`);
    }
    try {
      // What a coordinator left behind that ended amid saving it.
      await this.#purgeParts(id);
      const parts = await this.#appendParts(
        id,
        encodeParts(image, { snapshot: id, payloadBytesMax }),
      );
      await this.#checkParts(id, parts.length);
      const manifest = createManifest(image, { meta, parts });
      const { data, options } = encodeMessage("SnapshotManifest", manifest, fieldsOf(meta));
      await log.append(subjects.snapshot(id), data, { ...options, expectedLastSequence: 0 });
      return infoOf(manifest);
    } catch (cause) {
      await this.#clearAfterFailure(id).catch(() => {});
      throw new SnapshotError(`Cannot save snapshot "${id}": ${errorMessage(cause)}`, { cause });
    }
  }

  /** All snapshots by tick; of one tick by term, and then by their place in the stream. */
  async list(
    { onDamaged = () => {} }: { onDamaged?: (id: string, reason: string) => void } = {},
  ): Promise<SnapshotInfo[]> {
    const { log, subjects } = this.#options;
    const infos: SnapshotInfo[] = [];
    for await (const entry of log.lastPerSubject(this.#stream, subjects.snapshot("*"))) {
      try {
        infos.push(infoOf(this.#parse(entry)));
      } catch (error) {
        if (!isDamage(error)) throw error;
        onDamaged(this.#idOf(entry), error.message);
      }
    }
    return infos.sort((a, b) => compareAge(a.meta, b.meta));
  }

  /** `base`, or `base-2` and so on where there is such a snapshot already. */
  async freeId(base: string): Promise<string> {
    const { log, subjects } = this.#options;
    const taken = new Set(await log.subjects(this.#stream, subjects.snapshot("*")));
    let id = base;
    for (let i = 2; taken.has(subjects.snapshot(id)); i++) id = `${base}-${i}`;
    return id;
  }

  /** @throws {SnapshotError} when it is not there or damaged; the message says where. */
  async load(id: string, { onProgress }: ProgressOptions = {}): Promise<Snapshot> {
    const { manifest, parts } = await this.read(id, "load");
    return await asDamage(`Cannot load snapshot "${id}"`, async () => {
      const { bytes: total } = infoOf(manifest);
      const builder = new ImageBuilder(manifest);
      let done = 0;
      for await (const part of parts) {
        builder.add(part);
        onProgress?.(done += part.length, total);
      }
      return { meta: metaOf(manifest), image: builder.build() };
    });
  }

  /**
   * A snapshot as it is stored; `parts` yields each part once it has been checked
   * against the manifest, and throws a SnapshotError when it is not the one.
   * @param action what it is read for, for messages
   * @throws {SnapshotError} when it is not there, or its manifest is damaged.
   */
  async read(id: string, action: string): Promise<StoredSnapshot> {
    const failure = `Cannot ${action} snapshot "${id}"`;
    const entry = await this.#manifestEntry(id);
    if (entry === undefined) {
      throw new SnapshotError(`${failure}: there is none with this id`);
    }
    const manifest = await asDamage(failure, () => this.#parse(entry));
    return { manifest, manifestData: entry.data, parts: this.#readParts(manifest, failure) };
  }

  /**
   * The newest whole snapshot that a world can go on from with a log that begins
   * with sequence `firstSequence`; undefined where there is none. `onSkipped` is
   * told of each newer one, and why it is none: `strays` are none, since the log
   * goes on in other components than they have.
   */
  async newest(
    { firstSequence, onSkipped, strays, onProgress }: ProgressOptions & {
      firstSequence: number;
      onSkipped: (id: string, reason: string) => void;
      strays?: ReadonlySet<string>;
    },
  ): Promise<Snapshot | undefined> {
    const infos = await this.list({ onDamaged: onSkipped });
    for (const { meta } of infos.filter(({ meta }) => isResumable(meta)).reverse()) {
      if (!isConnected(meta, firstSequence)) {
        onSkipped(
          meta.id,
          `the log was cut behind it: it begins with sequence ${firstSequence}, and what comes ` +
            `after this snapshot with ${meta.sequence + 1}`,
        );
        continue;
      }
      if (strays?.has(meta.id)) {
        onSkipped(meta.id, `the log goes on from tick ${meta.tick} in other components`);
        continue;
      }
      try {
        return await this.load(meta.id, onProgress && { onProgress });
      } catch (error) {
        if (!isDamage(error)) throw error;
        onSkipped(meta.id, error.message);
      }
    }
    return undefined;
  }

  /** @throws {SnapshotError} when there is none. */
  async delete(id: string): Promise<void> {
    const { log, subjects } = this.#options;
    if (!await this.#manifestEntry(id)) {
      throw new SnapshotError(`Cannot delete snapshot "${id}": there is none with this id`);
    }
    await log.purge(this.#stream, { filter: subjects.snapshot(id) });
    await this.#purgeParts(id);
  }

  /** Snapshots that are being saved, or whose saving was broken off, and how many parts each has. */
  async unfinished(): Promise<Map<string, number>> {
    const { log, subjects } = this.#options;
    const counts = new Map<string, number>();
    for (const subject of await log.subjects(this.#stream, subjects.snapshot("*", "*"))) {
      const id = this.#idOf({ subject }).replace(/\.[^.]*$/, "");
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    // Listed after the parts, so that what was completed meanwhile counts as whole.
    for (const subject of await log.subjects(this.#stream, subjects.snapshot("*"))) {
      counts.delete(this.#idOf({ subject }));
    }
    return counts;
  }

  /** The manifest may be stored all the same, or be another coordinator's: its parts stay then. */
  async #clearAfterFailure(id: string): Promise<void> {
    if (!await this.#manifestEntry(id)) await this.#purgeParts(id);
  }

  /** Takes away what there is of an unfinished one. */
  async clear(id: string): Promise<void> {
    await this.#purgeParts(id);
  }

  async #appendParts(id: string, encoded: Iterable<Uint8Array>): Promise<PartDigest[]> {
    const { log, subjects } = this.#options;
    const parts: PartDigest[] = [];
    const appends: Promise<number>[] = [];
    for (const data of encoded) {
      const headers = { "msg-type": "SnapshotPart" };
      const append = log.append(subjects.snapshot(id, parts.length), data, { headers });
      // Whoever awaits it below gets the error.
      append.catch(() => {});
      appends.push(append);
      parts.push({ bytes: data.length, digest: digest64(data) });
      await appends.at(-PARTS_IN_FLIGHT_MAX);
    }
    await Promise.all(appends);
    return parts;
  }

  /**
   * Whoever takes a slow save for one that was broken off clears it away.
   * @throws {SnapshotError} when a part is not there any more.
   */
  async #checkParts(id: string, count: number): Promise<void> {
    const { log, subjects } = this.#options;
    const stored = new Set(await log.subjects(this.#stream, subjects.snapshot(id, "*")));
    for (let part = 0; part < count; part++) {
      if (stored.has(subjects.snapshot(id, part))) continue;
      throw new SnapshotError(
        `part ${part} of ${count} was deleted by another process before all were stored; try again`,
      );
    }
  }

  /**
   * The parts in order. In the stream they may lie otherwise, or twice, or beside
   * what a save that failed has sent: what the manifest lists is what counts.
   */
  async *#readParts(
    { snapshot, parts }: SnapshotManifest,
    failure: string,
  ): AsyncGenerator<Uint8Array> {
    const { log, subjects } = this.#options;
    const early = new Map<number, Uint8Array>();
    const damages = new Map<number, string>();
    let next = 0;
    const filter = subjects.snapshot(snapshot, "*");
    for await (const { subject, data } of log.read(this.#stream, { filter })) {
      const number = Number(subject.slice(subject.lastIndexOf(".") + 1));
      if (!(number >= next && number < parts.length) || early.has(number)) continue;
      const damage = damageOf(data, { number, parts });
      if (damage === undefined) early.set(number, data);
      else damages.set(number, damage);
      for (let part = early.get(next); part; part = early.get(next)) {
        early.delete(next++);
        yield part;
      }
      if (early.size > PARTS_EARLY_MAX) break;
    }
    if (next === parts.length) return;
    const reason = damages.get(next) ?? `part ${next} of ${parts.length} is missing`;
    throw new SnapshotError(`${failure}: ${reason}`);
  }

  async #manifestEntry(id: string): Promise<LogEntry | undefined> {
    const { log, subjects } = this.#options;
    for await (const entry of log.lastPerSubject(this.#stream, subjects.snapshot(id))) return entry;
    return undefined;
  }

  /** @throws {WireError} when it is no manifest, or not the one that belongs there. */
  #parse(entry: LogEntry): SnapshotManifest {
    const manifest = parseManifest(entry.data);
    if (manifest.snapshot === this.#idOf(entry)) return manifest;
    throw new WireError(`its manifest has another id, "${manifest.snapshot}"`);
  }

  #purgeParts(id: string): Promise<void> {
    const { log, subjects } = this.#options;
    return log.purge(this.#stream, { filter: subjects.snapshot(id, "*") });
  }

  #idOf({ subject }: Pick<LogEntry, "subject">): string {
    return subject.slice(this.#options.subjects.snapshot("").length);
  }
}

/** Runs `read`; what it finds damaged is an error that begins with `failure`. */
async function asDamage<T>(failure: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause;
    throw new SnapshotError(`${failure}: ${cause.message}`, { cause });
  }
}

/** Whether the error says that what is stored is no snapshot, and not that it could not be read. */
function isDamage(error: unknown): error is WireError | SnapshotError {
  return error instanceof WireError || error instanceof SnapshotError;
}

function fieldsOf({ tick, epoch }: SnapshotMeta): { tick: number; epoch: number } {
  return { tick, epoch };
}
