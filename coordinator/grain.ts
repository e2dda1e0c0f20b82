/**
 * The grain of a system: into how many shards its rows are best cut. Each shard
 * costs its messages; what more of them win is that instances share out uneven
 * costs evenly, and that the systems in a row-wise chain work at the same time. So
 * rows are cut until one more cut would cost what it wins, by what the shards have
 * been measured to cost. No result depends on it.
 *
 * @module
 */

export interface GrainOptions {
  /** Shards for each instance, whatever they cost; by default as many as they are worth. */
  readonly perInstance?: number | undefined;
}

/** What is to be cut, and for whom. */
export interface Cut {
  readonly rows: number;
  readonly instances: number;
  /** Systems in the longest row-wise chain that this one is in, itself included. */
  readonly chain: number;
}

/** So that one is on its way, or waits for somebody else, while the other is computed. */
const PER_INSTANCE_MIN = 2;
const PER_INSTANCE_MAX = 8;
/** What a shard's messages cost, in all processes together. */
const MESSAGES_MS = 1;
/** What a message takes until the next one has followed it, generously. */
const MESSAGE_MS = 2;
/** A shard that takes less than this is not cut further, */
const SHARD_MS_TARGET = 4;
/** nor is one of fewer rows, while nothing is known of their cost. */
const ROWS_MIN = 512;
/** Share of the newest tick in what is remembered. */
const NEWEST_SHARE = 0.1;
/** The cut stays until another is better by this factor: each new cut sends all rows anew. */
const CHANGE_FACTOR_MIN = 1.6;
/** Shards whose costs are this near to each other are sent in the order of their rows. */
const LIKE_COST_FACTOR = 1.5;

export class Grain {
  readonly #fixed: number | undefined;
  #perInstance = PER_INSTANCE_MIN;
  #msPerRow: number | undefined;
  /** By shard, in milliseconds; of the newest cut. */
  #shardMs: number[] = [];

  constructor({ perInstance }: GrainOptions = {}) {
    this.#fixed = perInstance;
  }

  /** Takes in what each of a tick's shards took to compute; undefined for one that is lost. */
  measure({ rows, shardMs }: { rows: number; shardMs: readonly (number | undefined)[] }): void {
    if (rows === 0) return;
    const isSameCut = shardMs.length === this.#shardMs.length;
    this.#shardMs = shardMs.map((ms, i) => mixed(isSameCut ? this.#shardMs[i] : undefined, ms));
    this.#msPerRow = mixed(this.#msPerRow, sum(shardMs.map((ms = 0) => ms)) / rows);
  }

  /** Into how many shards the rows are to be cut, at the least. */
  shardCount({ rows, instances, chain }: Cut): number {
    if (rows === 0 || instances === 0) return 1;
    const totalMs = rows * (this.#msPerRow ?? 0);
    this.#adapt({ totalMs, instances, chain });
    const worthSending = Math.max(rows / ROWS_MIN, totalMs / SHARD_MS_TARGET);
    const wanted = instances * (this.#fixed ?? this.#perInstance);
    return Math.max(1, Math.min(wanted, rows, Math.ceil(worthSending)));
  }

  /**
   * Shards that an instance is to have at a time: one to compute, and as many more
   * as it computes in the time that a message takes.
   */
  depth(rows: number, shards: number): number {
    const shardMs = rows * (this.#msPerRow ?? 0) / Math.max(1, shards);
    return 1 + Math.max(1, Math.ceil(MESSAGE_MS / shardMs));
  }

  /**
   * The order in which that many shards are best sent: the dearest first, so that
   * what comes last is small, and all instances end at about the same time (Graham,
   * "Bounds on Multiprocessing Timing Anomalies", 1969).
   */
  order(shards: number): number[] {
    const numbers = Array.from({ length: shards }, (_, shard) => shard);
    if (shards !== this.#shardMs.length) return numbers;
    const ranks = this.#shardMs.map((ms) => Math.round(Math.log(ms) / Math.log(LIKE_COST_FACTOR)));
    // Sorting is stable: what costs alike stays in its order.
    return numbers.sort((a, b) => ranks[b] > ranks[a] ? 1 : ranks[b] < ranks[a] ? -1 : 0);
  }

  /**
   * With k shards each, instances that take T each wait for a share of a shard where
   * shards are uneven, and in a chain for a whole one of each system before: for
   * `waits` times T / k. What the chain's messages cost grows with k, so the sum of
   * both is least where they are equal. Powers of two, so that a cost that wavers
   * changes nothing.
   */
  #adapt({ totalMs, instances, chain }: { totalMs: number } & Omit<Cut, "rows">): void {
    const instanceMs = totalMs / instances;
    const waits = chain - 1 + unevenness(this.#shardMs);
    const wanted = Math.sqrt(waits * instanceMs / (chain * instances * MESSAGES_MS));
    const bounded = Math.min(PER_INSTANCE_MAX, Math.max(PER_INSTANCE_MIN, wanted));
    const ratio = bounded / this.#perInstance;
    if (ratio < CHANGE_FACTOR_MIN && ratio > 1 / CHANGE_FACTOR_MIN) return;
    this.#perInstance = 2 ** Math.round(Math.log2(bounded));
  }
}

function mixed(known: number | undefined, newest: number | undefined): number {
  if (newest === undefined) return known ?? 0;
  return known === undefined ? newest : known + NEWEST_SHARE * (newest - known);
}

/** The standard deviation of the costs, as a share of their mean; of none at all it is 0. */
function unevenness(costs: readonly number[]): number {
  const mean = sum(costs) / costs.length;
  if (!(mean > 0)) return 0;
  return Math.sqrt(sum(costs.map((cost) => (cost - mean) ** 2)) / costs.length) / mean;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
