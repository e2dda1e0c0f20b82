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
import { RowValue } from "./row_value.ts";

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
    const keys = this.#keys.map(({ value }) => sortValue(value.columnIn(table)?.get(row)));
    return { table, row, entity: table.entities[row], keys };
  }

  /** The best `count` rows that it is shown. */
  select(count: number): TopRows {
    return new TopRows(this, count);
  }

  /** The first key of each row of a table, as far as it has one. */
  firstKey(table: Table): { get(row: number): SortValue; readonly descending: boolean } {
    const { value, descending } = this.#keys[0];
    const column = value.columnIn(table);
    return { get: (row) => sortValue(column?.get(row)), descending };
  }
}

export class TopRows {
  readonly #order: RowOrder;
  readonly #count: number;
  /** A heap: each is no better than the two at twice its place, so the worst is first. */
  readonly #heap: RankedRow[] = [];

  constructor(order: RowOrder, count: number) {
    this.#order = order;
    this.#count = count;
  }

  /** Shows it the rows of a range for which `mask`, if there is one, has a 1. */
  offer(table: Table, { first, count }: RowRange, mask: Uint8Array | undefined): void {
    if (this.#count === 0) return;
    const { get, descending } = this.#order.firstKey(table);
    for (let i = 0; i < count; i++) {
      if (mask !== undefined && mask[i] === 0) continue;
      const row = first + i;
      const isFull = this.#heap.length === this.#count;
      if (isFull && compareSortValues(get(row), this.#heap[0].keys[0], descending) > 0) continue;
      const ranked = this.#order.rank(table, row);
      if (!isFull) this.#rise(ranked);
      else if (this.#order.compare(ranked, this.#heap[0]) < 0) this.#sink(ranked);
    }
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
