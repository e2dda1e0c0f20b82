/**
 * The rows of a watch, kept up to date by what is pushed.
 *
 * @module
 */
import { decodeEntities } from "../ecs/column_bytes.ts";
import { asWireError } from "../wire/column.ts";
import type { MessageOf } from "../wire/messages.ts";
import type { Components } from "./path.ts";
import { type ResultRow, rowsOfPage } from "./rows.ts";

/** What a delta did. */
export interface RowChanges {
  /** Rows that came or changed. */
  readonly changed: readonly ResultRow[];
  /** Entities whose row was there, and is not any more. */
  readonly gone: readonly number[];
  readonly isReset: boolean;
}

const NO_CHANGES: RowChanges = { changed: [], gone: [], isReset: false };

export class WatchedRows {
  readonly #components: Components;
  readonly #rows = new Map<number, ResultRow>();
  /** Of the next delta; undefined before the first that resets. */
  #sequence: number | undefined;
  #isBroken = false;
  /** The tick after which the rows are as they are. */
  tick = 0;
  /** False while the rows are not all there, or not all of that tick. */
  isWhole = false;

  constructor(components: Components) {
    this.#components = components;
  }

  get rows(): ReadonlyMap<number, ResultRow> {
    return this.#rows;
  }

  /** True when a delta was lost: the rows are as they were, and stay so until the watch begins anew. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** @throws {WireError} when the delta is not what the components say; nothing is changed then. */
  apply(delta: MessageOf<"QueryDelta">): RowChanges {
    if (!delta.reset && delta.sequence !== this.#sequence) {
      // One that came before is no harm; one that did not come is.
      this.#isBroken ||= delta.sequence > (this.#sequence ?? -1);
      return NO_CHANGES;
    }
    const changed = rowsOfPage(delta, this.#components);
    const gone = asWireError(() => decodeEntities(delta.gone));
    if (delta.reset) this.#rows.clear();
    for (const row of changed) this.#rows.set(row.entity, row);
    const left = Array.from(gone).filter((entity) => this.#rows.delete(entity));
    this.#sequence = delta.sequence + 1;
    this.#isBroken = false;
    this.tick = delta.tick_id;
    this.isWhole = !delta.more;
    return { changed, gone: left, isReset: delta.reset };
  }
}
