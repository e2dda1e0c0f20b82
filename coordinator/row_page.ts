/**
 * A page: as many rows as fit into one message, with the columns that a query
 * names, table by table.
 *
 * @module
 */
import type { Table } from "../lib/ecs/archetype.ts";
import { ListColumn } from "../lib/ecs/column.ts";
import { encodeEntities } from "../lib/ecs/column_bytes.ts";
import { rowBytesOf } from "../lib/ecs/field_type.ts";
import type { Access, Query } from "../lib/ecs/query.ts";
import { encodeChunk } from "../lib/wire/chunk.ts";
import { listValueBytes } from "../lib/wire/list_value.ts";
import type { Chunk } from "../lib/wire/messages.ts";

/** Room in a message for everything but its chunks. */
const ENVELOPE_BYTES = 4096;
/** Per chunk: its descriptor. */
const CHUNK_BYTES = 128;
/** Per name in it, beside the name. */
const NAME_BYTES = 8;
/** A row's entity, in its chunk and where the order is told. */
const ENTITY_BYTES = 16;
const ROW_NUMBER_BYTES = 4;
/** A larger page would take long to make, whatever the bus lets through. */
const PAGE_BYTES_MAX = 1024 * 1024;

/** The rows of one table on a page. */
interface PagePart {
  readonly table: Table;
  readonly rows: number[];
  readonly fixedBytes: number;
  readonly lists: readonly ListColumn[];
}

export interface PageOptions {
  readonly query: Query;
  readonly payloadBytesMax: number;
  readonly rowsMax: number;
  /** Whether each chunk lists all components of its archetype. */
  readonly hasComponents: boolean;
}

export class RowPage {
  readonly #options: PageOptions;
  readonly #accesses: readonly Access[];
  readonly #parts = new Map<Table, PagePart>();
  readonly #entities: number[] = [];
  #room: number;
  #last: PagePart | undefined;

  constructor(options: PageOptions) {
    const { query, payloadBytesMax } = options;
    this.#options = options;
    this.#accesses = [...query.read, ...query.write, ...query.optional];
    this.#room = Math.min(PAGE_BYTES_MAX, payloadBytesMax) - ENVELOPE_BYTES;
  }

  get count(): number {
    return this.#entities.length;
  }

  get isFull(): boolean {
    return this.count >= this.#options.rowsMax;
  }

  /** Takes a row; false where it does not fit any more. The first one always does. */
  take(table: Table, row: number): boolean {
    if (this.isFull) return false;
    const known = this.#last?.table === table ? this.#last : this.#parts.get(table);
    const part = known ?? this.#begin(table);
    let bytes = part.fixedBytes + (known ? 0 : this.#chunkBytes(table));
    for (const { data } of part.lists) bytes += listValueBytes(data[row]);
    if (bytes > this.#room && this.count > 0) return false;
    if (known === undefined) this.#parts.set(table, part);
    this.#last = part;
    this.#room -= bytes;
    part.rows.push(row);
    this.#entities.push(table.entities[row]);
    return true;
  }

  /** Takes `bytes` of what there is room for, for something else. */
  spend(bytes: number): boolean {
    if (bytes > this.#room) return false;
    this.#room -= bytes;
    return true;
  }

  chunks(): Chunk[] {
    const accesses = this.#accesses;
    return Array.from(this.#parts.values(), ({ table, rows }) => {
      const selection = selectionOf(rows);
      const chunk = encodeChunk(table, selection, { accesses, entities: true });
      if (!this.#options.hasComponents) return chunk;
      return { ...chunk, components: table.components.map(({ name }) => name) };
    });
  }

  /** The entities of all rows, in the order in which they were taken. */
  order(): Uint8Array {
    return encodeEntities(Float64Array.from(this.#entities));
  }

  #begin(table: Table): PagePart {
    const columns = this.#columnsOf(table);
    const fixedBytes = columns.reduce(
      (sum, { field }) => sum + rowBytesOf(field.type),
      ENTITY_BYTES + ROW_NUMBER_BYTES,
    );
    return {
      table,
      rows: [],
      fixedBytes,
      lists: columns.filter((column) => column instanceof ListColumn),
    };
  }

  #chunkBytes(table: Table): number {
    const keys = this.#accesses.flatMap(({ component, fields }) =>
      table.has(component) ? fields.map(({ name }) => component.name.length + name.length) : []
    );
    const names = this.#options.hasComponents
      ? table.components.map(({ name }) => name.length)
      : [];
    return [...keys, ...names].reduce((sum, length) => sum + length + NAME_BYTES, CHUNK_BYTES);
  }

  #columnsOf(table: Table) {
    return this.#accesses.flatMap(({ component, fields }) =>
      table.store(component)?.columns.filter(({ field }) => fields.includes(field)) ?? []
    );
  }
}

/** Consecutive rows are copied in one piece. */
function selectionOf(rows: readonly number[]) {
  const [first] = rows;
  const isConsecutive = rows.every((row, i) => row === first + i);
  if (isConsecutive) return { first, count: rows.length };
  return { first: 0, count: rows.length, rows: Uint32Array.from(rows) };
}
