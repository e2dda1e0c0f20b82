/**
 * The world: every entity, its components and their values, in one table per
 * archetype. It is a plain data structure; who may change it, and when, is the
 * coordinator's business.
 *
 * @module
 */
import { type ComponentColumns, markChanged, type Table } from "./archetype.ts";
import { Archetypes, type Transition } from "./archetypes.ts";
import type { ComponentType, ComponentValue, Schema } from "./component.ts";
import type { Entity } from "./entity.ts";
import { EntityIndex } from "./entity_index.ts";
import type { FieldValue } from "./field_type.ts";
import type { MoveJournal } from "./move_journal.ts";
import type { Query } from "./query.ts";

/** Values by component, as spawn takes them; fields left out take their defaults. */
export type ComponentValues = ReadonlyMap<ComponentType, ComponentValue>;

const DEFAULTS: ComponentValue = {};

export class World {
  readonly schema: Schema;
  /** The change tick that changes are recorded under; whoever changes the world counts it up. */
  changeTick = 0;
  /** Where it is noted which entities come, go and move, for whoever wants to know. */
  journal: MoveJournal | undefined;
  readonly #archetypes = new Archetypes();
  #index = new EntityIndex();
  #nextEntity: Entity = 1;
  #loads = 0;

  constructor(schema: Schema) {
    this.schema = schema;
  }

  /** Number of living entities. */
  get entityCount(): number {
    return this.#index.size;
  }

  /** The entity that the next spawn gets. */
  get nextEntity(): Entity {
    return this.#nextEntity;
  }

  /** How often all entities were replaced by others. */
  get loads(): number {
    return this.#loads;
  }

  /** Number of archetypes seen so far; grows only, and the schedule depends on it. */
  get archetypeCount(): number {
    return this.#archetypes.count;
  }

  /** Every living entity, ascending. */
  entities(): Iterable<Entity> {
    return this.#index;
  }

  /** Calls `visit` with the table and row of every living entity, ascending by entity. */
  visit(visit: (table: Table, row: number) => void): void {
    this.#index.visit((number, row) => visit(this.#archetypes.table(number), row));
  }

  isAlive(entity: Entity): boolean {
    return this.#index.find(entity) >= 0;
  }

  /** Makes room for so many more entities with these components, so that tables do not grow step by step. */
  reserve(groups: Iterable<readonly [components: readonly ComponentType[], count: number]>): void {
    const rows = new Map<Table, number>();
    let entities = this.entityCount;
    for (const [components, count] of groups) {
      if (count === 0) continue;
      const table = this.#archetypes.table(this.#archetypes.of(components));
      rows.set(table, (rows.get(table) ?? table.count) + count);
      entities += count;
    }
    this.#index.reserve(entities);
    for (const [table, count] of rows) table.reserve(count);
  }

  spawn(components: ComponentValues): Entity {
    const entity = this.#nextEntity++;
    let number = 0;
    for (const component of components.keys()) {
      number = this.#archetypes.adding(number, component).number;
    }
    const table = this.#archetypes.table(number);
    const row = table.addRow(entity, this.changeTick);
    this.#index.add(entity, number, row);
    this.journal?.add(entity);
    for (const store of table.stores) {
      this.#write(store, row, components.get(store.component) ?? DEFAULTS);
    }
    return entity;
  }

  /** @throws {RangeError} when the entity is not alive. */
  despawn(entity: Entity): void {
    const place = this.#index.find(entity);
    if (place < 0) throw notAlive(entity, "despawn");
    const number = this.#index.table(place);
    this.#removeRow(this.#archetypes.table(number), this.#index.row(place), number);
    this.#index.delete(entity, place);
    this.journal?.add(entity);
  }

  /**
   * Adds a component, or sets its fields where the entity has it already.
   * @throws {RangeError} when the entity is not alive.
   */
  add(entity: Entity, component: ComponentType, value: ComponentValue = DEFAULTS): void {
    const place = this.#index.find(entity);
    if (place < 0) throw notAlive(entity, `add "${component.name}" to`);
    const transition = this.#archetypes.adding(this.#index.table(place), component);
    const { added } = transition;
    if (added === undefined) return this.set(entity, component, value);
    this.#write(added, this.#moveRow(entity, place, transition), value);
  }

  /** @throws {RangeError} when the entity is not alive or lacks the component. */
  remove(entity: Entity, component: ComponentType): void {
    const place = this.#index.find(entity);
    if (place < 0) throw notAlive(entity, `remove "${component.name}" from`);
    const transition = this.#archetypes.removing(this.#index.table(place), component);
    if (transition.from === transition.to) {
      throw new RangeError(`Cannot remove "${component.name}" from entity ${entity}: it has none`);
    }
    this.#moveRow(entity, place, transition);
  }

