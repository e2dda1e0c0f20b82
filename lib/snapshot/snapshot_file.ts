/**
 * A snapshot as a file: a head of 24 bytes, the manifest, and the parts in their
 * order, all as they are stored in a stream and nothing between them.
 *
 *     0   8 bytes  "ORRERYSN"
 *     8   u32      version of the format
 *     12  u32      length of the manifest
 *     16  u64      XXH64 (seed 0) of bytes 0 to 15 and the manifest
 *     24           the manifest: a SnapshotManifest
 *                  the parts: SnapshotParts, with the lengths and digests that it lists
 *
 * Numbers are little-endian. No byte is outside of a digest, so one that has
 * changed is always found, and the error says where.
 *
 * @module
 */
import { createDigest, digest64, digestHex } from "../ecs/digest.ts";
import { encodeMessage } from "../wire/codec.ts";
import { asWireError } from "../wire/column.ts";
import { WireError } from "../wire/wire_error.ts";
import { ImageBuilder } from "./image_builder.ts";
import { encodeParts } from "./image_parts.ts";
import { SnapshotError } from "./snapshot_error.ts";
import {
  createManifest,
  damageOf,
  metaOf,
  newerFormat,
  parseManifest,
  SNAPSHOT_VERSION,
  type SnapshotManifest,
} from "./snapshot_manifest.ts";
import type { Snapshot, StoredSnapshot } from "./snapshot_store.ts";
import { restoreWorld } from "./world_image.ts";

const MAGIC = new TextEncoder().encode("ORRERYSN");
const VERSION_AT = 8;
const LENGTH_AT = 12;
const DIGEST_AT = 16;
const HEAD_BYTES = 24;

/** A file to be read from its beginning. */
export interface FileSource {
  /** For messages. */
  readonly name: string;
  /** Length in bytes. */
  readonly size: number;
  /** The next `length` bytes; fewer where the file ends. */
  read(length: number): Promise<Uint8Array>;
}

/** A snapshot that is in no stream, in its stored form. */
export function encodeSnapshot({ image, meta }: Snapshot): StoredSnapshot {
  const data = [...encodeParts(image, { snapshot: meta.id, payloadBytesMax: Infinity })];
  const parts = data.map((part) => ({ bytes: part.length, digest: digest64(part) }));
  const manifest = createManifest(image, { meta, parts });
  const { data: manifestData } = encodeMessage("SnapshotManifest", manifest);
  return { manifest, manifestData, parts: ReadableStream.from(data) };
}

/** The bytes of a snapshot's file, piece by piece. */
export async function* writeFile(
  { manifestData, parts }: Pick<StoredSnapshot, "manifestData" | "parts">,
): AsyncGenerator<Uint8Array> {
  const head = new Uint8Array(HEAD_BYTES);
  const view = new DataView(head.buffer);
  head.set(MAGIC);
  view.setUint32(VERSION_AT, SNAPSHOT_VERSION, true);
  view.setUint32(LENGTH_AT, manifestData.length, true);
  view.setBigUint64(DIGEST_AT, headDigest(head, manifestData), true);
  yield head;
  yield manifestData;
  yield* parts;
}

/**
 * The snapshot that a file holds.
 * @throws {SnapshotError} when it is not whole, damaged, no snapshot at all, or
 * of a newer format; the message says where.
 */
export async function readFile(
  source: FileSource,
  { onProgress }: { onProgress?(done: number, total: number): void } = {},
): Promise<Snapshot> {
  try {
    const { manifest, bytes } = await readManifest(source);
    checkSize(source, { manifest, bytes });
    const snapshot = await readParts(source, { manifest, bytes, onProgress });
    // What no world can be is refused here, rather than by whoever uses it.
    asWireError(() => restoreWorld(snapshot.image.schema, snapshot.image));
    return snapshot;
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause;
    throw new SnapshotError(`Cannot read "${source.name}": ${cause.message}`, { cause });
  }
}

/** `bytes`: how many the head and the manifest take. */
interface Beginning {
  readonly manifest: SnapshotManifest;
  readonly bytes: number;
}

async function readManifest(source: FileSource): Promise<Beginning> {
  const head = await source.read(HEAD_BYTES);
  if (!MAGIC.every((byte, i) => head[i] === byte)) {
    throw new WireError("it does not begin like a snapshot's file");
  }
  if (head.length < HEAD_BYTES) throw endsEarly(head.length, HEAD_BYTES);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const version = view.getUint32(VERSION_AT, true);
  if (version > SNAPSHOT_VERSION) throw newerFormat(version);
  const end = HEAD_BYTES + view.getUint32(LENGTH_AT, true);
  if (end > source.size) throw endsEarly(source.size, end);
  const data = await source.read(end - HEAD_BYTES);
  const expected = view.getBigUint64(DIGEST_AT, true);
  const digest = headDigest(head, data);
  if (digest !== expected) {
    throw new WireError(
      `its beginning, bytes 0 to ${end}, is damaged: its digest is ${digestHex(digest)} ` +
        `instead of ${digestHex(expected)}`,
    );
  }
  return { manifest: parseManifest(data), bytes: end };
}

/** Before anything is reserved for what the manifest announces. */
function checkSize({ size }: FileSource, { manifest, bytes }: Beginning): void {
  const expected = manifest.parts.reduce((sum, part) => sum + part.bytes, bytes);
  if (size < expected) throw endsEarly(size, expected);
  if (size > expected) {
    throw new WireError(`${size - expected} bytes follow where it should end, at ${expected}`);
  }
}

async function readParts(
  source: FileSource,
  { manifest, bytes, onProgress }: Beginning & {
    onProgress: ((done: number, total: number) => void) | undefined;
  },
): Promise<Snapshot> {
  const builder = new ImageBuilder(manifest);
  const { parts } = manifest;
  let at = bytes;
  for (const [number, part] of parts.entries()) {
    const end = at + part.bytes;
    const data = await source.read(part.bytes);
    const damage = damageOf(data, { number, parts });
    if (damage !== undefined) throw new WireError(`bytes ${at} to ${end}: ${damage}`);
    builder.add(data);
    at = end;
    onProgress?.(at, source.size);
  }
  return { meta: metaOf(manifest), image: builder.build() };
}

/** Of everything before the digest itself, and the manifest. */
function headDigest(head: Uint8Array, manifest: Uint8Array): bigint {
  const digest = createDigest();
  digest.update(head.subarray(0, DIGEST_AT));
  digest.update(manifest);
  return digest.value();
}

function endsEarly(size: number, expected: number): WireError {
  return new WireError(`it ends at byte ${size} instead of ${expected}`);
}
