/**
 * The first rows of an order, selected without sorting them all: a heap keeps the
 * best so far, and most rows are worse than its worst.
 *
 * @module
 */
import type { Table } from "../lib/ecs/archetype.ts";
import type { ComponentType, Schema } from "../lib/ecs/component.ts";
import type { Entity } from "../lib/ecs/entity.ts";
import { compareSortValues, type SortValue, sortValue } from "../lib/query/compare.ts";
import { resolvePath } from "../lib/query/path.ts";
import type { SortKey } from "../lib/query/spec.ts";
import { asWireError } from "../lib/wire/column.ts";
import type { RowRange } from "./row_filter.ts";
import { RowValue, type ValueColumn } from "./row_value.ts";

/** Looking at a key, and comparing it with the worst. */
const KEY_WORK = 2;

export interface RankedRow {
  readonly table: Table;
  readonly row: number;
  readonly entity: Entity;
  readonly keys: readonly SortValue[];
}

interface Key {
  readonly value: RowValue;
  readonly descending: boolean;
}

export class RowOrder {
  readonly #keys: readonly Key[];

  /** @throws {WireError} when it names what is not there. */
  constructor(schema: Schema, sort: readonly SortKey[]) {
    this.#keys = sort.map(({ by, descending = false }) => ({
      value: asWireError(() => new RowValue(schema, resolvePath(schema, by))),
      descending,
    }));
  }

  get components(): readonly ComponentType[] {
    return this.#keys.flatMap(({ value }) => value.component ?? []);
  }

  /** What it costs per row, in numbers compared. */
  work(table: Table): number {
    return KEY_WORK * Math.max(1, this.#keys[0].value.work(table));
  }

  /** Below 0 where `a` comes before `b`; rows that tie come by their entities. */
  compare(a: RankedRow, b: RankedRow): number {
    for (let i = 0; i < this.#keys.length; i++) {
      const order = compareSortValues(a.keys[i], b.keys[i], this.#keys[i].descending);
      if (order !== 0) return order;
    }
    return a.entity - b.entity;
  }

  rank(table: Table, row: number): RankedRow {
    const keys = this.#keys.map(({ value }) => sortValue(value.at(table, row)));
    return { table, row, entity: table.entities[row], keys };
  }

  /** The best `count` rows that it is shown. */
  select(count: number): TopRows {
    return new TopRows(this, count);
  }

  /** What every row of a table is first sorted by. */
  firstKey(table: Table): { column: ValueColumn | undefined; descending: boolean } {
    const { value, descending } = this.#keys[0];
    return { column: value.columnIn(table), descending };
  }
}

const NO_COLUMN = { data: [], stride: 1, lane: 0 };

class TopRows {
  readonly #order: RowOrder;
  readonly #count: number;
  /** A heap: each is no better than the two at twice its place, so the worst is first. */
  readonly #heap: RankedRow[] = [];
  /** The worst first key, where the heap is full and that is a number; else NaN. */
  #bar = NaN;

  constructor(order: RowOrder, count: number) {
    this.#order = order;
    this.#count = count;
  }

  /** Shows it the rows of a range for which `mask`, if there is one, has a 1. */
  offer(table: Table, { first, count }: RowRange, mask: Uint8Array | undefined): void {
    if (this.#count === 0) return;
    const { column, descending } = this.#order.firstKey(table);
    const { data, stride, lane } = column ?? NO_COLUMN;
    const isNumeric = ArrayBuffer.isView(data) && !(data instanceof BigInt64Array) &&
      !(data instanceof BigUint64Array);
    for (let i = 0; i < count; i++) {
      if (isNumeric && !Number.isNaN(this.#bar)) {
        const keys = { data: data as Float64Array, at: first * stride + lane, stride };
        i = nextBetter(keys, mask, { from: i, count, bar: this.#bar, descending });
        if (i === count) return;
      } else if (mask !== undefined && mask[i] === 0) continue;
      this.#admit(this.#order.rank(table, first + i));
    }
  }

  #admit(ranked: RankedRow): void {
    if (this.#heap.length < this.#count) this.#rise(ranked);
    else if (this.#order.compare(ranked, this.#heap[0]) < 0) this.#sink(ranked);
    if (this.#heap.length < this.#count) return;
    const [worst] = this.#heap[0].keys;
    this.#bar = typeof worst === "number" ? worst : NaN;
  }

  /** Best first. */
  sorted(): RankedRow[] {
    return this.#heap.toSorted((a, b) => this.#order.compare(a, b));
  }

  #rise(ranked: RankedRow): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(ranked);
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (this.#order.compare(heap[above], ranked) >= 0) break;
      heap[at] = heap[above];
      at = above;
    }
    heap[at] = ranked;
  }

  /** Puts a row in the worst one's place. */
  #sink(ranked: RankedRow): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && this.#order.compare(heap[below + 1], heap[below]) > 0) below++;
      if (this.#order.compare(ranked, heap[below]) >= 0) break;
      heap[at] = heap[below];
      at = below;
    }
    heap[at] = ranked;
  }
}

interface Keys {
  readonly data: Float64Array;
  /** Place of the first row's key, and elements from one to the next. */
  readonly at: number;
  readonly stride: number;
}

/** The first place from which on a key is no worse than the bar, or is no number; `count` where none is. */
function nextBetter(
  { data, at, stride }: Keys,
  mask: Uint8Array | undefined,
  { from, count, bar, descending }: {
    from: number;
    count: number;
    bar: number;
    descending: boolean;
  },
): number {
  let place = at + from * stride;
  if (descending) {
    for (let i = from; i < count; i++, place += stride) {
      if (!(data[place] < bar) && (mask === undefined || mask[i] === 1)) return i;
    }
  } else {
    for (let i = from; i < count; i++, place += stride) {
      if (!(data[place] > bar) && (mask === undefined || mask[i] === 1)) return i;
    }
  }
  return count;
}
