/**
 * Where each living entity is: its table and row. Entities are never reused, so
 * the index is paged by number; a page goes when its last entity does, another
 * takes its room, and the memory follows those that live at a time.
 *
 * All pages share two arrays. An entity's *place* is its position in them: to be
 * looked up once, and then good until an entity is added or deleted.
 *
 * @module
 */
import type { Entity } from "./entity.ts";

const PAGE_ENTITIES = 1024;
/** What the arrays have room for at first. */
const PAGES_MIN = 4;

export class EntityIndex {
  /** By place: table number + 1; 0: not alive. */
  #tables = new Uint32Array(PAGES_MIN * PAGE_ENTITIES);
  /** By place. */
  #rows = new Uint32Array(PAGES_MIN * PAGE_ENTITIES);
  /** The first place of each page, by the entities' number divided by the page's size. */
  readonly #pages = new Map<number, number>();
  /** Living entities per page, by first place divided by the page's size. */
  readonly #living: number[] = [];
  /** First places of pages that have gone. */
  readonly #free: number[] = [];
  #size = 0;
  /** The page looked up last, and what to add to an entity there to have its place. */
  #lastPage = NaN;
  #lastOffset = 0;

  /** Number of living entities. */
  get size(): number {
    return this.#size;
  }

  /** The place of an entity, or -1 when it is not alive. */
  find(entity: Entity): number {
    const place = this.#place(entity);
    // Neither for what is no integer.
    return this.#tables[place] > 0 ? place : -1;
  }

  /** The number of the table of the entity at a place. */
  table(place: number): number {
    return this.#tables[place] - 1;
  }

  /** The row of the entity at a place. */
  row(place: number): number {
    return this.#rows[place];
  }

  /** Says where a living entity is now. */
  move(place: number, table: number, row: number): void {
    this.#tables[place] = table + 1;
    this.#rows[place] = row;
  }

  /** Enters an entity that is not there yet. */
  add(entity: Entity, table: number, row: number): void {
    const place = this.#placeFor(entity);
    this.move(place, table, row);
    this.#living[Math.floor(place / PAGE_ENTITIES)]++;
    this.#size++;
  }

  /**
   * Enters the entities of a table's first `count` rows, up to the first one that is
   * there already; returns its row, or `count` where there is none.
   */
  addRows(entities: Float64Array, count: number, table: number): number {
    let row = 0;
    while (row < count) {
      const begin = pageOf(entities[row]) * PAGE_ENTITIES;
      const first = this.#placeFor(entities[row]) - (entities[row] - begin);
      const [tables, rows, added] = [this.#tables, this.#rows, row];
      // Those of one page, without looking it up for each.
      for (; row < count; row++) {
        const slot = entities[row] - begin;
        if (!(slot >= 0 && slot < PAGE_ENTITIES) || tables[first + slot] > 0) break;
        tables[first + slot] = table + 1;
        rows[first + slot] = row;
      }
      if (row === added) return row;
      this.#living[first / PAGE_ENTITIES] += row - added;
      this.#size += row - added;
    }
    return count;
  }

  /** Makes room for `count` entities in all, if they are numbered one after the other. */
  reserve(count: number): void {
    // A page at both ends may be begun only.
    const pages = Math.ceil(count / PAGE_ENTITIES) + 1;
    if (pages * PAGE_ENTITIES > this.#tables.length) this.#grow(pages * PAGE_ENTITIES);
  }

  /** Removes the entity at a place. */
  delete(entity: Entity, place: number): void {
    this.#tables[place] = 0;
    this.#size--;
    const page = Math.floor(place / PAGE_ENTITIES);
    if (--this.#living[page] > 0) return;
    this.#pages.delete(pageOf(entity));
    this.#free.push(page * PAGE_ENTITIES);
    this.#lastPage = NaN;
  }

  /** Every living entity, ascending. */
  *[Symbol.iterator](): Generator<Entity> {
    for (const [page, first] of this.#pagesAscending()) {
      for (let slot = 0; slot < PAGE_ENTITIES; slot++) {
        if (this.#tables[first + slot] > 0) yield page * PAGE_ENTITIES + slot;
      }
    }
  }

  /** Calls `visit` with the table's number and the row of every living entity, ascending. */
  visit(visit: (table: number, row: number) => void): void {
    for (const [, first] of this.#pagesAscending()) {
      for (let place = first; place < first + PAGE_ENTITIES; place++) {
        if (this.#tables[place] > 0) visit(this.table(place), this.row(place));
      }
    }
  }

  #pagesAscending(): [page: number, first: number][] {
    return [...this.#pages].sort(([a], [b]) => a - b);
  }

  /** The place for an entity, alive or not; NaN where there is no such page. */
  #place(entity: Entity): number {
    const page = pageOf(entity);
    if (page === this.#lastPage) return entity + this.#lastOffset;
    const first = this.#pages.get(page);
    if (first === undefined) return NaN;
    this.#lastPage = page;
    this.#lastOffset = first - page * PAGE_ENTITIES;
    return entity + this.#lastOffset;
  }

  /** The place for an entity; makes its page where there is none. */
  #placeFor(entity: Entity): number {
    const known = this.#place(entity);
    return known >= 0 ? known : this.#addPage(entity);
  }

  #grow(length: number): void {
    this.#tables = grown(this.#tables, length);
    this.#rows = grown(this.#rows, length);
  }

  #addPage(entity: Entity): number {
    const page = pageOf(entity);
    const first = this.#free.pop() ?? this.#living.length * PAGE_ENTITIES;
    if (first === this.#tables.length) this.#grow(2 * first);
    this.#living[first / PAGE_ENTITIES] = 0;
    this.#pages.set(page, first);
    return this.#place(entity);
  }
}

/** Not a shift: entities exceed 32 bits. */
function pageOf(entity: Entity): number {
  return Math.floor(entity / PAGE_ENTITIES);
}

function grown(array: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  const result = new Uint32Array(length);
  result.set(array);
  return result;
}
