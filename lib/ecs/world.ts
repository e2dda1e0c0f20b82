/**
 * The world: every entity, its components and their values, in one table per
 * archetype. It is a plain data structure; who may change it, and when, is the
 * coordinator's business.
 *
 * @module
 */
import { type ComponentColumns, markChanged, Table } from "./archetype.ts";
import type { ComponentType, ComponentValue, Schema } from "./component.ts";
import type { Entity } from "./entity.ts";
import { EntityIndex } from "./entity_index.ts";
import type { FieldValue } from "./field_type.ts";
import type { Query } from "./query.ts";

/** Values by component, as spawn takes them; fields left out take their defaults. */
export type ComponentValues = ReadonlyMap<ComponentType, ComponentValue>;

/** Steps from one archetype to another, remembered per table. */
interface Transitions {
  readonly add: Map<ComponentType, number>;
  readonly remove: Map<ComponentType, number>;
}

export class World {
  readonly schema: Schema;
  /** The change tick that changes are recorded under; whoever changes the world counts it up. */
  changeTick = 0;
  readonly #tables: Table[] = [];
  readonly #byId = new Map<bigint, number>();
  readonly #transitions: Transitions[] = [];
  #index = new EntityIndex();
  readonly #matches = new WeakMap<Query, { of: number; tables: Table[] }>();
  #sorted: readonly Table[] = [];
  #nextEntity: Entity = 1;

  constructor(schema: Schema) {
    this.schema = schema;
    this.#addTable([]);
  }

  /** Number of living entities. */
  get entityCount(): number {
    return this.#index.size;
  }

  /** The entity that the next spawn gets. */
  get nextEntity(): Entity {
    return this.#nextEntity;
  }

  /** Number of archetypes seen so far; grows only, and the schedule depends on it. */
  get archetypeCount(): number {
    return this.#tables.length;
  }

  /** Every living entity, ascending. */
  entities(): Iterable<Entity> {
    return this.#index;
  }

  isAlive(entity: Entity): boolean {
    return this.#index.table(entity) >= 0;
  }

  spawn(components: ComponentValues): Entity {
    const entity = this.#nextEntity++;
    let tableNumber = 0;
    for (const component of components.keys()) {
      tableNumber = this.#tableWith(tableNumber, component);
    }
    const table = this.#tables[tableNumber];
    const row = table.addRow(entity, this.changeTick);
    this.#index.set(entity, tableNumber, row);
    for (const store of table.stores) {
      this.#write(store, row, components.get(store.component) ?? {});
    }
    return entity;
  }

  /** @throws {RangeError} when the entity is not alive. */
  despawn(entity: Entity): void {
    const { table, row } = this.#locate(entity, "despawn");
    this.#removeRow(table, row);
    this.#index.delete(entity);
  }

  /**
   * Adds a component, or sets its fields where the entity has it already.
   * @throws {RangeError} when the entity is not alive.
   */
  add(entity: Entity, component: ComponentType, value: ComponentValue = {}): void {
    const { table, row, tableNumber } = this.#locate(entity, `add "${component.name}" to`);
    if (table.has(component)) return this.set(entity, component, value);
    const moved = this.#move(entity, { table, row, to: this.#tableWith(tableNumber, component) });
    const store = moved.table.store(component);
    if (store) this.#write(store, moved.row, value);
  }

  /** @throws {RangeError} when the entity is not alive or lacks the component. */
  remove(entity: Entity, component: ComponentType): void {
    const { table, row, tableNumber } = this.#locate(entity, `remove "${component.name}" from`);
    if (!table.has(component)) {
      throw new RangeError(`Cannot remove "${component.name}" from entity ${entity}: it has none`);
    }
    this.#move(entity, { table, row, to: this.#tableWithout(tableNumber, component) });
  }

  /**
   * Sets the given fields; the others keep their values.
   * @throws {RangeError} when the entity is not alive or lacks the component.
   */
  set(entity: Entity, component: ComponentType, value: ComponentValue): void {
    const { table, row } = this.#locate(entity, `set "${component.name}" of`);
    const store = table.store(component);
    if (store === undefined) {
      throw new RangeError(`Cannot set "${component.name}" of entity ${entity}: it has none`);
    }
    for (const column of store.columns) {
      const item = value[column.field.name];
      if (item === undefined) continue;
      column.set(row, item);
      column.changedLast = this.changeTick;
    }
    markChanged(store, row, this.changeTick);
  }

  /** The component's fields, or undefined when the entity lacks it or is not alive. */
  get(entity: Entity, component: ComponentType): Record<string, FieldValue> | undefined {
    const table = this.#tables[this.#index.table(entity)];
    const columns = table?.store(component)?.columns;
    if (columns === undefined) return undefined;
    const row = this.#index.row(entity);
    return Object.fromEntries(columns.map((column) => [column.field.name, column.get(row)]));
  }

  /** The components of a living entity, by name; none when it is not alive. */
  componentsOf(entity: Entity): readonly ComponentType[] {
    return this.#tables[this.#index.table(entity)]?.components ?? [];
  }

  /** The archetype id of an entity, or undefined when it is not alive. */
  archetypeOf(entity: Entity): bigint | undefined {
    return this.#tables[this.#index.table(entity)]?.id;
  }