  /**
   * Sets the given fields; the others keep their values.
   * @throws {RangeError} when the entity is not alive or lacks the component.
   */
  set(entity: Entity, component: ComponentType, value: ComponentValue): void {
    const place = this.#index.find(entity);
    if (place < 0) throw notAlive(entity, `set "${component.name}" of`);
    const store = this.#archetypes.table(this.#index.table(place)).store(component);
    if (store === undefined) {
      throw new RangeError(`Cannot set "${component.name}" of entity ${entity}: it has none`);
    }
    const row = this.#index.row(place);
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
    const columns = this.#tableOf(entity)?.store(component)?.columns;
    if (columns === undefined) return undefined;
    const row = this.#index.row(this.#index.find(entity));
    return Object.fromEntries(columns.map((column) => [column.field.name, column.get(row)]));
  }

  /** The components of a living entity, by name; none when it is not alive. */
  componentsOf(entity: Entity): readonly ComponentType[] {
    return this.#tableOf(entity)?.components ?? [];
  }

  /** The archetype id of an entity, or undefined when it is not alive. */
  archetypeOf(entity: Entity): bigint | undefined {
    return this.#tableOf(entity)?.id;
  }

  /**
   * Replaces every entity by those of `tables`, whose arrays become the world's,
   * with their rows and marks as they are there; a table that is not among them is
   * emptied. The components of both sides are taken for the same where their names are.
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
    const numbers = components.map((set) => this.#archetypes.of(set));
    const index = new EntityIndex();
    index.reserve(tables.reduce((sum, { count }) => sum + count, 0));
    tables.forEach((table, i) => indexRows(index, table, { number: numbers[i], nextEntity }));
    const sources = new Map(tables.map((table) => [table.id, table]));
    if (sources.size < tables.length) throw new RangeError("Cannot load an archetype twice");
    for (const table of this.#archetypes.all()) {
      const source = sources.get(table.id);
      if (source) table.take(source);
      else if (table.count > 0) table.clear(changeTick);
    }
    this.#index = index;
    this.#nextEntity = nextEntity;
    this.changeTick = changeTick;
    this.#loads++;
  }

  /** The table and row of a living entity. */
  locate(entity: Entity): { table: Table; row: number } {
    const found = this.find(entity);
    if (found === undefined) throw notAlive(entity, "locate");
    return found;
  }

  /** The table and row of an entity, or undefined when it is not alive. */
  find(entity: Entity): { table: Table; row: number } | undefined {
    const place = this.#index.find(entity);
    if (place < 0) return undefined;
    return { table: this.#archetypes.table(this.#index.table(place)), row: this.#index.row(place) };
  }

  /** The archetypes that match, by ascending id, so that every process walks them alike. */
  match(query: Query): readonly Table[] {
    return this.#archetypes.match(query);
  }

  /** Every archetype, by ascending id. */
  tables(): readonly Table[] {
    return this.#archetypes.all();
  }

  /** The archetype with this id, if the world has seen it. */
  tableById(id: bigint): Table | undefined {
    return this.#archetypes.byId(id);
  }

  #tableOf(entity: Entity): Table | undefined {
    const place = this.#index.find(entity);
    return place < 0 ? undefined : this.#archetypes.table(this.#index.table(place));
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
      const item = value[column.field.name];
      if (item === undefined) column.setDefault(row);
      else column.set(row, item);
      column.changedLast = this.changeTick;
    }
    markChanged(store, row, this.changeTick);
  }

  /** Moves an entity's row along a transition, and returns its row there. */
  #moveRow(entity: Entity, place: number, transition: Transition): number {
    const row = this.#index.row(place);
    const number = this.#index.table(place);
    const toRow = transition.to.addRow(entity, this.changeTick);
    for (const { from, to } of transition.kept) {
      markChanged(to, toRow, from.changed[row]);
      for (let k = 0; k < to.columns.length; k++) {
        const [target, source] = [to.columns[k], from.columns[k]];
        target.copyRow(toRow, source, row);
        target.changedLast = Math.max(target.changedLast, source.changedLast);
      }
    }
    this.#removeRow(transition.from, row, number);
    this.#index.move(place, transition.number, toRow);
    this.journal?.add(entity);
    return toRow;
  }

  #removeRow(table: Table, row: number, number: number): void {
    table.removeRow(row, this.changeTick);
    if (row >= table.count) return;
    const moved = table.entities[row];
    this.#index.move(this.#index.find(moved), number, row);
    this.journal?.add(moved);
  }
}

/** What could not be done to an entity that is not alive. */
function notAlive(entity: Entity, doing: string): RangeError {
  return new RangeError(`Cannot ${doing} entity ${entity}: it is not alive`);
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
  }
  const added = index.addRows(entities, count, number);
  if (added < count) {
    throw new RangeError(`Cannot load entity ${entities[added]}: it is there twice`);
  }
}
