/**
 * One value of each row, as a path names it: where tables have it.
 *
 * @module
 */
import type { Table } from "../lib/ecs/archetype.ts";
import { type AnyColumn, ListColumn } from "../lib/ecs/column.ts";
import type { ComponentType, Schema } from "../lib/ecs/component.ts";
import { strideOf, type TypedArray } from "../lib/ecs/field_type.ts";
import type { ValuePath } from "../lib/query/path.ts";
import type { ColumnData } from "../lib/wire/column.ts";

/** What looking at a value of no fixed size, or at a 64-bit integer, costs: as much as this many numbers. */
const SLOW_WORK = 16;

/** A column as it is at the moment; not to be kept. */
export interface ValueColumn {
  /** Undefined for the entities themselves. */
  readonly source: AnyColumn | undefined;
  readonly data: ColumnData | Float64Array;
  /** Elements per row, and which of them. */
  readonly stride: number;
  readonly lane: number;
  get(row: number): unknown;
}

export class RowValue {
  readonly component: ComponentType | undefined;
  readonly #path: ValuePath;
  readonly #field: number;
  readonly #isSlow: boolean;

  constructor(schema: Schema, path: ValuePath) {
    this.#path = path;
    this.component = schema.get(path.component ?? "");
    this.#field = this.component?.fields.findIndex(({ name }) => name === path.field) ?? -1;
    this.#isSlow = path.kind === "string" || path.kind === "any" || path.kind === "integer";
  }

  /** What a look at each row costs, in numbers. */
  work(table: Table): number {
    if (this.component && !table.has(this.component)) return 0;
    return this.#isSlow ? SLOW_WORK : 1;
  }

  /** The value of one row; undefined where the archetype lacks the component. */
  at(table: Table, row: number): unknown {
    const { component } = this;
    if (component === undefined) return table.entities[row];
    const column = table.store(component)?.columns[this.#field];
    if (column === undefined || column instanceof ListColumn) return column?.data[row];
    const value = column.data[row * column.stride + this.#path.lane];
    return this.#path.kind === "bool" ? value !== 0 : value;
  }

  /** Undefined where the archetype lacks the component. */
  columnIn(table: Table): ValueColumn | undefined {
    const { component } = this;
    if (component === undefined) return entityColumn(table.entities);
    const source = table.store(component)?.columns[this.#field];
    if (source === undefined) return undefined;
    const { kind, lane } = this.#path;
    if (source instanceof ListColumn) {
      const { data } = source;
      return { source, data, stride: 1, lane: 0, get: (row) => data[row] };
    }
    const data: TypedArray = source.data;
    const stride = strideOf(source.type);
    const get = kind === "bool"
      ? (row: number) => data[row] !== 0
      : (row: number) => data[row * stride + lane];
    return { source, data, stride, lane, get };
  }
}

function entityColumn(data: Float64Array): ValueColumn {
  return { source: undefined, data, stride: 1, lane: 0, get: (row) => data[row] };
}
