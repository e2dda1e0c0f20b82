/**
 * A snapshot is a stored image of the world after one tick. Its manifest says
 * which tick, by which coordinator and why, and lists the layouts, the tables and
 * the parts that hold their rows, each part with its length and digest. A manifest
 * is stored last: a snapshot that has one is whole.
 *
 * @module
 */
import { decode } from "@std/msgpack";
import type { CommandAnswer } from "../ecs/command.ts";
import { digest64, digestHex } from "../ecs/digest.ts";
import { type ComponentType, componentType, createSchema, type Schema } from "../ecs/component.ts";
import { parseFieldValue } from "../ecs/field_value.ts";
import { decodePayload } from "../wire/codec.ts";
import { asWireError } from "../wire/column.ts";
import type { MessageOf } from "../wire/messages.ts";
import type { SNAPSHOT_KINDS } from "../wire/snapshot_messages.ts";
import { WireError } from "../wire/wire_error.ts";
import { entityCount, type WorldImage } from "./world_image.ts";

/** Of the format of manifests, parts and files; readers refuse what is newer. */
export const SNAPSHOT_VERSION = 1;

/**
 * Why a snapshot was made. `restore` and `imported` ones are no state that this
 * prefix's log goes on from; all others are.
 */
export type SnapshotKind = (typeof SNAPSHOT_KINDS)[number];

export interface SnapshotMeta {
  /** One token of a subject, unique under its prefix. */
  readonly id: string;
  readonly kind: SnapshotKind;
  /** The tick that the world had ended. */
  readonly tick: number;
  readonly epoch: number;
  /** The digest of that tick's commit. */
  readonly digest: bigint;
  /**
   * Every entry of a later tick lies behind this one in the stream of components;
   * 0: none does. Entries of the tick itself may, too.
   */
  readonly sequence: number;
  /** Change tick of each system's last run that missed no shard. */
  readonly lastRuns: Readonly<Record<string, number>>;
  /** The answers to the newest command buffers that had an id, oldest first. */
  readonly answers?: readonly (readonly [id: string, answer: CommandAnswer])[];
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** For a `restore`: the tick that the world became this snapshot in. */
  readonly restoredIn?: number | undefined;
  readonly note?: string | undefined;
}

export type SnapshotManifest = MessageOf<"SnapshotManifest">;
export type PartDigest = SnapshotManifest["parts"][number];

/** What is known of a stored snapshot without reading its parts. */
export interface SnapshotInfo {
  readonly meta: SnapshotMeta;
  readonly entities: number;
  /** Of all parts, as they are stored. */
  readonly bytes: number;
  readonly parts: number;
}

/** Whether a world goes on from it, with what its prefix's log has behind it. */
export function isResumable({ kind }: SnapshotMeta): boolean {
  return kind !== "restore" && kind !== "imported";
}

/** Negative where `a` is the older one: by tick, and of one tick by term. */
export function compareAge(a: SnapshotMeta, b: SnapshotMeta): number {
  return a.tick - b.tick || a.epoch - b.epoch;
}

/** Whether a log that begins with sequence `firstSequence` has all that came after it. */
export function isConnected({ sequence }: SnapshotMeta, firstSequence: number): boolean {
  return sequence >= firstSequence - 1;
}

export function createManifest(
  image: WorldImage,
  { meta, parts }: { meta: SnapshotMeta; parts: readonly PartDigest[] },
): SnapshotManifest {
  return {
    version: SNAPSHOT_VERSION,
    snapshot: meta.id,
    kind: meta.kind,
    created_ms: meta.createdAt,
    epoch: meta.epoch,
    tick_id: meta.tick,
    digest: meta.digest,
    sequence: meta.sequence,
    last_runs: { ...meta.lastRuns },
    ...(meta.answers && {
      answers: meta.answers.map(([id, { tick, spawned, refused }]) => ({
        id,
        tick_id: tick,
        spawned: [...spawned],
        refused: [...refused],
      })),
    }),
    ...(meta.restoredIn !== undefined && { restored_in: meta.restoredIn }),
    ...(meta.note !== undefined && { note: meta.note }),
    entities: entityCount(image),
    next_entity: image.nextEntity,
    change_tick: image.changeTick,
    components: [...image.schema.values()].map(({ name, fields }) => ({
      name,
      fields: fields.map(({ name, type, default: value }) => ({
        name,
        type,
        default: ArrayBuffer.isView(value) && !(value instanceof Uint8Array)
          ? Array.from(value as Float32Array)
          : value as SnapshotManifest["components"][number]["fields"][number]["default"],
      })),
    })),
    tables: image.tables.map(({ id, count, structureChangedLast, stores }) => ({
      archetype: id,
      count,
      changed: structureChangedLast,
      components: stores.map(({ component, changedLast, columns }) => ({
        name: component.name,
        changed: changedLast,
        fields: columns.map((column) => column.changedLast),
      })),
    })),
    parts: [...parts],
  };
}

