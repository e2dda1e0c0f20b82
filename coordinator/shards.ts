/**
 * Cuts the rows that a query matches into shards. Shards follow the order of
 * the tables and their rows, so that taking results shard by shard is taking
 * them row by row, however many shards there are.
 *
 * @module
 */
import type { Table } from "../lib/ecs/archetype.ts";
import { rowBytesOf } from "../lib/ecs/field_type.ts";
import { type AnyColumn, ListColumn } from "../lib/ecs/column.ts";
import type { Access, Query } from "../lib/ecs/query.ts";
import type { RowSelection } from "../lib/wire/column.ts";
import { listValueBytes } from "../lib/wire/list_value.ts";

/** Rows of one table within a shard. */
export interface ShardChunk extends RowSelection {
  readonly table: Table;
}

export type Shard = readonly ShardChunk[];

export interface ShardLimits {
  /** Into how many shards that many rows are to be cut, at the least; 1 by default. */
  shardCount?(rows: number): number;
  /** Largest message of the bus, in bytes. */
  readonly payloadBytesMax: number;
}

/** Large enough that the cost per message does not matter, small enough to overlap. */
const SHARD_BYTES_TARGET = 1024 * 1024;
/** Room in a message for everything but the columns. */
const ENVELOPE_BYTES = 4096;
/** Per chunk: its descriptor and the names of its columns. */
const CHUNK_BYTES = 512;
const ENTITY_BYTES = 8;
const ROW_NUMBER_BYTES = 4;

/** The shards of all matching rows; none when nothing matches. */
export function planShards(
  tables: readonly Table[],
  query: Query,
  { shardCount = () => 1, payloadBytesMax, changedSince }: ShardLimits & { changedSince: number },
): Shard[] {
  const selections = tables.flatMap((table) => selectRows(table, query, changedSince));
  const rows = selections.reduce((sum, { count }) => sum + count, 0);
  const rowsMax = Math.ceil(rows / Math.max(1, shardCount(rows)));
  const bytesMax = Math.min(SHARD_BYTES_TARGET, payloadBytesMax - ENVELOPE_BYTES);
  const shards: Shard[] = [];
  let open: ShardChunk[] = [];
  let room = { rows: rowsMax, bytes: bytesMax };
  const close = () => {
    if (open.length > 0) shards.push(open);
    open = [];
    room = { rows: rowsMax, bytes: bytesMax };
  };
  for (const selection of selections) {
    const measure = measureRows(selection, query);
    for (let at = 0; at < selection.count;) {
      let fit = measure(at, { rows: room.rows, bytes: room.bytes - CHUNK_BYTES });
      if (fit.rows === 0 && open.length > 0) {
        close();
        continue;
      }
      // A row that is larger than the target travels alone.
      if (fit.rows === 0) fit = { rows: 1, bytes: bytesMax };
      open.push(slice(selection, at, fit.rows));
      room = { rows: room.rows - fit.rows, bytes: room.bytes - CHUNK_BYTES - fit.bytes };
      at += fit.rows;
    }
  }
  close();
  return shards;
}

export function rowCount(shards: readonly Shard[]): number {
  return shards.flat().reduce((sum, { count }) => sum + count, 0);
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

interface Extent {
  readonly rows: number;
  readonly bytes: number;
}

/**
 * Measures how many rows of the selection, from a place in it on, fit into a
 * room, and the bytes that they take in a message, both directions together.
 */
function measureRows(
  { table, first, count, rows }: ShardChunk,
  query: Query,
): (at: number, room: Extent) => Extent {
  const columns = accessedColumns(table, query);
  const lists = columns.filter((column) => column instanceof ListColumn);
  const fixedBytes = columns.reduce((sum, { field }) => sum + rowBytesOf(field.type), 1) +
    (query.entities ? ENTITY_BYTES : 0) + (rows ? ROW_NUMBER_BYTES : 0);
  return (at, room) => {
    const rowsMax = Math.max(0, Math.min(count - at, room.rows));
    if (lists.length === 0) {
      const fitting = Math.max(0, Math.min(rowsMax, Math.floor(room.bytes / fixedBytes)));
      return { rows: fitting, bytes: fitting * fixedBytes };
    }
    let bytes = 0;
    for (let taken = 0; taken < rowsMax; taken++) {
      const row = rows ? rows[at + taken] : first + at + taken;
      const listBytes = lists.reduce((sum, { data }) => sum + listValueBytes(data[row]), 0);
      if (bytes + fixedBytes + listBytes > room.bytes) return { rows: taken, bytes };
      bytes += fixedBytes + listBytes;
    }
    return { rows: rowsMax, bytes };
  };
}

/** A written column counts twice where it is a list, since what comes back may be longer. */
function accessedColumns(table: Table, query: Query): AnyColumn[] {
  const columnsOf = ({ component, fields }: Access) =>
    table.store(component)?.columns.filter(({ field }) => fields.includes(field)) ?? [];
  const written = query.write.flatMap(columnsOf);
  return [
    ...[...query.read, ...query.optional].flatMap(columnsOf),
    ...written,
    ...written.filter((column) => column instanceof ListColumn),
  ];
}
