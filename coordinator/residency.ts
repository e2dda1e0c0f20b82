/**
 * Who keeps the columns of which rows, and as of when: what a shard's next
 * schedule may leave out, and the instance that it is best sent to.
 *
 * @module
 */
import { digest64 } from "../lib/ecs/digest.ts";
import type { Shard } from "./shards.ts";

/** An instance that keeps a range of rows. */
export interface Holder {
  readonly instance: string;
  /** The tick that it ran the range in. */
  readonly tick: number;
  /** Change tick up to which it has the rows' values. */
  readonly changeTick: number;
}

/** As many as there may be instances. */
const KEEPERS_MAX = 4096;

/** The holders of one system's shards, as one tick leaves them to the next. */
export class Residency {
  #holders = new Map<bigint, Holder>();
  #next = new Map<bigint, Holder>();
  readonly #keepers = new Set<string>();

  /**
   * Starts a tick: what no shard of the last tick renewed is forgotten.
   * Returns, per shard, the id of its range and the holder that can be relied on.
   */
  begin(shards: readonly Shard[]): { range: bigint | undefined; holder: Holder | undefined }[] {
    this.#holders = this.#next;
    this.#next = new Map();
    return shards.map((shard) => {
      const range = rangeOf(shard);
      const holder = range === undefined ? undefined : this.#holders.get(range);
      return { range, holder: holder && isCurrent(shard, holder) ? holder : undefined };
    });
  }

  /** An instance keeps the range as of this tick. */
  hold(range: bigint, holder: Holder): void {
    this.#next.set(range, holder);
    // The newest last: those that have left long ago are the first to be forgotten.
    this.#keepers.delete(holder.instance);
    this.#keepers.add(holder.instance);
    if (this.#keepers.size <= KEEPERS_MAX) return;
    for (const oldest of this.#keepers) {
      this.#keepers.delete(oldest);
      break;
    }
  }

  /** True for an instance that has kept rows, and has not been distrusted since. */
  isKeeper(instance: string): boolean {
    return this.#keepers.has(instance);
  }

  /** The instance did not do as a keeper of rows does. */
  distrust(instance: string): void {
    this.#keepers.delete(instance);
  }
}

/** Identifies the rows of a shard; undefined for rows that are picked anew each tick. */
function rangeOf(shard: Shard): bigint | undefined {
  if (shard.some(({ rows }) => rows !== undefined)) return undefined;
  return digest64(shard.map(({ table, first, count }) => `${table.id}:${first}:${count}`).join());
}

/** False once rows came, went or moved. */
function isCurrent(shard: Shard, { changeTick }: Holder): boolean {
  return shard.every(({ table }) => table.structureChangedLast <= changeTick);
}
