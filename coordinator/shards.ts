/**
 * Cuts the rows that a query matches into shards. Shards follow the order of
 * the tables and their rows, so that taking results shard by shard is taking
 * them row by row, however many shards there are.
 *
 * @module
 */
import type { Table } from "../lib/ecs/archetype.ts";
import { rowBytesOf } from "../lib/ecs/field_type.ts";
import { FixedColumn } from "../lib/ecs/column.ts";
import { encode } from "@std/msgpack";
import type { Access, Query } from "../lib/ecs/query.ts";
import type { RowSelection } from "../lib/wire/column.ts";

/** Rows of one table within a shard. */
export interface ShardChunk extends RowSelection {
  readonly table: Table;
}

export type Shard = readonly ShardChunk[];

export interface ShardLimits {
  /** Shards that instances can take at a time; the rows are cut into at least as many. */
  readonly credits: number;
  /** Largest message of the bus, in bytes. */
  readonly payloadBytesMax: number;
}

/** Below this many rows a shard costs more to send than to run. */
const ROWS_MIN = 512;
/** Large enough that the cost per message does not matter, small enough to overlap. */
const SHARD_BYTES_TARGET = 512 * 1024;
/** Room in a message for everything but the columns. */
const ENVELOPE_BYTES = 4096;
/** Per chunk: its descriptor and the names of its columns. */
const CHUNK_BYTES = 512;
const ENTITY_BYTES = 8;
/** What a list value may take beyond the sample that sizes are estimated from. */
const LIST_MARGIN = 2;
const LIST_SAMPLE_ROWS = 64;

/** The shards of all matching rows; none when nothing matches. */
export function planShards(
  tables: readonly Table[],
  query: Query,
  { credits, payloadBytesMax, changedSince }: ShardLimits & { changedSince: number },
): Shard[] {
  const selections = tables.flatMap((table) => selectRows(table, query, changedSince));
  const rows = selections.reduce((sum, { count }) => sum + count, 0);
  if (rows === 0) return [];
  const byCredits = Math.max(ROWS_MIN, Math.ceil(rows / Math.max(1, credits)));
  const shards: ShardChunk[][] = [];
  let open: ShardChunk[] = [];
  let openBytes = 0;
  let openRows = 0;
  const close = () => {
    if (open.length > 0) shards.push(open);
    open = [];
    openBytes = openRows = 0;
  };
  const bytesMax = Math.min(SHARD_BYTES_TARGET, payloadBytesMax - ENVELOPE_BYTES);
  for (const selection of selections) {
    const bytesPerRow = shardRowBytes(selection.table, query);
    for (let at = 0; at < selection.count;) {
      const room = Math.floor((bytesMax - openBytes - CHUNK_BYTES) / bytesPerRow);
      const count = Math.min(selection.count - at, byCredits - openRows, room);
      if (count <= 0 && open.length > 0) {
        close();
        continue;
      }
      // A row that is larger than the target travels alone.
      const taken = Math.max(1, count);
      open.push(slice(selection, at, taken));
      openRows += taken;
      openBytes += CHUNK_BYTES + taken * bytesPerRow;
      at += taken;
    }
  }
  close();
  return shards;
}

/** The rows of a table that a query takes: all, or those that changed since it last ran. */
function selectRows(table: Table, query: Query, changedSince: number): ShardChunk[] {
  if (table.count === 0) return [];
  if (query.changed.length === 0) return [{ table, first: 0, count: table.count }];
  const stores = query.changed.flatMap((component) => table.store(component) ?? []);
  if (!stores.some(({ changedLast }) => changedLast > changedSince)) return [];
  const rows = new Uint32Array(table.count);
  let count = 0;
  for (let row = 0; row < table.count; row++) {
    if (stores.some(({ changed }) => changed[row] > changedSince)) rows[count++] = row;
  }
  return count === 0 ? [] : [{ table, first: 0, count, rows: rows.slice(0, count) }];
}

function slice({ table, first, rows }: ShardChunk, at: number, count: number): ShardChunk {
  return rows
    ? { table, first: 0, count, rows: rows.slice(at, at + count) }
    : { table, first: first + at, count };
}

/** Bytes that a row takes in a message, in whichever direction is the larger. */
function shardRowBytes(table: Table, query: Query): number {
  const written = accessBytes(table, query.write);
  const read = accessBytes(table, [...query.read, ...query.optional]);
  return 1 + written + read + (query.entities ? ENTITY_BYTES : 0);
}

function accessBytes(table: Table, accesses: readonly Access[]): number {
  let bytes = 0;
  for (const { component, fields } of accesses) {
    for (const column of table.store(component)?.columns ?? []) {
      if (!fields.includes(column.field)) continue;
      bytes += column instanceof FixedColumn
        ? rowBytesOf(column.type)
        : LIST_MARGIN * sampleBytes(column.data);
    }
  }
  return bytes;
}

/** Mean size of a list column's values, from a sample spread over its rows. */
function sampleBytes(data: readonly Parameters<typeof encode>[0][]): number {
  const step = Math.max(1, Math.floor(data.length / LIST_SAMPLE_ROWS));
  const sample = data.filter((_, row) => row % step === 0);
  return Math.ceil(encode(sample).length / Math.max(1, sample.length));
}
