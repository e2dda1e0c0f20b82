/**
 * Chunks: rows of one archetype on their way between tables and messages.
 *
 * @module
 */
import { markChanged, type Table } from "../ecs/archetype.ts";
import { type AnyColumn, FixedColumn } from "../ecs/column.ts";
import { bytesOfRows, decodeEntities, encodeEntities, rowsOfBytes } from "../ecs/column_bytes.ts";
import type { ComponentType, Field } from "../ecs/component.ts";
import { allocate, isFixed, rowBytesOf, strideOf, type TypedArray } from "../ecs/field_type.ts";
import { parseFieldValue } from "../ecs/field_value.ts";
import type { Access } from "../ecs/query.ts";
import type { ValueType } from "@std/msgpack";
import type { Chunk, WireColumn } from "./messages.ts";
import { WireError } from "./wire_error.ts";

/** Rows of one table: `count` from `first` on, or those that `rows` lists. */
export interface RowSelection {
  readonly first: number;
  readonly count: number;
  readonly rows?: Uint32Array;
}

/** A column of a message in memory: a typed array, or one value per row. */
export type ColumnData = TypedArray | ValueType[];

const ENTITY_BYTES = 8;
const ROW_NUMBER_BYTES = 4;

/** The name of a column in messages. */
export function columnKey(component: ComponentType, field: Field): string {
  return `${component.name}.${field.name}`;
}

/**
 * The selected rows of `table` as a message carries them: one column per field
 * of `accesses`, leaving out components that the archetype lacks.
 */
export function encodeChunk(
  table: Table,
  selection: RowSelection,
  { accesses, entities }: { accesses: readonly Access[]; entities: boolean },
): Chunk {
  const columns: Record<string, WireColumn> = {};
  for (const { component, fields } of accesses) {
    for (const column of table.store(component)?.columns ?? []) {
      if (!fields.includes(column.field)) continue;
      columns[columnKey(component, column.field)] = encodeRows(column, selection);
    }
  }
  const { first, count, rows } = selection;
  return {
    archetype: table.id,
    first,
    count,
    columns,
    ...(rows && { rows: new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength) }),
    ...(entities && { entities: encodeEntities(selectEntities(table, selection)) }),
  };
}

function encodeRows(column: AnyColumn, { first, count, rows }: RowSelection): WireColumn {
  if (!(column instanceof FixedColumn)) {
    return rows
      ? Array.from(rows, (row) => column.data[row])
      : column.data.slice(first, first + count);
  }
  if (!rows) return bytesOfRows(column.type, column.data, { first, count });
  const { stride, type } = column;
  const gathered = allocate(type, count);
  rows.forEach((row, i) => {
    for (let k = 0; k < stride; k++) gathered[i * stride + k] = column.data[row * stride + k];
  });
  return bytesOfRows(type, gathered, { first: 0, count });
}

function selectEntities(table: Table, { first, count, rows }: RowSelection): Float64Array {
  return rows
    ? Float64Array.from(rows, (row) => table.entities[row])
    : table.entities.subarray(first, first + count);
}

/**
 * A column of `count` rows out of a message.
 * @throws {WireError} when its kind or length is wrong, or a value is not the field's.
 */
export function decodeColumn(field: Field, column: WireColumn, count: number): ColumnData {
  const { type } = field;
  if (!isFixed(type)) return decodeList(field, column, count);
  if (!(column instanceof Uint8Array)) {
    throw new WireError(`Cannot decode a column of ${type}: it is not bin`);
  }
  const bytesExpected = count * rowBytesOf(type);
  if (column.length !== bytesExpected) {
    throw new WireError(
      `Cannot decode a column of ${type}: ${count} rows take ${bytesExpected} bytes, it has ${column.length}`,
    );
  }
  return asWireError(() => rowsOfBytes(type, column));
}

