/**
 * The rows that a chunk is about.
 *
 * @module
 */
import type { Chunk } from "../lib/wire/messages.ts";

/** Some rows of one archetype. */
export interface RowSet {
  readonly archetype: bigint;
  readonly count: number;
  has(row: number): boolean;
  rows(): Iterable<number>;
}

export function rowsOfChunk(
  { archetype, first, count, rows }: Pick<Chunk, "archetype" | "first" | "count" | "rows">,
): RowSet {
  if (rows === undefined) {
    const all = {
      *[Symbol.iterator]() {
        for (let row = first; row < first + count; row++) yield row;
      },
    };
    return { archetype, count, has: (row) => row >= first && row < first + count, rows: () => all };
  }
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  const listed = new Set(Array.from({ length: count }, (_, i) => view.getUint32(4 * i, true)));
  return { archetype, count, has: (row) => listed.has(row), rows: () => listed };
}

export function haveCommonRows(one: readonly RowSet[], other: readonly RowSet[]): boolean {
  return one.some((a) =>
    other.some((b) => {
      if (a.archetype !== b.archetype) return false;
      const [few, many] = a.count < b.count ? [a, b] : [b, a];
      return Iterator.from(few.rows()).some((row) => many.has(row));
    })
  );
}
