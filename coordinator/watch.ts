/**
 * A watch: what somebody outside has of a query's rows, and what of it is out of
 * date. What changed is looked for in slices, and pushed as far as a message has
 * room; the rest stays noted and goes later, as it is by then. So who falls behind
 * costs neither memory nor time.
 *
 * @module
 */
import type { ComponentColumns, Table } from "../lib/ecs/archetype.ts";
import { encodeEntities } from "../lib/ecs/column_bytes.ts";
import type { ComponentType } from "../lib/ecs/component.ts";
import type { Entity } from "../lib/ecs/entity.ts";
import type { MoveJournal } from "../lib/ecs/move_journal.ts";
import type { Query } from "../lib/ecs/query.ts";
import type { World } from "../lib/ecs/world.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import { EntitySet } from "./entity_set.ts";
import { type RowFilter, sliceRows } from "./row_filter.ts";
import { RowPage } from "./row_page.ts";

/** Per row whose mark is looked at, and per entity that is looked up. */
const MARK_WORK = 3;
const LOOK_UP_WORK = 64;
const GONE_BYTES = 8;

export interface WatchOptions {
  readonly world: World;
  readonly journal: MoveJournal;
  readonly query: Query;
  readonly filter: RowFilter | undefined;
  readonly payloadBytesMax: number;
  /** Rows that the receiver has at the most. */
  readonly rowsMax: number;
  readonly hasComponents: boolean;
}

/** A look for what changed after `since`, which goes on where the last slice ended. */
interface Search {
  /** Negative: everything counts as changed. */
  readonly since: number;
  readonly tables: readonly Table[];
  table: number;
  row: number;
}

type Delta = Omit<MessageOf<"QueryDelta">, "watch_id" | "tick_id">;

export class Watch {
  readonly #options: WatchOptions;
  readonly #watched: readonly ComponentType[];
  /** What the receiver has. */
  readonly #members = new EntitySet();
  /** What the receiver may have as it is not any more. */
  readonly #pending = new EntitySet();
  /** Change tick up to which everything was looked for. */
  #since = -1;
  #journalAt: number;
  #loads: number;
  #search: Search | undefined;
  #isFresh = true;
  #isMoreTold = false;
  /** Deltas since the last that reset. */
  #sequence = 0;
  /** Rows match that there was no room for. */
  #isCut = false;

  constructor(options: WatchOptions) {
    const { query, filter, journal, world } = options;
    const own = query.changed.length > 0
      ? query.changed
      : [...query.read, ...query.write, ...query.optional].map(({ component }) => component);
    this.#options = options;
    this.#watched = [...new Set([...own, ...filter?.components ?? []])];
    this.#journalAt = journal.end;
    this.#loads = world.loads;
  }

  /** True when the receiver may lack something. */
  get isBehind(): boolean {
    return this.#isFresh || this.#search !== undefined || this.#pending.size > 0 ||
      this.#since < this.#options.world.changeTick || this.#hasRoomAgain;
  }