/** The refusal of what a later version of this program has written. */
export function newerFormat(version: number): WireError {
  return new WireError(
    `its format has version ${version}, and this program reads up to ${SNAPSHOT_VERSION}; ` +
      "use the version of Orrery that made it, or a newer one",
  );
}

/**
 * Decodes and checks a manifest.
 * @throws {WireError} when it is not one, or of a newer format.
 */
export function parseManifest(data: Uint8Array): SnapshotManifest {
  const version = versionOf(data);
  if (version > SNAPSHOT_VERSION) {
    throw newerFormat(version);
  }
  return decodePayload("SnapshotManifest", data);
}

/** The version that a manifest of any format says it has; 0 where it says nothing. */
function versionOf(data: Uint8Array): number {
  try {
    const value = decode(data);
    const isMap = typeof value === "object" && value !== null && "version" in value;
    return isMap && typeof value.version === "number" ? value.version : 0;
  } catch {
    return 0;
  }
}

/** In what a part is not the one that the manifest lists; undefined where it is. */
export function damageOf(
  data: Uint8Array,
  { number, parts }: { number: number; parts: readonly PartDigest[] },
): string | undefined {
  const expected = parts[number];
  const where = `part ${number} of ${parts.length} is damaged`;
  if (data.length !== expected.bytes) {
    return `${where}: it has ${data.length} bytes instead of ${expected.bytes}`;
  }
  const digest = digest64(data);
  return digest === expected.digest
    ? undefined
    : `${where}: its digest is ${digestHex(digest)} instead of ${digestHex(expected.digest)}`;
}

export function metaOf(manifest: SnapshotManifest): SnapshotMeta {
  return {
    id: manifest.snapshot,
    kind: manifest.kind,
    tick: manifest.tick_id,
    epoch: manifest.epoch,
    digest: manifest.digest,
    sequence: manifest.sequence,
    lastRuns: manifest.last_runs,
    ...(manifest.answers && {
      answers: manifest.answers.map(({ id, tick_id, spawned, refused }) =>
        [id, { tick: tick_id, spawned, refused }] as const
      ),
    }),
    createdAt: manifest.created_ms,
    ...(manifest.restored_in !== undefined && { restoredIn: manifest.restored_in }),
    ...(manifest.note !== undefined && { note: manifest.note }),
  };
}

export function infoOf(manifest: SnapshotManifest): SnapshotInfo {
  return {
    meta: metaOf(manifest),
    entities: manifest.entities,
    bytes: manifest.parts.reduce((sum, { bytes }) => sum + bytes, 0),
    parts: manifest.parts.length,
  };
}

/** @throws {WireError} when it declares something twice, or a default that its field cannot have. */
export function schemaOf({ components }: SnapshotManifest): Schema {
  checkUnique("component", components.map(({ name }) => name));
  return asWireError(() => createSchema(components.map(parseComponent)));
}

function parseComponent({ name, fields }: SnapshotManifest["components"][number]): ComponentType {
  checkUnique(`field of "${name}"`, fields.map(({ name }) => name));
  return componentType(
    name,
    fields.map((field) => ({
      name: field.name,
      type: field.type,
      default: parseFieldValue(field.type, field.default),
    })),
  );
}

function checkUnique(what: string, names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice === undefined) return;
  throw new WireError(`Cannot read a snapshot's layouts: ${what} "${twice}" is there twice`);
}
