/**
 * The grain of a system: into how many shards its rows are best cut. Few large
 * shards cost the least to send; many small ones share out evenly, whatever each
 * of them costs. So shards are cut by what the system's rows have been measured
 * to cost, and as many for each instance as that cost is worth.
 *
 * @module
 */

import type { Shard } from "./shards.ts";

/** So that one is on its way while the other is computed. */
const SHARDS_PER_INSTANCE_MIN = 2;
const SHARDS_PER_INSTANCE_MAX = 8;
/** What a shard is to take: much more than a message costs, much less than a tick. */
const SHARD_MS_TARGET = 4;
/** What a message takes until the next one has followed it, generously. */
const MESSAGE_MS = 2;
/** Below this many rows a shard of unknown cost is taken to cost more to send than to run. */
const ROWS_MIN = 512;
/** Share of the newest tick in the measured cost. */
const NEWEST_SHARE = 0.1;
/** The cut stays until another is better by this factor: each new cut sends all rows anew. */
const CHANGE_FACTOR_MIN = 1.6;

export class Grain {
  #msPerRow: number | undefined;
  #perInstance = SHARDS_PER_INSTANCE_MIN;

  /** Takes in what a tick's shards took to compute. */
  measure({ rows, computeMs }: { rows: number; computeMs: number }): void {
    if (rows === 0) return;
    const msPerRow = computeMs / rows;
    this.#msPerRow = this.#msPerRow === undefined
      ? msPerRow
      : this.#msPerRow + NEWEST_SHARE * (msPerRow - this.#msPerRow);
  }

  /** Into how many shards that many rows are to be cut, at the least. */
  shardCount({ rows, instances }: { rows: number; instances: number }): number {
    if (rows === 0 || instances === 0) return 1;
    const totalMs = rows * (this.#msPerRow ?? 0);
    this.#adapt(totalMs / instances / SHARD_MS_TARGET);
    const worthSending = Math.max(rows / ROWS_MIN, totalMs / SHARD_MS_TARGET);
    const count = Math.min(instances * this.#perInstance, rows, Math.ceil(worthSending));
    return Math.max(1, count);
  }

  /**
   * Shards that an instance is to have at a time: one to compute, and as many more
   * as it computes in the time that a message takes.
   */
  depth(shards: readonly Shard[]): number {
    const rows = shards.flat().reduce((sum, { count }) => sum + count, 0);
    const shardMs = rows * (this.#msPerRow ?? 0) / Math.max(1, shards.length);
    return 1 + Math.max(1, Math.ceil(MESSAGE_MS / shardMs));
  }

  /** Powers of two, so that a cost that wavers does not change the cut. */
  #adapt(wanted: number): void {
    const ratio = wanted / this.#perInstance;
    if (ratio < CHANGE_FACTOR_MIN && ratio > 1 / CHANGE_FACTOR_MIN) return;
    const power = 2 ** Math.round(Math.log2(Math.max(1, wanted)));
    this.#perInstance = Math.min(
      SHARDS_PER_INSTANCE_MAX,
      Math.max(SHARDS_PER_INSTANCE_MIN, power),
    );
  }
}