function decodeList(field: Field, column: WireColumn, count: number): ValueType[] {
  if (!Array.isArray(column) || column.length !== count) {
    throw new WireError(`Cannot decode a column of ${field.type}: it is not ${count} values`);
  }
  return asWireError(() => column.map((value) => parseFieldValue(field.type, value) as ValueType));
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

/** @throws {WireError} when they are missing, not `count` u64s, or not safe integers. */
export function decodeChunkEntities(chunk: { entities?: Uint8Array | undefined; count: number }) {
  const { entities, count } = chunk;
  if (entities?.length !== count * ENTITY_BYTES) {
    throw new WireError(`Cannot decode a chunk: its entities are not ${count} u64s`);
  }
  return asWireError(() => decodeEntities(entities));
}

/**
 * The columns of `accesses` in a chunk, by column key. All fields of a component
 * must be there; a component of `optional` may be missing as a whole.
 * @throws {WireError} when one is missing or malformed.
 */
export function decodeColumns(
  chunk: { columns: Readonly<Record<string, WireColumn>>; count: number },
  accesses: readonly Access[],
  optional: readonly Access[] = [],
): Map<string, ColumnData> {
  const columns = new Map<string, ColumnData>();
  for (const access of [...accesses, ...optional]) {
    const keys = access.fields.map((field) => columnKey(access.component, field));
    if (optional.includes(access) && !keys.some((key) => Object.hasOwn(chunk.columns, key))) {
      continue;
    }
    for (const [i, field] of access.fields.entries()) {
      const column = chunk.columns[keys[i]];
      if (!Object.hasOwn(chunk.columns, keys[i])) {
        throw new WireError(`Cannot decode a chunk: column "${keys[i]}" is missing`);
      }
      columns.set(keys[i], decodeColumn(field, column, chunk.count));
    }
  }
  return columns;
}

/** The columns of memory as a message carries them. */
export function encodeColumnData(field: Field, data: ColumnData, count: number): WireColumn {
  return isFixed(field.type)
    ? bytesOfRows(field.type, data as TypedArray, { first: 0, count })
    : data as ValueType[];
}

/**
 * Writes columns over the selected rows of `table` and marks the rows whose
 * bytes differ as changed in `tick`.
 */
export function mergeColumns(
  table: Table,
  selection: RowSelection,
  { accesses, columns, tick }: {
    accesses: readonly Access[];
    columns: ReadonlyMap<string, ColumnData>;
    tick: number;
  },
): void {
  for (const { component, fields } of accesses) {
    const store = table.store(component);
    for (const column of store?.columns ?? []) {
      const data = columns.get(columnKey(component, column.field));
      if (!store || !data || !fields.includes(column.field)) continue;
      const changed = (row: number) => markChanged(store, row, tick);
      if (column instanceof FixedColumn) mergeFixed(column, selection, data as TypedArray, changed);
      else mergeList(column.data, selection, data as ValueType[], changed);
    }
  }
}

function mergeList(
  target: ValueType[],
  { first, count, rows }: RowSelection,
  source: ValueType[],
  changed: (row: number) => void,
): void {
  for (let i = 0; i < count; i++) {
    const row = rows ? rows[i] : first + i;
    if (target[row] === source[i]) continue;
    target[row] = source[i];
    changed(row);
  }
}

/** Compares and copies by words, so that one loop serves every type, to the bit. */
function mergeFixed(
  column: FixedColumn,
  { first, count, rows }: RowSelection,
  source: TypedArray,
  changed: (row: number) => void,
): void {
  const rowBytes = strideOf(column.type) * source.BYTES_PER_ELEMENT;
  const wordBytes = rowBytes % 4 === 0 ? 4 : 1;
  const words = rowBytes / wordBytes;
  const to = wordsOf(column.data, wordBytes);
  const from = wordsOf(source, wordBytes);
  for (let i = 0, s = 0; i < count; i++) {
    const row = rows ? rows[i] : first + i;
    let differs = false;
    for (let k = 0, t = row * words; k < words; k++, s++, t++) {
      if (to[t] === from[s]) continue;
      to[t] = from[s];
      differs = true;
    }
    if (differs) changed(row);
  }
}

function wordsOf(array: TypedArray, wordBytes: 4 | 1): Uint32Array | Uint8Array {
  const { buffer, byteOffset, byteLength } = array;
  return wordBytes === 4
    ? new Uint32Array(buffer, byteOffset, byteLength / 4)
    : new Uint8Array(buffer, byteOffset, byteLength);
}

function asWireError<T>(decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new WireError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
