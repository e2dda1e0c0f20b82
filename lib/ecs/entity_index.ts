/**
 * Where each living entity is: its table and row. Entities are never reused, so
 * the index is paged by number; a page goes when its last entity does, and the
 * memory follows the living entities, not all that ever lived.
 *
 * @module
 */
import type { Entity } from "./entity.ts";

const PAGE_BITS = 10;
const PAGE_ENTITIES = 1 << PAGE_BITS;

interface Page {
  /** Table number + 1; 0: not alive. */
  readonly tables: Uint32Array;
  readonly rows: Uint32Array;
  living: number;
}

export class EntityIndex {
  readonly #pages = new Map<number, Page>();
  #lastNumber = -1;
  #last: Page | undefined;
  #living = 0;

  /** Number of living entities. */
  get size(): number {
    return this.#living;
  }

  /** The number of the entity's table, or -1 when it is not alive. */
  table(entity: Entity): number {
    return (this.#page(entity)?.tables[entity % PAGE_ENTITIES] ?? 0) - 1;
  }

  /** The row of a living entity. */
  row(entity: Entity): number {
    return this.#page(entity)?.rows[entity % PAGE_ENTITIES] ?? -1;
  }

  set(entity: Entity, table: number, row: number): void {
    const page = this.#page(entity) ?? this.#addPage(entity);
    const slot = entity % PAGE_ENTITIES;
    if (page.tables[slot] === 0) {
      page.living++;
      this.#living++;
    }
    page.tables[slot] = table + 1;
    page.rows[slot] = row;
  }

  delete(entity: Entity): void {
    const page = this.#page(entity);
    const slot = entity % PAGE_ENTITIES;
    if (page === undefined || page.tables[slot] === 0) return;
    page.tables[slot] = 0;
    page.living--;
    this.#living--;
    if (page.living > 0) return;
    this.#pages.delete(pageNumber(entity));
    this.#lastNumber = -1;
    this.#last = undefined;
  }

  /** Every living entity, ascending. */
  *[Symbol.iterator](): Generator<Entity> {
    for (const number of [...this.#pages.keys()].sort((a, b) => a - b)) {
      const tables = this.#pages.get(number)?.tables ?? [];
      for (let slot = 0; slot < tables.length; slot++) {
        if (tables[slot] !== 0) yield number * PAGE_ENTITIES + slot;
      }
    }
  }

  #page(entity: Entity): Page | undefined {
    const number = pageNumber(entity);
    if (number !== this.#lastNumber) {
      this.#lastNumber = number;
      this.#last = this.#pages.get(number);
    }
    return this.#last;
  }

  #addPage(entity: Entity): Page {
    const page: Page = {
      tables: new Uint32Array(PAGE_ENTITIES),
      rows: new Uint32Array(PAGE_ENTITIES),
      living: 0,
    };
    this.#pages.set(pageNumber(entity), page);
    this.#lastNumber = -1;
    return page;
  }
}

/** Not a shift: entities exceed 32 bits. */
function pageNumber(entity: Entity): number {
  return Math.floor(entity / PAGE_ENTITIES);
}
