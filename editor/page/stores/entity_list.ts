/**
 * The list of entities that a query finds: fetched page by page where it is looked
 * at, its visible rows kept up to date by themselves.
 *
 * @module
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { encodeEntities } from "../../../lib/ecs/column_bytes.ts";
import { errorMessage } from "../../../lib/error_message.ts";
import { formatQueryText } from "../../../lib/query/format.ts";
import { parseQueryText } from "../../../lib/query/parse.ts";
import type { QuerySpec } from "../../../lib/query/spec.ts";
import { QueryTextError } from "../../../lib/query/text_error.ts";
import { PageCache } from "../../model/page_cache.ts";
import { type Row, rowsOf } from "../../model/rows.ts";
import { columnsOf, projectionOf, type TableColumn } from "../../model/table_query.ts";
import { repeat } from "../browser.ts";
import type { Session } from "./session.ts";

const PAGE_ROWS = 100;
const PAGES_MAX = 60;
const VALUES_MS = 200;
/** Which rows there are is asked less often than what they hold. */
const ORDER_MS = 1500;
/** As far as the coordinator goes into an order. */
const SORTED_ROWS_MAX = 16_384;
const EVERYTHING_TEXT = "*";
/** What an error says before its place, which in the page is beside the query. */
const PROBLEM_LEAD = /^Cannot read the query at /;

/** What is wrong with the query, and where in its text, from 0; nowhere, where the coordinator says so. */
export interface QueryProblem {
  readonly message: string;
  readonly offset: number | undefined;
  readonly length: number;
}

export class EntityList {
  readonly text: Signal<string> = signal(EVERYTHING_TEXT);
  readonly spec: Signal<QuerySpec> = signal(parseQueryText(EVERYTHING_TEXT));
  readonly problem: Signal<QueryProblem | undefined> = signal(undefined);
  /** Rows that the list has. */
  readonly total: Signal<number> = signal(0);
  /** Rows that the query finds, of which a sorted list has only the first. */
  readonly found: Signal<number> = signal(0);
  /** Changes with what the rows are; 0 until the first have come. */
  readonly version: Signal<number> = signal(0);
  readonly columns: ReadonlySignal<readonly TableColumn[]>;
  readonly #session: Session;
  readonly #pages = new PageCache<Row>({ pageRows: PAGE_ROWS, pagesMax: PAGES_MAX });
  #window = { first: 0, last: 0 };
  #isFetching = false;
  /** The text whose rows these are. */
  #listed = EVERYTHING_TEXT;
  /** The tick and query that the visible values are of. */
  #valuesOf = "";
  #orderedAt = -1;

  constructor(session: Session) {
    this.#session = session;
    this.columns = computed(() => columnsOf(this.spec.value, session.schema.value));
  }

