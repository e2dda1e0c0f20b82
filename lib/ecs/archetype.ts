/**
 * An archetype is a set of components. All entities with exactly that set live
 * in its {@linkcode Table}: one column of entities and, per field, one column of
 * values, kept dense by moving the last row into the place of a removed one.
 *
 * @module
 */
import { type AnyColumn, createColumn } from "./column.ts";
import type { ComponentType } from "./component.ts";
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
  readonly #set: ReadonlySet<ComponentType>;

  constructor(components: Iterable<ComponentType>) {
    this.components = [...components].sort((a, b) => a.name < b.name ? -1 : 1);
    this.id = archetypeId(this.components);
    this.#set = new Set(this.components);
    this.stores = this.components.map((component) => ({
      component,
      columns: component.fields.map(createColumn),
      changed: new Float64Array(0),
      changedLast: 0,
    }));
    for (const store of this.stores) this.#byComponent.set(store.component, store);
  }

  has(component: ComponentType): boolean {
    return this.#set.has(component);
  }

  matches(query: Query): boolean {
    return matchesComponents(query, this.#set);
  }

  /** The component's columns, or undefined where the archetype lacks it. */
  store(component: ComponentType): ComponentColumns | undefined {
    return this.#byComponent.get(component);
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

  /** Removes `row` and returns the entity that moved into it, if one did. */
  removeRow(row: number, tick: number): Entity | undefined {
    const last = this.count - 1;
    for (const store of this.stores) {
      store.changed[row] = store.changed[last];
      for (const column of store.columns) {
        if (row !== last) column.copyRow(row, column, last);
        column.release(last);
      }
    }
    this.count = last;
    this.structureChangedLast = tick;
    if (row === last) return undefined;
    return this.entities[row] = this.entities[last];
  }

  /** Removes every row. */
  clear(tick: number): void {
    const empty = new Table(this.components);
    empty.structureChangedLast = tick;
    this.load(empty);
  }

  /** Becomes a copy of `source`, a table of equal components: its rows in their order, and all marks. */
  load(source: Table): void {
    const { count } = source;
    this.entities = source.entities.slice(0, count);
    this.stores.forEach((store, i) => {
      const { columns, changed, changedLast } = source.stores[i];
      store.changed = changed.slice(0, count);
      store.changedLast = changedLast;
      store.columns.forEach((column, k) => column.load(columns[k], count));
    });
    this.count = count;
    this.structureChangedLast = source.structureChangedLast;
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
