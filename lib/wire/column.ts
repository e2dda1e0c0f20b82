/**
 * Single columns on their way between memory and messages.
 *
 * @module
 */
import type { ValueType } from "@std/msgpack";
import { type AnyColumn, FixedColumn } from "../ecs/column.ts";
import { bytesOfRows, rowsOfBytes, writeRows } from "../ecs/column_bytes.ts";
import type { ComponentType, Field } from "../ecs/component.ts";
import {
  allocate,
  type FixedFieldType,
  isFixed,
  rowBytesOf,
  strideOf,
  type TypedArray,
  wordsOf,
} from "../ecs/field_type.ts";
import { parseFieldValue } from "../ecs/field_value.ts";
import { errorMessage } from "../error_message.ts";
import type { WireColumn } from "./messages.ts";
import { WireError } from "./wire_error.ts";

/** Rows of one table: `count` from `first` on, or those that `rows` lists. */
export interface RowSelection {
  readonly first: number;
  readonly count: number;
  readonly rows?: Uint32Array;
}

/** A column of a message in memory: a typed array, or one value per row. */
export type ColumnData = TypedArray | ValueType[];

const WORD_BYTES = 4;

/** The name of a column in messages. */
export function columnKey(component: ComponentType, field: Field): string {
  return `${component.name}.${field.name}`;
}

/** The selected rows of a table's column, as a message carries them. */
export function encodeRows(column: AnyColumn, { first, count, rows }: RowSelection): WireColumn {
  if (!(column instanceof FixedColumn)) {
    return rows ? gatherList(column.data, rows) : column.data.slice(first, first + count);
  }
  const { type, data } = column;
  return rows
    ? bytesOfRows(type, gatherFixed(column.field, data, rows), { first: 0, count })
    : bytesOfRows(type, data, { first, count });
}

/** The values of the listed rows. */
export function gather(field: Field, data: ColumnData, rows: Uint32Array): ColumnData {
  return isFixed(field.type)
    ? gatherFixed(field, data as TypedArray, rows)
    : gatherList(data as ValueType[], rows);
}

function gatherList(data: readonly ValueType[], rows: Uint32Array): ValueType[] {
  return Array.from(rows, (row) => data[row]);
}

function gatherFixed({ type }: Field, data: TypedArray, rows: Uint32Array): TypedArray {
  if (!isFixed(type)) throw new TypeError(`Cannot gather ${type} from a typed array`);
  const stride = strideOf(type);
  const gathered = allocate(type, rows.length);
  for (let i = 0; i < rows.length; i++) {
    for (let k = 0; k < stride; k++) gathered[i * stride + k] = data[rows[i] * stride + k];
  }
  return gathered;
}

/** The first `count` rows of a column in memory, as a message carries them. */
export function encodeColumn(field: Field, data: ColumnData, count: number): WireColumn {
  return isFixed(field.type)
    ? bytesOfRows(field.type, data as TypedArray, { first: 0, count })
    : data as ValueType[];
}

/**
 * A column of `count` rows out of a message; it may be a view of the message.
 * @throws {WireError} when its kind or length is wrong, or a value is not the field's.
 */
export function decodeColumn(field: Field, column: WireColumn, count: number): ColumnData {
  const { type } = field;
  if (!isFixed(type)) return decodeList(field, column, count);
  const bytes = checkBytes(type, column, count);
  return asWireError(() => rowsOfBytes(type, bytes));
}

/** A column that is to be merged into another: the bytes of its rows as memory has them, aligned or not, or one value per row. */
export type MergeSource = ArrayBufferView | ValueType[];

/**
 * A column of `count` rows out of a message, to be merged: a view of the message
 * where memory has the rows as the wire does.
 * @throws {WireError} as {@linkcode decodeColumn} does.
 */
export function decodeMergeSource(field: Field, column: WireColumn, count: number): MergeSource {
  const { type } = field;
  return isFixed(type) && type !== "entity"
    ? checkBytes(type, column, count)
    : decodeColumn(field, column, count);
}

/** @throws {WireError} when the column is not the bytes of `count` rows. */
function checkBytes(type: FixedFieldType, column: WireColumn, count: number): Uint8Array {
  if (!(column instanceof Uint8Array)) {
    throw new WireError(`Cannot decode a column of ${type}: it is not bin`);
  }
  const bytesExpected = count * rowBytesOf(type);
  if (column.length === bytesExpected) return column;
  throw new WireError(
    `Cannot decode a column of ${type}: ${count} rows take ${bytesExpected} bytes, it has ${column.length}`,
  );
}

/**
 * Writes a column of `count` rows out of a message into a table's, from row
 * `first` on, where the table has room for them; a list column's rows are appended.
 * @throws {WireError} as {@linkcode decodeColumn} does.
 */
export function loadColumn(
  target: AnyColumn,
  column: WireColumn,
  { first, count }: { first: number; count: number },
): void {
  if (target instanceof FixedColumn) {
    const bytes = checkBytes(target.type, column, count);
    asWireError(() => writeRows(target.type, target.data, { first, bytes }));
    return;
  }
  for (const value of decodeList(target.field, column, count)) {
    // A view would keep the whole message in memory.
    target.data.push(value instanceof Uint8Array ? new Uint8Array(value) : value);
  }
}