  get #hasRoomAgain(): boolean {
    return this.#isCut && this.#members.size < this.#options.rowsMax;
  }

  /**
   * Looks for what changed, and returns what to push; undefined where that is nothing.
   * @param workMax numbers to look at, about
   */
  next(workMax: number): { delta: Delta | undefined; work: number } {
    if (this.#loads !== this.#options.world.loads) this.restart();
    const isIdle = this.#pending.size === 0;
    let work = this.#readJournal();
    if (isIdle || this.#search) work += this.#look(workMax);
    const { page, gone, work: drained } = this.#drain(workMax);
    const isReset = this.#isFresh;
    this.#isFresh = false;
    const isWhole = !this.isBehind;
    const isNothing = page.count === 0 && gone.length === 0 && !isReset;
    // Whoever was told that there is more is told when there is not.
    if (isNothing && !(isWhole && this.#isMoreTold)) return { delta: undefined, work };
    this.#isMoreTold = !isWhole;
    this.#sequence = isReset ? 0 : this.#sequence + 1;
    const delta = {
      sequence: this.#sequence,
      chunks: page.chunks(),
      gone: encodeEntities(Float64Array.from(gone)),
      reset: isReset,
      more: !isWhole,
    };
    return { delta, work: work + drained };
  }

  /** What the receiver has is void. */
  restart(): void {
    this.#members.clear();
    this.#pending.clear();
    this.#since = -1;
    this.#search = undefined;
    this.#isFresh = true;
    this.#isCut = false;
    this.#loads = this.#options.world.loads;
    this.#journalAt = this.#options.journal.end;
  }

  /** Notes who came, went or moved. */
  #readJournal(): number {
    const { journal } = this.#options;
    const from = this.#journalAt;
    this.#journalAt = journal.end;
    const isWhole = journal.visitSince(from, (entity) => void this.#pending.add(entity));
    if (isWhole) return journal.end - from;
    // Too many to remember: everything is looked at anew.
    this.#since = -1;
    this.#search = undefined;
    this.#members.visit((entity) => {
      this.#pending.add(entity);
      return true;
    });
    return this.#members.size;
  }

  /** Goes on looking, for about `workMax` numbers. */
  #look(workMax: number): number {
    const search = this.#search ??= this.#beginSearch();
    let work = 0;
    while (search.table < search.tables.length) {
      const table = search.tables[search.table];
      const stores = this.#changedStores(table, search.since);
      if (search.row >= table.count || (stores.length === 0 && search.since >= 0)) {
        search.table++;
        search.row = 0;
        continue;
      }
      if (work >= workMax) return work;
      const rows = sliceRows(stores.length + (this.#options.filter?.work(table) ?? 0));
      const range = { first: search.row, count: Math.min(rows, table.count - search.row) };
      work += this.#lookAt(table, range, { since: search.since, stores });
      search.row += range.count;
    }
    this.#search = undefined;
    return work;
  }

  #beginSearch(): Search {
    const { world, query } = this.#options;
    const hasRoomAgain = this.#hasRoomAgain;
    const since = hasRoomAgain ? -1 : this.#since;
    this.#since = world.changeTick;
    this.#isCut &&= !hasRoomAgain;
    return { since, tables: world.match(query), table: 0, row: 0 };
  }

  #changedStores(table: Table, since: number): ComponentColumns[] {
    return this.#watched.flatMap((component) => {
      const store = table.store(component);
      return store && store.changedLast > since ? [store] : [];
    });
  }

  /** Notes the rows of a range that changed, if they match or the receiver has them. */
  #lookAt(
    table: Table,
    { first, count }: { first: number; count: number },
    { since, stores }: { since: number; stores: readonly ComponentColumns[] },
  ): number {
    const { filter } = this.#options;
    const members = this.#members;
    const marks = stores.map(({ changed }) => changed);
    let mask: Uint8Array | undefined;
    for (let i = 0; i < count; i++) {
      const row = first + i;
      if (since >= 0 && !isMarked(marks, row, since)) continue;
      mask ??= filter?.mask(table, { first, count });
      const entity = table.entities[row];
      if (mask === undefined || mask[i] === 1 || members.has(entity)) this.#pending.add(entity);
    }
    return count * (MARK_WORK + marks.length + (mask && filter ? filter.work(table) : 0));
  }

  /** Takes what is noted, as far as there is room for it, as it is now. */
  #drain(workMax: number): { page: RowPage; gone: Entity[]; work: number } {
    const { world, query, filter, payloadBytesMax, rowsMax, hasComponents } = this.#options;
    const page = new RowPage({ query, payloadBytesMax, rowsMax: Infinity, hasComponents });
    const tables = new Set(world.match(query));
    const gone: Entity[] = [];
    let work = 0;
    this.#pending.visit((entity) => {
      if (work >= workMax) return false;
      const place = world.find(entity);
      work += LOOK_UP_WORK + (place && filter ? filter.work(place.table) : 0);
      const isMember = this.#members.has(entity);
      if (place && tables.has(place.table) && (filter?.test(place.table, place.row) ?? true)) {
        if (!isMember && this.#members.size >= rowsMax) this.#isCut = true;
        else if (!page.take(place.table, place.row)) return false;
        else this.#members.add(entity);
      } else if (isMember) {
        if (!page.spend(GONE_BYTES)) return false;
        this.#members.delete(entity);
        gone.push(entity);
      }
      this.#pending.delete(entity);
      return true;
    });
    return { page, gone, work };
  }
}

function isMarked(marks: readonly Float64Array[], row: number, since: number): boolean {
  for (let i = 0; i < marks.length; i++) if (marks[i][row] > since) return true;
  return false;
}
