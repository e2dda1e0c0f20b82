/**
 * Checks that what an instance returns for a shard is what it may return: the
 * rows that it was assigned, and the columns that its manifest says it writes.
 *
 * @module
 */
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import { type ChunkResult, decodeResult } from "../lib/wire/chunk.ts";
import { columnKey } from "../lib/wire/column.ts";
import type { Chunk } from "../lib/wire/messages.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import type { Shard, ShardChunk } from "./shards.ts";

/**
 * The decoded result of each chunk of the shard.
 * @throws {WireError} when they are not the shard's rows, or not the declared columns.
 */
export function decodeShardResult(
  shard: Shard,
  chunks: readonly Chunk[],
  { name, query }: SystemManifest,
): ChunkResult[] {
  const declared = new Set(
    query.write.flatMap(({ component, fields }) =>
      fields.map((field) => columnKey(component, field))
    ),
  );
  if (chunks.length !== shard.length) {
    throw new WireError(`Cannot merge: ${chunks.length} chunks came for ${shard.length}`);
  }
  return chunks.map((chunk, i) => {
    checkRows(shard[i], chunk);
    const keys = [...Object.keys(chunk.columns), ...Object.keys(chunk.patches ?? {})];
    const undeclared = keys.find((key) => !declared.has(key));
    if (undeclared !== undefined) {
      throw new WireError(`Cannot merge "${undeclared}": "${name}" does not declare to write it`);
    }
    return decodeResult(chunk, query.write);
  });
}

function checkRows({ table, first, count, rows }: ShardChunk, chunk: Chunk): void {
  const isSame = chunk.archetype === table.id && chunk.first === first && chunk.count === count &&
    areSameRows(rows, chunk.rows);
  if (!isSame) throw new WireError("Cannot merge: a chunk has other rows than were assigned");
}

function areSameRows(rows: Uint32Array | undefined, bytes: Uint8Array | undefined): boolean {
  if (rows === undefined || bytes === undefined) return rows === bytes;
  const own = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
  return own.length === bytes.length && own.every((byte, i) => byte === bytes[i]);
}