  start(): void {
    repeat(VALUES_MS, () => this.#refreshValues());
    repeat(ORDER_MS, () => this.#refreshOrder());
    this.#session.view.subscribe(({ kind }) => {
      if (kind !== "opening") this.reset();
    });
    // What a query may name, and what its rows look like, is known only now.
    const components = computed(() => this.#session.schema.value.components);
    components.subscribe(() => this.setText(this.text.peek()));
  }

  /** Takes a query's text; `problem` tells what is wrong with it. The list stays as it is. */
  check(text: string): QuerySpec | undefined {
    const { components } = this.#session.schema.value;
    this.text.value = text;
    try {
      const spec = parseQueryText(text, components.size > 0 ? components : undefined);
      this.problem.value = undefined;
      return spec;
    } catch (error) {
      if (!(error instanceof QueryTextError)) throw error;
      const { offset, length } = error;
      const message = error.message.replace(PROBLEM_LEAD, "");
      this.problem.value = { message, offset, length };
      return undefined;
    }
  }

  /** Runs what was typed, where that is not what is listed. */
  settle(): void {
    const text = this.text.peek();
    if (text !== this.#listed) this.setText(text);
  }

  /** Has the list be that of a query's text, unless something is wrong with it. */
  setText(text: string): void {
    const spec = this.check(text);
    if (spec === undefined) return;
    this.#listed = text;
    batch(() => {
      this.spec.value = spec;
      this.reset();
    });
  }

  setSpec(spec: QuerySpec): void {
    this.setText(formatQueryText(spec));
  }

  /** Fetches the list anew. */
  reset(): void {
    this.#pages.clear();
    batch(() => {
      this.total.value = 0;
      this.version.value = 0;
    });
    this.#fetch();
  }

  /** Has the rows be fetched again soon, since something about them was changed. */
  touch(): void {
    this.#pages.expire();
    this.#fetch();
  }

  at(index: number): Row | undefined {
    return this.#pages.at(index);
  }

  /** What is looked at. */
  look(first: number, count: number): void {
    this.#window = { first, last: first + Math.max(0, count - 1) };
    this.#fetch();
  }

  /** Fetches all rows of a range, such as one that is to be selected. */
  async fetchRange(first: number, last: number): Promise<void> {
    for (const page of this.#pages.missing(first, last).slice(0, PAGES_MAX / 2)) {
      await this.#fetchPage(page);
    }
  }

  async #fetch(): Promise<void> {
    if (this.#isFetching || this.#session.schema.value.components.size === 0) return;
    this.#isFetching = true;
    try {
      while (true) {
        const [page] = this.#pages.missing(this.#window.first, this.#window.last);
        if (page === undefined || this.#session.view.value.kind === "opening") return;
        await this.#fetchPage(page);
      }
    } catch (error) {
      this.#tell(error);
    } finally {
      this.#isFetching = false;
    }
  }

  async #fetchPage(page: number): Promise<void> {
    const spec = this.spec.value;
    const { generation } = this.#pages;
    const rowsMax = Math.min(spec.limit ?? Infinity, spec.sort ? SORTED_ROWS_MAX : Infinity);
    const limit = Math.min(PAGE_ROWS, rowsMax - page * PAGE_ROWS);
    if (limit <= 0) {
      this.#pages.put(page, { rows: [], total: this.total.value, generation });
      return;
    }
    const reply = await this.#session.query({
      query: projectionOf(spec),
      ...(spec.where && { where: spec.where }),
      ...(spec.sort && { sort: [...spec.sort] }),
      offset: page * PAGE_ROWS,
      limit,
      count: true,
      components: true,
    });
    if (spec !== this.spec.value) return;
    const rows = rowsOf(reply, this.#session.schema.value);
    const found = Math.min(reply.total ?? rows.length, spec.limit ?? Infinity);
    const total = Math.min(found, rowsMax);
    if (!this.#pages.put(page, { rows, total, generation })) return;
    batch(() => {
      this.total.value = total;
      this.found.value = found;
      this.version.value++;
      if (this.problem.value?.offset === undefined) this.problem.value = undefined;
    });
  }

  async #refreshOrder(): Promise<void> {
    const { view, status, tick } = this.#session;
    if (view.value.kind !== "live" || status.value === undefined) return;
    if (this.#orderedAt === tick.value && this.version.value > 0) return;
    this.#orderedAt = tick.value;
    this.#pages.expire();
    await this.#fetch();
  }

  /** Asks for the values of the rows that are seen, and of no others. */
  async #refreshValues(): Promise<void> {
    const { view, status, tick, schema } = this.#session;
    if (view.value.kind !== "live" || status.value === undefined) return;
    if (this.columns.value.length === 0) return;
    const seen = this.#seen();
    const of = `${tick.value} ${seen.join()}`;
    if (seen.length === 0 || of === this.#valuesOf) return;
    this.#valuesOf = of;
    const spec = this.spec.value;
    const reply = await this.#session.query({
      query: projectionOf(spec),
      entities: encodeEntities(Float64Array.from(seen)),
      limit: seen.length,
      components: true,
    });
    const rows = new Map(rowsOf(reply, schema.value).map((row) => [row.entity, row]));
    if (spec !== this.spec.value) return;
    this.#pages.update(({ entity }) => rows.get(entity));
    this.version.value++;
  }

  #seen(): number[] {
    const entities: number[] = [];
    for (let i = this.#window.first; i <= this.#window.last; i++) {
      const row = this.at(i);
      if (row) entities.push(row.entity);
    }
    return entities;
  }

  #tell(error: unknown): void {
    const { problem } = this;
    const message = errorMessage(error);
    if (problem.value?.offset === undefined) {
      problem.value = { message, offset: undefined, length: 0 };
    }
  }
}
