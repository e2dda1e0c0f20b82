/**
 * An archetype is a set of components. All entities with exactly that set live
 * in its {@linkcode Table}: one column of entities and, per field, one column of
 * values, kept dense by moving the last row into the place of a removed one.
 *
 * @module
 */
import { type AnyColumn, createColumn, ListColumn } from "./column.ts";
import type { Columns, ComponentType, Layout } from "./component.ts";
import { digest64 } from "./digest.ts";
import type { Entity } from "./entity.ts";
import { matchesComponents, type Query } from "./query.ts";

const ROWS_MIN = 16;

/** XXH64 of the components' ids, ascending, as little-endian u64s. */
export function archetypeId(components: Iterable<ComponentType>): bigint {
  const ids = BigUint64Array.from(Array.from(components, (component) => component.id));
  return digest64(new Uint8Array(ids.sort().buffer));
}

/** One component's columns in a table, and when each row of them last changed. */
export interface ComponentColumns {
  readonly component: ComponentType;
  readonly columns: readonly AnyColumn[];
  /** Per row, the tick of the last change; `changed.length` is the table's capacity. */
  changed: Float64Array;
  /** The newest tick in `changed`, or of a row that has left. */
  changedLast: number;
}

export class Table {
  readonly id: bigint;
  /** By name, which is the canonical order. */
  readonly components: readonly ComponentType[];
  readonly stores: readonly ComponentColumns[];
  /** `entities[row]` for `row < count`. */
  entities: Float64Array = new Float64Array(0);
  count = 0;
  /** The tick in which a row last came, went or moved. */
  structureChangedLast = 0;
  readonly #byComponent = new Map<ComponentType, ComponentColumns>();
  readonly #lists: readonly ListColumn[];
  /** What {@linkcode Table.columns} returned since the arrays were last replaced. */
  readonly #data = new Map<ComponentType, Columns<Layout>>();

  constructor(components: Iterable<ComponentType>) {
    this.components = [...components].sort((a, b) => a.name < b.name ? -1 : 1);
    this.id = archetypeId(this.components);
    this.stores = this.components.map((component) => ({
      component,
      columns: component.fields.map(createColumn),
      changed: new Float64Array(0),
      changedLast: 0,
    }));
    for (const store of this.stores) this.#byComponent.set(store.component, store);
    this.#lists = this.stores.flatMap(({ columns }) =>
      columns.filter((column) => column instanceof ListColumn)
    );
  }

  has(component: ComponentType): boolean {
    return this.#byComponent.has(component);
  }

  matches(query: Query): boolean {
    return matchesComponents(query, new Set(this.components));
  }

  /** The component's columns, or undefined where the archetype lacks it. */
  store(component: ComponentType): ComponentColumns | undefined {
    return this.#byComponent.get(component);
  }

  /**
   * The component's values by field name, for code that runs in this process: rows
   * 0 to `count`, a vec3 having three elements each. Longer arrays take their place
   * when the table grows. What is written there is not marked as changed.
   * @throws {RangeError} when the archetype lacks the component.
   */
  columns<L extends Layout>(component: ComponentType<L>): Columns<L> {
    const known = this.#data.get(component);
    return (known ?? this.#collectData(component)) as Columns<L>;
  }

  /** Makes room for `rows` rows in all, so that adding them does not grow step by step. */
  reserve(rows: number): void {
    if (rows <= this.entities.length) return;
    const capacity = Math.max(ROWS_MIN, this.entities.length * 2, rows);
    this.entities = grown(this.entities, capacity);
    for (const store of this.stores) {
      store.changed = grown(store.changed, capacity);
      for (const column of store.columns) column.reserve(capacity);
    }
    this.#data.clear();
  }

  /** Adds a row for `entity` whose values are yet to be set, and returns it. */
  addRow(entity: Entity, tick: number): number {
    const row = this.count;
    if (row === this.entities.length) this.reserve(row + 1);
    this.entities[row] = entity;
    this.count = row + 1;
    this.structureChangedLast = tick;
    return row;
  }

  /** Removes `row`, into which the last row moves, if it is another. */
  removeRow(row: number, tick: number): void {
    const last = this.count - 1;
    if (row !== last) this.#copyRow(row, last);
    for (const { data } of this.#lists) data.pop();
    this.count = last;
    this.structureChangedLast = tick;
  }

  /** Removes every row. */
  clear(tick: number): void {
    this.take(new Table(this.components));
    this.structureChangedLast = tick;
  }

  /** Becomes `source`, a table of equal components: its rows in their order, and all marks. Shares its arrays. */
  take(source: Table): void {
    this.entities = source.entities;
    this.stores.forEach((store, i) => {
      const { columns, changed, changedLast } = source.stores[i];
      store.changed = changed;
      store.changedLast = changedLast;
      store.columns.forEach((column, k) => column.take(columns[k]));
    });
    this.count = source.count;
    this.structureChangedLast = source.structureChangedLast;
    this.#data.clear();
  }

  /**
   * Becomes a copy of `source`, a table of equal components, rows and marks; it
   * shares nothing with it. Where it was one as of change tick `since`, only the
   * columns that have changed after it are copied.
   */
  copyFrom(source: Table, since = -Infinity): void {
    const { count, structureChangedLast } = source;
    const isMoved = structureChangedLast > since;
    this.reserve(count);
    if (isMoved) this.entities.set(source.entities.subarray(0, count));
    this.stores.forEach((store, i) => {
      const { columns, changed, changedLast } = source.stores[i];
      if (!isMoved && changedLast <= since) return;
      store.changed.set(changed.subarray(0, count));
      store.changedLast = changedLast;
      store.columns.forEach((column, k) => {
        const { changedLast } = columns[k];
        if (isMoved || changedLast > since) column.copyRows(columns[k], count);
        column.changedLast = changedLast;
      });
    });
    this.count = count;
    this.structureChangedLast = structureChangedLast;
    this.#data.clear();
  }

  #copyRow(to: number, from: number): void {
    this.entities[to] = this.entities[from];
    for (const { changed, columns } of this.stores) {
      changed[to] = changed[from];
      for (const column of columns) column.copyRow(to, column, from);
    }
  }

  #collectData(component: ComponentType): Columns<Layout> {
    const store = this.store(component);
    if (store === undefined) {
      throw new RangeError(`Cannot read "${component.name}": the archetype has no such component`);
    }
    const data = Object.fromEntries(store.columns.map(({ field, data }) => [field.name, data]));
    this.#data.set(component, data);
    return data;
  }
}

/** Records that a component's value changed in `row` in `tick`. */
export function markChanged(store: ComponentColumns, row: number, tick: number): void {
  store.changed[row] = tick;
  if (tick > store.changedLast) store.changedLast = tick;
}

function grown(array: Float64Array, length: number): Float64Array {
  const result = new Float64Array(length);
  result.set(array);
  return result;
}
