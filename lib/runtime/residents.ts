/**
 * The columns that an instance keeps from tick to tick, by range of rows, so
 * that only what changed has to travel. Losing any of it at any time costs a
 * message and changes no result.
 *
 * @module
 */
import type { ColumnData } from "../wire/column.ts";

/** The columns of one chunk, by column key, and its entities where the query reads them. */
export interface ResidentChunk {
  readonly columns: ReadonlyMap<string, ColumnData>;
  readonly entities: Float64Array | undefined;
  /** The written columns as they were before the run, to tell what it changed. */
  readonly before: ReadonlyMap<string, ColumnData> | undefined;
}

/** The chunks of a range as they were after a tick. */
export interface ResidentRange {
  readonly epoch: number;
  readonly tick: number;
  readonly chunks: readonly ResidentChunk[];
}

/** The least recently used ranges go beyond this. */
const BYTES_MAX_DEFAULT = 512 * 1024 * 1024;
/** What a list value is reckoned to take, whatever it is. */
const LIST_VALUE_BYTES = 64;

export class Residents {
  readonly #bytesMax: number;
  /** Least recently used first. */
  readonly #ranges = new Map<bigint, { readonly range: ResidentRange; readonly bytes: number }>();
  #bytes = 0;

  constructor(bytesMax = BYTES_MAX_DEFAULT) {
    this.#bytesMax = bytesMax;
  }

  /**
   * Takes a range out, if it is there as of that tick. Its columns are then the
   * caller's, who changes them in place and keeps them anew if all goes well.
   */
  take(id: bigint, { epoch, tick }: { epoch: number; tick: number }): ResidentRange | undefined {
    const range = this.#ranges.get(id)?.range;
    this.#drop(id);
    return range?.epoch === epoch && range.tick === tick ? range : undefined;
  }

  /** Ranges of a tick before the last are dropped: a schedule only ever builds on the last one. */
  keep(id: bigint, range: ResidentRange): void {
    this.#drop(id);
    this.#dropBefore(range);
    const bytes = bytesOf(range);
    this.#ranges.set(id, { range, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#ranges.keys()) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#drop(oldest);
    }
  }

  /** The oldest come first, so what is dropped is looked at and nothing else. */
  #dropBefore({ epoch, tick }: ResidentRange): void {
    for (const [id, { range }] of this.#ranges) {
      if (range.epoch === epoch && range.tick >= tick - 1) break;
      this.#drop(id);
    }
  }

  clear(): void {
    this.#ranges.clear();
    this.#bytes = 0;
  }

  #drop(id: bigint): void {
    this.#bytes -= this.#ranges.get(id)?.bytes ?? 0;
    this.#ranges.delete(id);
  }
}

function bytesOf({ chunks }: ResidentRange): number {
  let bytes = 0;
  for (const { columns, entities, before } of chunks) {
    bytes += entities?.byteLength ?? 0;
    for (const data of [...columns.values(), ...before?.values() ?? []]) {
      bytes += ArrayBuffer.isView(data) ? data.byteLength : data.length * LIST_VALUE_BYTES;
    }
  }
  return bytes;
}
