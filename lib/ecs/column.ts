/**
 * A column holds one field of every row of a table: a {@linkcode FixedColumn}
 * in a typed array, a {@linkcode ListColumn} in a plain array.
 *
 * @module
 */
import type { ValueType } from "@std/msgpack";
import type { Field } from "./component.ts";
import {
  allocate,
  type FieldValue,
  type FixedFieldType,
  isFixed,
  strideOf,
  type TypedArray,
  wordsOf,
} from "./field_type.ts";

/** What the two kinds of column share; rows are numbered from 0. */
export interface Column {
  readonly field: Field;
  /** The newest change tick in which a value of this column was written. */
  changedLast: number;
  get(row: number): FieldValue;
  set(row: number, value: FieldValue): void;
  /** Sets the field's default. */
  setDefault(row: number): void;
  /** Copies row `from` of `source`, a column of the same field type, over row `to`. */
  copyRow(to: number, source: Column, from: number): void;
  /** Makes room for `rows` rows; what is there is kept. */
  reserve(rows: number): void;
  /** Becomes `source`, a column of the same field type, and shares its array. */
  take(source: Column): void;
  /** Copies the first `rows` rows of `source`, a column of the same field type, over those that it has room for. */
  copyRows(source: Column, rows: number): void;
}

export type AnyColumn = FixedColumn | ListColumn;

export function createColumn(field: Field): AnyColumn {
  return isFixed(field.type) ? new FixedColumn(field, field.type) : new ListColumn(field);
}

export class FixedColumn implements Column {
  readonly stride: number;
  /** Machine words per row, of 4 bytes or of 1. */
  readonly rowWords: number;
  changedLast = 0;
  #data: TypedArray;
  #words: Uint32Array | Uint8Array;
  readonly #defaultWords: Uint32Array | Uint8Array;

  constructor(readonly field: Field, readonly type: FixedFieldType) {
    this.stride = strideOf(type);
    this.#data = allocate(type, 1);
    this.#words = wordsOf(this.#data);
    this.rowWords = this.#words.length;
    this.set(0, field.default);
    this.#defaultWords = this.#words.slice();
  }

  /** `stride` elements per row; another array when the column has grown. */
  get data(): TypedArray {
    return this.#data;
  }

  set data(data: TypedArray) {
    this.#data = data;
    this.#words = wordsOf(data);
  }

  /** The bytes of `data` as machine words, so that one loop serves every type. */
  get words(): Uint32Array | Uint8Array {
    return this.#words;
  }

  get(row: number): FieldValue {
    if (this.stride > 1) {
      return Array.from(this.data.subarray(row * this.stride, (row + 1) * this.stride) as never);
    }
    const value = this.data[row];
    return this.type === "bool" ? value !== 0 : value;
  }

  set(row: number, value: FieldValue): void {
    const { data, stride } = this;
    if (stride === 1) {
      data[row] = value as number;
      return;
    }
    const items = value as ArrayLike<number>;
    for (let k = 0; k < stride; k++) data[row * stride + k] = items[k];
  }

  setDefault(row: number): void {
    this.#copyWords(row, this.#defaultWords, 0);
  }

  copyRow(to: number, source: Column, from: number): void {
    this.#copyWords(to, (source as FixedColumn).words, from);
  }

  #copyWords(to: number, source: Uint32Array | Uint8Array, from: number): void {
    const { words, rowWords } = this;
    const [toWord, fromWord] = [to * rowWords, from * rowWords];
    for (let k = 0; k < rowWords; k++) words[toWord + k] = source[fromWord + k];
  }

  reserve(rows: number): void {
    if (rows * this.stride <= this.data.length) return;
    const grown = allocate(this.type, rows);
    grown.set(this.data as never);
    this.data = grown;
  }

  take(source: Column): void {
    this.data = (source as FixedColumn).data;
    this.changedLast = source.changedLast;
  }

  copyRows(source: Column, rows: number): void {
    const { data } = source as FixedColumn;
    this.data.set(data.subarray(0, rows * this.stride) as never);
  }
}

export class ListColumn implements Column {
  changedLast = 0;
  data: ValueType[] = [];

  constructor(readonly field: Field) {}

  get(row: number): FieldValue {
    return this.data[row] as FieldValue;
  }

  set(row: number, value: FieldValue): void {
    this.data[row] = value as ValueType;
  }

  setDefault(row: number): void {
    this.data[row] = this.field.default as ValueType;
  }

  copyRow(to: number, source: Column, from: number): void {
    this.data[to] = (source as ListColumn).data[from];
  }

  reserve(): void {}

  take(source: Column): void {
    this.data = (source as ListColumn).data;
    this.changedLast = source.changedLast;
  }

  copyRows(source: Column, rows: number): void {
    this.data = (source as ListColumn).data.slice(0, rows);
  }
}
