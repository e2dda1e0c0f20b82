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
} from "./field_type.ts";

/** What the two kinds of column share; rows are numbered from 0. */
export interface Column {
  readonly field: Field;
  /** The newest change tick in which a value of this column was written. */
  changedLast: number;
  get(row: number): FieldValue;
  set(row: number, value: FieldValue): void;
  /** Copies row `from` of `source`, a column of the same field type, over row `to`. */
  copyRow(to: number, source: Column, from: number): void;
  /** Makes room for `rows` rows; what is there is kept. */
  reserve(rows: number): void;
  /** Lets go of what row `row`, the last one, refers to. */
  release(row: number): void;
  /** Becomes a copy of the first `rows` rows of `source`, a column of the same field type. */
  load(source: Column, rows: number): void;
}

export type AnyColumn = FixedColumn | ListColumn;

export function createColumn(field: Field): AnyColumn {
  return isFixed(field.type) ? new FixedColumn(field, field.type) : new ListColumn(field);
}

/** `data` has `stride` elements per row and is replaced when the column grows. */
export class FixedColumn implements Column {
  readonly stride: number;
  changedLast = 0;
  data: TypedArray;

  constructor(readonly field: Field, readonly type: FixedFieldType) {
    this.stride = strideOf(type);
    this.data = allocate(type, 0);
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

  copyRow(to: number, source: Column, from: number): void {
    const { data, stride } = this;
    const other = (source as FixedColumn).data;
    for (let k = 0; k < stride; k++) data[to * stride + k] = other[from * stride + k];
  }

  reserve(rows: number): void {
    if (rows * this.stride <= this.data.length) return;
    const grown = allocate(this.type, rows);
    grown.set(this.data as never);
    this.data = grown;
  }

  release(): void {}

  load(source: Column, rows: number): void {
    this.data = (source as FixedColumn).data.slice(0, rows * this.stride);
    this.changedLast = source.changedLast;
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

  copyRow(to: number, source: Column, from: number): void {
    this.data[to] = (source as ListColumn).data[from];
  }

  reserve(): void {}

  release(row: number): void {
    this.data.length = row;
  }

  load(source: Column, rows: number): void {
    this.data = (source as ListColumn).data.slice(0, rows);
    this.changedLast = source.changedLast;
  }
}
