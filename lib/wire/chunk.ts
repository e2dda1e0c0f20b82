/**
 * Chunks: rows of one archetype on their way between tables and messages.
 *
 * @module
 */
import type { Table } from "../ecs/archetype.ts";
import { decodeEntities, encodeEntities, readEntities, rowsOfBytes } from "../ecs/column_bytes.ts";
import type { Field } from "../ecs/component.ts";
import type { Access } from "../ecs/query.ts";
import {
  asWireError,
  type ColumnData,
  columnKey,
  decodeColumn,
  decodeMergeSource,
  encodeRows,
  mergeColumn,
  type MergeSource,
  type RowSelection,
} from "./column.ts";
import type { Chunk } from "./messages.ts";
import {
  bytesOfRowNumbers,
  type ColumnChange,
  type DecodedPatch,
  decodePatch,
  encodeTableChange,
} from "./patch.ts";
import { WireError } from "./wire_error.ts";

const ENTITY_BYTES = 8;
const ROW_NUMBER_BYTES = 4;

export interface ChunkOptions {
  readonly accesses: readonly Access[];
  /** Whether the rows' entities go along, unless the receiver has them. */
  readonly entities: boolean;
  /** Change tick up to which the receiver has the rows; what is older is left out. */
  readonly since?: number | undefined;
}

/**
 * The selected rows of `table` as a message carries them: one column per field
 * of `accesses`, leaving out components that the archetype lacks.
 */
export function encodeChunk(
  table: Table,
  selection: RowSelection,
  { accesses, entities, since }: ChunkOptions,
): Chunk {
  const { first, count, rows } = selection;
  const changes = new Map<string, ColumnChange>();
  for (const { component, fields } of accesses) {
    const store = table.store(component);
    if (store === undefined) continue;
    let changed: Uint32Array | undefined;
    for (const column of store.columns) {
      if (!fields.includes(column.field)) continue;
      const key = columnKey(component, column.field);
      if (since === undefined) {
        changes.set(key, { column: encodeRows(column, selection) });
      } else if (column.changedLast > since) {
        changed ??= changedRows(store.changed, selection, since);
        changes.set(key, encodeTableChange(column, selection, changed));
      }
    }
  }
  return {
    archetype: table.id,
    first,
    count,
    ...collectChanges(changes),
    ...(rows && { rows: bytesOfRowNumbers(rows) }),
    ...(entities && since === undefined &&
      { entities: encodeEntities(selectEntities(table, selection)) }),
  };
}

/** Changes by column key, as a chunk lists them. */
export function collectChanges(
  changes: ReadonlyMap<string, ColumnChange>,
): Pick<Chunk, "columns" | "patches"> {
  const columns: Chunk["columns"] = {};
  const patches: NonNullable<Chunk["patches"]> = {};
  let isPatched = false;
  for (const [key, { column, patch }] of changes) {
    if (column) columns[key] = column;
    if (!patch) continue;
    patches[key] = patch;
    isPatched = true;
  }
  return isPatched ? { columns, patches } : { columns };
}

/** Places within the selection that are marked as changed after `since`. */
function changedRows(marks: Float64Array, { first, count }: RowSelection, since: number) {
  const rows = new Uint32Array(count);
  let length = 0;
  for (let i = 0; i < count; i++) {
    if (marks[first + i] > since) rows[length++] = i;
  }
  return rows.subarray(0, length);
}

function selectEntities(table: Table, { first, count, rows }: RowSelection): Float64Array {
  return rows
    ? Float64Array.from(rows, (row) => table.entities[row])
    : table.entities.subarray(first, first + count);
}

/** @throws {WireError} when the lengths do not fit the count. */
export function decodeSelection(chunk: Chunk): RowSelection {
  const { first, count, rows } = chunk;
  if (rows === undefined) return { first, count };
  if (rows.length !== count * ROW_NUMBER_BYTES) {
    throw new WireError(`Cannot decode a chunk: its rows are not ${count} u32s`);
  }
  return { first, count, rows: rowsOfBytes("u32", rows) as Uint32Array };
}

interface WithEntities {
  readonly entities?: Uint8Array | undefined;
  readonly count: number;
}

/** @throws {WireError} when they are missing, not `count` u64s, or not safe integers. */
export function decodeChunkEntities(chunk: WithEntities): Float64Array<ArrayBuffer> {
  const bytes = entityBytes(chunk);
  return asWireError(() => decodeEntities(bytes));
}

/**
 * Writes a chunk's entities into a table's, from row `first` on.
 * @throws {WireError} as {@linkcode decodeChunkEntities} does.
 */
