/**
 * Answers queries from the world between two ticks, page by page. What is asked
 * in an order, or counted, takes a look at all rows at once, which is bounded;
 * the rest is looked at as far as a page goes.
 *
 * @module
 */
import type { Table } from "../lib/ecs/archetype.ts";
import { decodeEntities } from "../lib/ecs/column_bytes.ts";
import { digestHex } from "../lib/ecs/digest.ts";
import type { Query } from "../lib/ecs/query.ts";
import type { World } from "../lib/ecs/world.ts";
import { asWireError } from "../lib/wire/column.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import { parseQuery } from "../lib/wire/query.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { RowFilter, sliceRows } from "./row_filter.ts";
import { type RankedRow, RowOrder } from "./row_order.ts";
import { RowPage } from "./row_page.ts";

const PAGE_ROWS_DEFAULT = 1000;
const PAGE_ROWS_MAX = 100_000;
/** How far into an order pages go: what comes first there is kept while all rows are looked at. */
const ORDERED_ROWS_MAX = 16_384;
/** Entities that can be asked for by number. */
const ENTITIES_MAX = 16_384;
/** Numbers looked at for one answer: a few milliseconds' worth. */
const WORK_MAX = 5_000_000;
/** The same for one page of many. */
const PAGE_WORK_MAX = 2_000_000;
/** To find an entity's row. */
const LOOK_UP_WORK = 64;
const ENTITY_BYTES = 8;

type Request = MessageOf<"QueryRequest">;

export interface QueryServiceOptions {
  readonly world: World;
  readonly payloadBytesMax: number;
}

/** An answer, and how many numbers were looked at for it. */
export interface QueryAnswer {
  readonly response: MessageOf<"QueryResponse">;
  readonly work: number;
}

/** A request, as it is understood. */
interface Question {
  readonly query: Query;
  readonly filter: RowFilter | undefined;
  readonly order: RowOrder | undefined;
  readonly offset: number;
  readonly limit: number;
}

/** What a page has, and where the next one begins. */
interface Found {
  readonly page: RowPage;
  readonly next: string | undefined;
  readonly total?: number | undefined;
  readonly work: number;
}

export class QueryService {
  readonly #options: QueryServiceOptions;

  constructor(options: QueryServiceOptions) {
    this.#options = options;
  }

  /** @throws {WireError} when the request is wrong, or asks for too much. */
  answer(request: Request, tick: number): QueryAnswer {
    const question = this.#parse(request);
    const page = new RowPage({
      query: question.query,
      payloadBytesMax: this.#options.payloadBytesMax,
      rowsMax: question.limit,
      hasComponents: request.components === true,
    });
    const { order, next, total, work } = this.#find(request, question, page);
    const response = {
      tick_id: tick,
      chunks: page.chunks(),
      ...(order && { order: page.order() }),
      ...(total !== undefined && request.count && { total }),
      ...(next !== undefined && { next }),
    };
    return { response, work };
  }