function decodeList({ type }: Field, column: WireColumn, count: number): ValueType[] {
  if (!Array.isArray(column) || column.length !== count) {
    throw new WireError(`Cannot decode a column of ${type}: it is not ${count} values`);
  }
  return asWireError(() => column.map((value) => parseFieldValue(type, value) as ValueType));
}

/** Marks rows as changed in a tick, but never as changed earlier than they were. */
export interface ChangeMarks {
  readonly changed: Float64Array;
  readonly tick: number;
}

export interface Merge {
  readonly target: ColumnData;
  /** One row per selected row of the target. */
  readonly source: MergeSource;
  readonly marks?: ChangeMarks | undefined;
}

/** Writes a column over the selected rows of another; true when a row's bytes changed. */
export function mergeColumn(field: Field, merge: Merge, selection: RowSelection): boolean {
  const { type } = field;
  return isFixed(type)
    ? mergeFixed(rowBytesOf(type), merge, selection)
    : mergeList(merge, selection);
}

function mergeList(
  { target, source, marks }: Merge,
  { first, count, rows }: RowSelection,
): boolean {
  if (!Array.isArray(source)) throw new TypeError("Cannot merge bytes into values");
  let isChanged = false;
  for (let i = 0; i < count; i++) {
    const row = rows ? rows[i] : first + i;
    if (target[row] === source[i]) continue;
    target[row] = source[i];
    if (marks && marks.changed[row] < marks.tick) marks.changed[row] = marks.tick;
    isChanged = true;
  }
  return isChanged;
}

/** Compares and copies every type alike, to the bit; rows of whole words by the word. */
function mergeFixed(
  rowBytes: number,
  { target, source, marks = NO_MARKS }: Merge,
  { first, count, rows }: RowSelection,
): boolean {
  const from = viewOf(source as ArrayBufferView);
  const { buffer, byteOffset, byteLength } = target as TypedArray;
  const hasWords = rowBytes % WORD_BYTES === 0;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  const words = hasWords ? new Uint32Array(buffer, byteOffset, byteLength / WORD_BYTES) : NO_WORDS;
  const { changed, tick } = marks;
  let isChanged = false;
  for (let i = 0; i < count; i++) {
    const row = rows ? rows[i] : first + i;
    const differs = hasWords
      ? copyWords(words, row * rowBytes / WORD_BYTES, from, i * rowBytes, rowBytes)
      : copyBytes(bytes, row * rowBytes, from, i * rowBytes, rowBytes);
    if (differs === 0) continue;
    if (changed[row] < tick) changed[row] = tick;
    isChanged = true;
  }
  return isChanged;
}

/** Copies `length` bytes, and returns 0 when they were there already. Called once a row, so what it takes comes in no object. */
function copyWords(
  to: Uint32Array,
  at: number,
  from: DataView,
  start: number,
  length: number,
): number {
  let differs = 0;
  for (let k = start; k < start + length; k += WORD_BYTES, at++) {
    const word = from.getUint32(k, true);
    differs |= to[at] ^ word;
    to[at] = word;
  }
  return differs;
}

/** As {@linkcode copyWords}; two functions, since one over both arrays would be slow with each. */
function copyBytes(
  to: Uint8Array,
  at: number,
  from: DataView,
  start: number,
  length: number,
): number {
  let differs = 0;
  for (let k = start; k < start + length; k++, at++) {
    const byte = from.getUint8(k);
    differs |= to[at] ^ byte;
    to[at] = byte;
  }
  return differs;
}

function viewOf({ buffer, byteOffset, byteLength }: ArrayBufferView): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

const NO_MARKS: ChangeMarks = { changed: new Float64Array(0), tick: 0 };
const NO_WORDS = new Uint32Array(0);

/** The rows in which two columns of `count` rows differ, to the bit; objects always do. */
export function differingRows(
  field: Field,
  { before, after }: { before: ColumnData; after: ColumnData },
  count: number,
): Uint32Array {
  const rows = new Uint32Array(count);
  let length = 0;
  const { type } = field;
  if (!isFixed(type)) {
    for (let row = 0; row < count; row++) {
      if (typeof after[row] === "object" || before[row] !== after[row]) rows[length++] = row;
    }
    return rows.subarray(0, length);
  }
  const words = rowWordsOf(type);
  const a = wordsOf(before as TypedArray);
  const b = wordsOf(after as TypedArray);
  for (let row = 0; row < count; row++) {
    for (let k = row * words; k < (row + 1) * words; k++) {
      if (a[k] === b[k]) continue;
      rows[length++] = row;
      break;
    }
  }
  return rows.subarray(0, length);
}

/** Machine words per row, as `wordsOf` has them; the wire has as many bytes as memory. */
function rowWordsOf(type: FixedFieldType): number {
  const bytes = rowBytesOf(type);
  return bytes % WORD_BYTES === 0 ? bytes / WORD_BYTES : bytes;
}

/** What `decode` returns; what it throws becomes a WireError. */
export function asWireError<T>(decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    if (cause instanceof WireError) throw cause;
    throw new WireError(errorMessage(cause), { cause });
  }
}