export function loadChunkEntities(target: Float64Array, chunk: WithEntities, first: number): void {
  const bytes = entityBytes(chunk);
  asWireError(() => readEntities(bytes, target, first));
}

function entityBytes({ entities, count }: WithEntities): Uint8Array {
  if (entities?.length === count * ENTITY_BYTES) return entities;
  throw new WireError(`Cannot decode a chunk: its entities are not ${count} u64s`);
}

/** The part of a chunk, or of a broadcast set, that columns are decoded from. */
export type ColumnSource = Pick<Chunk, "columns" | "count" | "patches">;

export interface DecodeOptions {
  /** Accesses whose component may be missing as a whole. */
  readonly optional?: readonly Access[];
  /** The columns that the receiver has; patches change them in place. */
  readonly base?: ReadonlyMap<string, ColumnData> | undefined;
}

/**
 * The columns of `accesses`, by column key. All fields of a component must be in
 * the chunk or in `base`.
 * @throws {WireError} when one is missing or malformed.
 */
export function decodeColumns(
  chunk: ColumnSource,
  accesses: readonly Access[],
  { optional = [], base }: DecodeOptions = {},
): Map<string, ColumnData> {
  const columns = new Map<string, ColumnData>();
  const isThere = (key: string) => Object.hasOwn(chunk.columns, key) || base?.has(key) === true;
  for (const access of [...accesses, ...optional]) {
    const { component, fields } = access;
    const isOptional = optional.includes(access);
    if (isOptional && !fields.some((field) => isThere(columnKey(component, field)))) continue;
    for (const field of fields) {
      const key = columnKey(component, field);
      columns.set(key, decodeFieldColumn(field, chunk, { key, base }));
    }
  }
  return columns;
}

function decodeFieldColumn(
  field: Field,
  { columns, count, patches }: ColumnSource,
  { key, base }: { key: string; base: DecodeOptions["base"] },
): ColumnData {
  if (Object.hasOwn(columns, key)) return decodeColumn(field, columns[key], count);
  const data = base?.get(key);
  if (data === undefined) throw new WireError(`Cannot decode a chunk: column "${key}" is missing`);
  if (patches && Object.hasOwn(patches, key)) {
    const { rows, values } = decodePatch(field, patches[key], count);
    const selection = { first: 0, count: rows.length, rows };
    mergeColumn(field, { target: data, source: values }, selection);
  }
  return data;
}

/** A result's columns and patches by column key; what it leaves out has not changed. */
export interface ChunkResult {
  readonly columns: ReadonlyMap<string, MergeSource>;
  readonly patches: ReadonlyMap<string, DecodedPatch>;
}

/** @throws {WireError} when a column or patch of `accesses` is malformed. */
export function decodeResult(chunk: ColumnSource, accesses: readonly Access[]): ChunkResult {
  const columns = new Map<string, MergeSource>();
  const patches = new Map<string, DecodedPatch>();
  for (const { component, fields } of accesses) {
    for (const field of fields) {
      const key = columnKey(component, field);
      if (Object.hasOwn(chunk.columns, key)) {
        columns.set(key, decodeMergeSource(field, chunk.columns[key], chunk.count));
      } else if (chunk.patches && Object.hasOwn(chunk.patches, key)) {
        patches.set(key, decodePatch(field, chunk.patches[key], chunk.count));
      }
    }
  }
  return { columns, patches };
}

/**
 * Writes a result over the selected rows of `table` and marks the rows whose
 * bytes differ as changed in `tick`.
 */
export function mergeResult(
  table: Table,
  selection: RowSelection,
  { accesses, result, tick }: {
    accesses: readonly Access[];
    result: ChunkResult;
    tick: number;
  },
): void {
  for (const { component, fields } of accesses) {
    const store = table.store(component);
    if (store === undefined) continue;
    for (const column of store.columns) {
      if (!fields.includes(column.field)) continue;
      const key = columnKey(component, column.field);
      const patch = result.patches.get(key);
      const source = result.columns.get(key) ?? patch?.values;
      if (source === undefined) continue;
      const rows = patch ? patchedRows(selection, patch.rows) : selection;
      const merge = { target: column.data, source, marks: { changed: store.changed, tick } };
      if (!mergeColumn(column.field, merge, rows)) continue;
      column.changedLast = Math.max(column.changedLast, tick);
      store.changedLast = Math.max(store.changedLast, tick);
    }
  }
}

/** The rows of the table that a patch's places within the selection are. */
function patchedRows({ first, rows }: RowSelection, places: Uint32Array): RowSelection {
  const tableRows = places.map((place) => rows ? rows[place] : first + place);
  return { first: 0, count: places.length, rows: tableRows };
}
