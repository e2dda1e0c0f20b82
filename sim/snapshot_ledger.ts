/**
 * The snapshots that have been stored, each held against what the undisturbed run
 * remembers of its tick: to the byte, change marks and the order of rows included.
 *
 * @module
 */
import { encode } from "@std/msgpack";
import type { LogEntry } from "../lib/bus/log.ts";
import { digest64 } from "../lib/ecs/digest.ts";
import { encodeParts } from "../lib/snapshot/image_parts.ts";
import {
  createManifest,
  metaOf,
  parseManifest,
  type SnapshotManifest,
  type SnapshotMeta,
} from "../lib/snapshot/snapshot_manifest.ts";
import type { WorldImage } from "../lib/snapshot/world_image.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import type { Moment, Reference } from "./reference.ts";
import { insist } from "./violation.ts";

export interface SnapshotLedgerOptions {
  readonly reference: Reference;
  readonly subjects: Subjects;
  readonly payloadBytesMax: number;
  onSnapshot(meta: SnapshotMeta): void;
}

export class SnapshotLedger {
  readonly #options: SnapshotLedgerOptions;
  readonly #metas = new Map<string, SnapshotMeta>();
  /** Digests of what was stored under each part's subject. */
  readonly #parts = new Map<string, Set<bigint>>();

  constructor(options: SnapshotLedgerOptions) {
    this.#options = options;
  }

  /** Takes an entry of the snapshots' stream. */
  stored({ subject, headers, data }: LogEntry): void {
    if (headers["msg-type"] === "SnapshotManifest") return this.#check(parseManifest(data));
    const digests = this.#parts.get(subject) ?? new Set();
    this.#parts.set(subject, digests.add(digest64(data)));
  }

  /** The snapshot with an id that was whole once, and may have been deleted since. */
  find(id: string): SnapshotMeta | undefined {
    return this.#metas.get(id);
  }

  #check(manifest: SnapshotManifest): void {
    const { subjects, onSnapshot } = this.#options;
    const meta = metaOf(manifest);
    const { id, tick } = meta;
    this.#metas.set(id, meta);
    const expected = this.#expect(meta);
    for (const key of new Set([...Object.keys(expected), ...Object.keys(manifest)])) {
      insist(
        isSame(expected, manifest, key),
        () => `snapshot "${id}" has other ${key} than the undisturbed run after tick ${tick}`,
      );
    }
    for (const [number, { digest }] of manifest.parts.entries()) {
      insist(
        this.#parts.get(subjects.snapshot(id, number))?.has(digest) === true,
        () => `snapshot "${id}" was called whole before its part ${number} was stored`,
      );
    }
    onSnapshot(meta);
  }

  /** The manifest that a snapshot of this tick is to have. */
  #expect(meta: SnapshotMeta): SnapshotManifest {
    const { payloadBytesMax } = this.#options;
    const { id, tick } = meta;
    const { image: kept, digest, lastRuns, answers = [] } = this.#momentOf(tick, id);
    const image = meta.restoredIn === undefined ? kept : this.#renewed(meta, meta.restoredIn);
    const parts = Array.from(
      encodeParts(image, { snapshot: id, payloadBytesMax }),
      (data) => ({ bytes: data.length, digest: digest64(data) }),
    );
    return createManifest(image, { meta: { ...meta, digest, lastRuns, answers }, parts });
  }

  #renewed({ id, tick }: SnapshotMeta, restoredIn: number): WorldImage {
    const before = this.#momentOf(restoredIn - 1, id);
    return this.#options.reference.restoredImage(this.#momentOf(tick, id), before);
  }

  #momentOf(tick: number, id: string): Moment {
    const moment = this.#options.reference.momentOf(tick);
    insist(
      moment !== undefined,
      () => `snapshot "${id}" was stored before tick ${tick}, which it needs`,
    );
    return moment;
  }
}

function isSame(one: SnapshotManifest, other: SnapshotManifest, name: string): boolean {
  const bytes = Array.from(
    [one, other],
    (manifest) => encode(Object.entries(manifest).find(([key]) => key === name)?.[1] ?? null),
  );
  return bytes[0].length === bytes[1].length && bytes[0].every((byte, i) => byte === bytes[1][i]);
}
