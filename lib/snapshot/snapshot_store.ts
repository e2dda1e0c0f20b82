/**
 * The stored snapshots of one prefix, in a stream of their own. A snapshot's
 * parts are appended first, its manifest last; what has no manifest is not there.
 *
 * @module
 */
import type { Log, LogEntry } from "../bus/log.ts";
import { digest64, digestHex } from "../ecs/digest.ts";
import { encodeMessage } from "../wire/codec.ts";
import type { Subjects } from "../wire/subjects.ts";
import { WireError } from "../wire/wire_error.ts";
import { ImageBuilder } from "./image_builder.ts";
import { encodeParts } from "./image_parts.ts";
import { SnapshotError } from "./snapshot_error.ts";
import {
  createManifest,
  infoOf,
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
/** Parts that are on their way to the log at a time. */
const PARTS_IN_FLIGHT_MAX = 8;

export interface Snapshot {
  readonly meta: SnapshotMeta;
  readonly image: WorldImage;
}

export interface SnapshotStoreOptions {
  readonly log: Log;
  readonly subjects: Subjects;
  /** Largest message that the log takes. */
  readonly payloadBytesMax: number;
  /** Resolves in another turn, so that a long work lets others have theirs. */
  turn(): Promise<void>;
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
      const manifest = createManifest(image, { meta, parts });
      const { data, options } = encodeMessage("SnapshotManifest", manifest, fieldsOf(meta));
      await log.append(subjects.snapshot(id), data, { ...options, expectedLastSequence: 0 });
      return infoOf(manifest);
    } catch (cause) {
      await this.#purgeParts(id).catch(() => {});
      throw new SnapshotError(`Cannot save snapshot "${id}": ${messageOf(cause)}`, { cause });
    }
  }

  /** All snapshots by tick, and by their place in the stream where that is the same. */
  async list(
    { onDamaged = () => {} }: { onDamaged?: (id: string, reason: string) => void } = {},
  ): Promise<SnapshotInfo[]> {
    const { log, subjects } = this.#options;
    const infos: SnapshotInfo[] = [];
    for await (const entry of log.lastPerSubject(this.#stream, subjects.snapshot("*"))) {
      try {
        infos.push(infoOf(parseManifest(entry.data)));
      } catch (error) {
        if (!isDamage(error)) throw error;
        onDamaged(this.#idOf(entry), error.message);
      }
    }
    return infos.sort((a, b) => a.meta.tick - b.meta.tick);
  }

  /** @throws {SnapshotError} when it is not there or damaged; the message says where. */
  async load(id: string, { onProgress }: ProgressOptions = {}): Promise<Snapshot> {
    const entry = await this.#manifestEntry(id);
    if (entry === undefined) {
      throw new SnapshotError(`Cannot load snapshot "${id}": there is none with this id`);
    }
    try {
      const manifest = parseManifest(entry.data);
      const image = await this.#readImage(manifest, onProgress);
      return { meta: metaOf(manifest), image };
    } catch (cause) {
      if (!isDamage(cause)) throw cause;
      throw new SnapshotError(`Cannot load snapshot "${id}": ${cause.message}`, { cause });
    }
  }

  /**
   * The newest whole snapshot that a world can go on from; undefined where there
   * is none. `onSkipped` is told of each newer one that is damaged.
   */
  async newest(
    { onSkipped, onProgress }: ProgressOptions & {
      onSkipped: (id: string, reason: string) => void;
    },
  ): Promise<Snapshot | undefined> {
    const infos = await this.list({ onDamaged: onSkipped });
    for (const { meta } of infos.filter(({ meta }) => isResumable(meta)).reverse()) {
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

  async #appendParts(id: string, encoded: Iterable<Uint8Array>): Promise<PartDigest[]> {
    const { log, subjects, turn } = this.#options;
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
      await turn();
    }
    await Promise.all(appends);
    return parts;
  }

  async #readImage(
    manifest: SnapshotManifest,
    onProgress: ProgressOptions["onProgress"],
  ): Promise<WorldImage> {
    const { log, subjects } = this.#options;
    const { snapshot, parts } = manifest;
    const builder = new ImageBuilder(manifest);
    const { bytes: total } = infoOf(manifest);
    let number = 0;
    let done = 0;
    const filter = subjects.snapshot(snapshot, "*");
    for await (const { data } of log.read(this.#stream, { filter })) {
      checkPart(data, { number, expected: parts[number], count: parts.length });
      builder.add(data);
      number++;
      onProgress?.(done += data.length, total);
    }
    if (number < parts.length) {
      throw new WireError(`part ${number} of ${parts.length} is missing`);
    }
    return builder.build();
  }

  async #manifestEntry(id: string): Promise<LogEntry | undefined> {
    const { log, subjects } = this.#options;
    for await (const entry of log.lastPerSubject(this.#stream, subjects.snapshot(id))) return entry;
    return undefined;
  }

  #purgeParts(id: string): Promise<void> {
    const { log, subjects } = this.#options;
    return log.purge(this.#stream, { filter: subjects.snapshot(id, "*") });
  }

  #idOf({ subject }: LogEntry): string {
    return subject.slice(this.#options.subjects.snapshot("").length);
  }
}

/** @throws {WireError} when the part is not the one that the manifest lists. */
export function checkPart(
  data: Uint8Array,
  { number, expected, count }: {
    number: number;
    expected: PartDigest | undefined;
    count: number;
  },
): void {
  if (expected === undefined) {
    throw new WireError(`there is a part ${number}, and the manifest lists ${count}`);
  }
  const where = `part ${number} of ${count} is damaged`;
  if (data.length !== expected.bytes) {
    throw new WireError(`${where}: it has ${data.length} bytes instead of ${expected.bytes}`);
  }
  const digest = digest64(data);
  if (digest !== expected.digest) {
    throw new WireError(
      `${where}: its digest is ${digestHex(digest)} instead of ${digestHex(expected.digest)}`,
    );
  }
}

/** Whether the error says that what is stored is no snapshot, and not that it could not be read. */
function isDamage(error: unknown): error is WireError | SnapshotError {
  return error instanceof WireError || error instanceof SnapshotError;
}

function fieldsOf({ tick, epoch }: SnapshotMeta): { tick: number; epoch: number } {
  return { tick, epoch };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