  /**
   * Replaces every entity by those of `tables`, with their rows and marks as they
   * are there; a table that is not among them is emptied. The components of both
   * sides are taken for the same where their names are.
   * @throws {RangeError} when a component is not in the schema or has other fields
   * there, an archetype or entity is there twice, or an entity is not below
   * `nextEntity`; nothing is changed then.
   */
  load(
    { tables, nextEntity, changeTick }: {
      tables: readonly Table[];
      nextEntity: Entity;
      changeTick: number;
    },
  ): void {
    const components = tables.map((table) => table.components.map((own) => this.#counterpart(own)));
    const numbers = components.map((set) => this.#tableOf(set));
    const index = new EntityIndex();
    tables.forEach((table, i) => indexRows(index, table, { number: numbers[i], nextEntity }));
    const sources = new Map(tables.map((table) => [table.id, table]));
    if (sources.size < tables.length) throw new RangeError("Cannot load an archetype twice");
    for (const table of this.#tables) {
      const source = sources.get(table.id);
      if (source) table.load(source);
      else if (table.count > 0) table.clear(changeTick);
    }
    this.#index = index;
    this.#nextEntity = nextEntity;
    this.changeTick = changeTick;
  }

  /** The table and row of a living entity. */
  locate(entity: Entity): { table: Table; row: number } {
    return this.#locate(entity, "locate");
  }

  /** The archetypes that match, by ascending id, so that every process walks them alike. */
  match(query: Query): readonly Table[] {
    const known = this.#matches.get(query);
    if (known?.of === this.#tables.length) return known.tables;
    const tables = byId(this.#tables.filter((table) => table.matches(query)));
    this.#matches.set(query, { of: this.#tables.length, tables });
    return tables;
  }

  /** Every archetype, by ascending id. */
  tables(): readonly Table[] {
    if (this.#sorted.length !== this.#tables.length) this.#sorted = byId(this.#tables);
    return this.#sorted;
  }

  /** The archetype with this id, if the world has seen it. */
  tableById(id: bigint): Table | undefined {
    return this.#tables[this.#byId.get(id) ?? -1];
  }

  #locate(entity: Entity, doing: string): { table: Table; row: number; tableNumber: number } {
    const tableNumber = this.#index.table(entity);
    if (tableNumber < 0) {
      throw new RangeError(`Cannot ${doing} entity ${entity}: it is not alive`);
    }
    return { table: this.#tables[tableNumber], row: this.#index.row(entity), tableNumber };
  }

  /** The schema's component of the same name and fields. */
  #counterpart({ name, fields }: ComponentType): ComponentType {
    const own = this.schema.get(name);
    const isSame = own?.fields.length === fields.length &&
      own.fields.every((field, i) =>
        field.name === fields[i].name && field.type === fields[i].type
      );
    if (own && isSame) return own;
    throw new RangeError(
      `Cannot load component "${name}": ${own ? "its fields differ" : "it is unknown"}`,
    );
  }

  #write(store: ComponentColumns, row: number, value: ComponentValue): void {
    for (const column of store.columns) {
      column.set(row, value[column.field.name] ?? column.field.default);
      column.changedLast = this.changeTick;
    }
    markChanged(store, row, this.changeTick);
  }

  #move(
    entity: Entity,
    { table, row, to }: { table: Table; row: number; to: number },
  ): { table: Table; row: number } {
    const target = this.#tables[to];
    const targetRow = target.addRow(entity, this.changeTick);
    for (const store of target.stores) {
      const source = table.store(store.component);
      if (source === undefined) continue;
      store.changed[targetRow] = source.changed[row];
      store.changedLast = Math.max(store.changedLast, source.changed[row]);
      for (let k = 0; k < store.columns.length; k++) {
        store.columns[k].copyRow(targetRow, source.columns[k], row);
      }
    }
    this.#removeRow(table, row);
    this.#index.set(entity, to, targetRow);
    return { table: target, row: targetRow };
  }

  #removeRow(table: Table, row: number): void {
    const moved = table.removeRow(row, this.changeTick);
    if (moved !== undefined) this.#index.set(moved, this.#index.table(moved), row);
  }

  #tableWith(from: number, component: ComponentType): number {
    const { add } = this.#transitions[from];
    let to = add.get(component);
    if (to === undefined) {
      const table = this.#tables[from];
      to = table.has(component) ? from : this.#tableOf([...table.components, component]);
      add.set(component, to);
    }
    return to;
  }

  #tableWithout(from: number, component: ComponentType): number {
    const { remove } = this.#transitions[from];
    let to = remove.get(component);
    if (to === undefined) {
      to = this.#tableOf(this.#tables[from].components.filter((other) => other !== component));
      remove.set(component, to);
    }
    return to;
  }

  #tableOf(components: readonly ComponentType[]): number {
    const table = new Table(components);
    return this.#byId.get(table.id) ?? this.#addTable(components, table);
  }

  #addTable(components: readonly ComponentType[], table = new Table(components)): number {
    const number = this.#tables.push(table) - 1;
    this.#byId.set(table.id, number);
    this.#transitions.push({ add: new Map(), remove: new Map() });
    return number;
  }
}

/** @throws {RangeError} when an entity is in the index already, or was never allocated. */
function indexRows(
  index: EntityIndex,
  { entities, count }: Table,
  { number, nextEntity }: { number: number; nextEntity: Entity },
): void {
  for (let row = 0; row < count; row++) {
    const entity = entities[row];
    if (!(entity >= 1 && entity < nextEntity)) {
      throw new RangeError(`Cannot load entity ${entity}: it is not from 1 to ${nextEntity - 1}`);
    }
    if (index.table(entity) >= 0) {
      throw new RangeError(`Cannot load entity ${entity}: it is there twice`);
    }
    index.set(entity, number, row);
  }
}

function byId(tables: readonly Table[]): Table[] {
  return tables.toSorted((a, b) => a.id < b.id ? -1 : 1);
}