  #parse({ query, where, sort, limit, offset, cursor, entities }: Request): Question {
    const { schema } = this.#options.world;
    if (offset !== undefined && cursor !== undefined) {
      throw new WireError("Cannot query: it takes a cursor or an offset, not both");
    }
    const order = sort && new RowOrder(schema, sort);
    const question = {
      query: parseQuery(schema, query),
      filter: where && new RowFilter(schema, where),
      order,
      offset: offset ?? (cursor === undefined ? 0 : offsetOf(cursor) ?? 0),
      limit: Math.min(limit ?? PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX),
    };
    const isOrdered = order !== undefined && entities === undefined;
    if (!isOrdered || question.offset + question.limit <= ORDERED_ROWS_MAX) return question;
    if (question.offset < ORDERED_ROWS_MAX) {
      return { ...question, limit: ORDERED_ROWS_MAX - question.offset };
    }
    throw new WireError(
      `Cannot query: pages in an order end at row ${ORDERED_ROWS_MAX}; ` +
        'go on from there with a condition, such as "where" the value is beyond the last one\'s',
    );
  }

  #find(request: Request, question: Question, page: RowPage): Found & { order: boolean } {
    const { entities, offset, cursor, count } = request;
    if (entities !== undefined) {
      return { ...this.#findListed(entities, question, page), order: true };
    }
    if (question.order) {
      return { ...this.#findOrdered(question, question.order, page), order: true };
    }
    const isWhole = offset !== undefined || count === true ||
      (cursor !== undefined && offsetOf(cursor) !== undefined);
    const found = isWhole ? this.#findAll(question, page) : this.#findFrom(question, cursor, page);
    return { ...found, order: false };
  }

  /** The listed ones that match, in the order of the list, unless another is asked for. */
  #findListed(bytes: Uint8Array, { query, filter, order, offset }: Question, page: RowPage): Found {
    const { world } = this.#options;
    if (bytes.length % ENTITY_BYTES !== 0 || bytes.length > ENTITIES_MAX * ENTITY_BYTES) {
      throw new WireError(`Cannot query: its entities are not at most ${ENTITIES_MAX} u64s`);
    }
    const tables = new Set(world.match(query));
    const rows: Pick<RankedRow, "table" | "row">[] = [];
    let work = 0;
    for (const entity of new Set(asWireError(() => decodeEntities(bytes)))) {
      const place = world.find(entity);
      if (place === undefined) continue;
      const { table, row } = place;
      work += LOOK_UP_WORK + (filter?.work(table) ?? 0);
      if (work > WORK_MAX) {
        throw new WireError(
          "Cannot query: to look at so many entities takes too long between two ticks; " +
            "ask for fewer at a time, or compare fewer and simpler values",
        );
      }
      if (tables.has(table) && (filter?.test(table, row) ?? true)) rows.push({ table, row });
    }
    const sorted = order
      ? rows.map(({ table, row }) => order.rank(table, row)).sort((a, b) => order.compare(a, b))
      : rows;
    return fill(page, sorted, { offset, total: rows.length, work });
  }

  #findOrdered(question: Question, order: RowOrder, page: RowPage): Found {
    const { offset, limit, filter, query } = question;
    const tables = this.#options.world.match(query);
    const work = workOf(tables, { filter, order });
    const top = order.select(offset + limit);
    let total = 0;
    for (const table of tables) {
      for (const range of slicesOf(table, filter)) {
        const mask = filter?.mask(table, range);
        total += mask ? sumOf(mask) : range.count;
        top.offer(table, range, mask);
      }
    }
    return fill(page, top.sorted(), { offset, total, work });
  }

  /** All rows are counted, those from the offset on are taken. */
  #findAll({ query, filter, offset }: Question, page: RowPage): Found {
    const tables = this.#options.world.match(query);
    const work = workOf(tables, { filter });
    let total = 0;
    let isOpen = true;
    for (const table of tables) {
      for (const range of slicesOf(table, filter)) {
        const mask = filter?.mask(table, range);
        const count = mask ? sumOf(mask) : range.count;
        let at = total;
        total += count;
        if (!isOpen || total <= offset) continue;
        for (let i = 0; i < range.count && isOpen; i++) {
          if (mask && mask[i] === 0) continue;
          if (at++ >= offset) isOpen = page.take(table, range.first + i);
        }
      }
    }
    const end = offset + page.count;
    return { page, total, work, next: end < total ? `+${end}` : undefined };
  }

  /** From the cursor on until the page is full, or long enough has been looked for. */
  #findFrom({ query, filter }: Question, cursor: string | undefined, page: RowPage): Found {
    const start = parseCursor(cursor);
    let work = 0;
    for (const table of this.#options.world.match(query)) {
      if (table.id < start.archetype) continue;
      const from = table.id === start.archetype ? start.row : 0;
      for (const range of slicesOf(table, filter, from)) {
        if (work > PAGE_WORK_MAX) return { page, work, next: cursorAt(table, range.first) };
        work += range.count * (1 + (filter?.work(table) ?? 0));
        const mask = filter?.mask(table, range);
        for (let i = 0; i < range.count; i++) {
          if (mask && mask[i] === 0) continue;
          if (page.take(table, range.first + i)) continue;
          return { page, work, next: cursorAt(table, range.first + i) };
        }
      }
    }
    return { page, work, next: undefined };
  }
}

/** The rows from the offset on, as many as fit. */
function fill(
  page: RowPage,
  rows: readonly Pick<RankedRow, "table" | "row">[],
  { offset, total, work }: { offset: number; total: number; work: number },
): Found {
  let end = offset;
  while (end < rows.length && page.take(rows[end].table, rows[end].row)) end++;
  return { page, total, work, next: end < total && page.count > 0 ? `+${end}` : undefined };
}

/** @throws {WireError} when it is more than an answer may take. */
function workOf(
  tables: readonly Table[],
  { filter, order }: { filter?: RowFilter | undefined; order?: RowOrder | undefined },
): number {
  let work = 0;
  let rows = 0;
  for (const table of tables) {
    rows += table.count;
    work += table.count * ((filter?.work(table) ?? 0) + (order?.work(table) ?? 0));
  }
  if (work <= WORK_MAX) return work;
  const share = Math.floor(100 * WORK_MAX / work);
  throw new WireError(
    `Cannot query: to ${
      order ? "sort" : "count"
    } ${rows} rows by this takes too long between two ` +
      `ticks, which have time for about ${share} % of it; narrow it with more components (+C, !C) or ` +
      "compare fewer and simpler values, numbers rather than strings",
  );
}

/** The rows of a table, in pieces that do not take long. */
function* slicesOf(table: Table, filter: RowFilter | undefined, from = 0) {
  const rows = sliceRows(filter?.work(table) ?? 0);
  for (let first = from; first < table.count; first += rows) {
    yield { first, count: Math.min(rows, table.count - first) };
  }
}

function sumOf(mask: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < mask.length; i++) sum += mask[i];
  return sum;
}

function cursorAt(table: Table, row: number): string {
  return `${digestHex(table.id)}.${row}`;
}

/** The offset that a cursor stands for, if it is one of those: `+<offset>`. */
function offsetOf(cursor: string): number | undefined {
  return /^\+\d{1,10}$/.test(cursor) ? Number(cursor) : undefined;
}

/** `<archetype's id in hex>.<row>`, which stays good when archetypes are added. */
function parseCursor(cursor = "0.0"): { archetype: bigint; row: number } {
  const match = /^([0-9a-f]{1,16})\.(\d{1,9})$/.exec(cursor);
  if (match === null) throw new WireError(`Cannot continue at cursor "${cursor.slice(0, 40)}"`);
  return { archetype: BigInt(`0x${match[1]}`), row: Number(match[2]) };
}
