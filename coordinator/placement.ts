/**
 * Placement: which instance each shard of one system and tick is sent to. A
 * shard goes to the instance that keeps its rows, as long as that has time for
 * it. One that nobody keeps, or whose keeper is busy while another instance has
 * nothing to do, goes to the instance that has the least. What is sent to an
 * instance by name takes no credit, so this is for instances that are known to
 * keep rows and answer in time; the others get theirs by the queue group.
 *
 * @module
 */
import type { Holder, Residency } from "./residency.ts";
import type { Shard } from "./shards.ts";

/** An instance of the system, and how many shards it can take at a time. */
export interface Seat {
  readonly id: string;
  readonly credits: number;
}

/** Where a shard goes. */
export interface Place {
  /** Undefined: to any member of the queue group. */
  readonly instance: string | undefined;
  /** What the instance keeps of the shard, so that only the rest need be sent. */
  readonly holder: Holder | undefined;
}

export interface PlacementOptions {
  /** Undefined: nobody keeps rows. */
  readonly residency: Residency | undefined;
  /** Shards that an instance is to have at a time at the most. */
  readonly depth: number;
  /** The system's instances as of now. */
  seats(): readonly Seat[];
}

const ANYWHERE: Place = { instance: undefined, holder: undefined };

export class Placement {
  readonly #options: PlacementOptions;
  readonly #ranges: readonly (bigint | undefined)[];
  readonly #holders: (Holder | undefined)[];
  /** By shard that is out. */
  readonly #places = new Map<number, Place>();
  /** By instance, the shards that are out there. */
  readonly #loads = new Map<string, number>();
  /** By shard, who has not answered in time. */
  readonly #missedBy = new Map<number, string>();

  constructor(shards: readonly Shard[], options: PlacementOptions) {
    const residents = options.residency?.begin(shards) ?? [];
    this.#options = options;
    this.#ranges = residents.map(({ range }) => range);
    this.#holders = residents.map(({ holder }) => holder);
  }

  /** Identifies the rows of a shard, if they can be kept. */
  rangeOf(shard: number): bigint | undefined {
    return this.#ranges[shard];
  }

  /** Where the shard is out. */
  placeOf(shard: number): Place {
    return this.#places.get(shard) ?? ANYWHERE;
  }

  /**
   * Takes a place at the instance that keeps the shard's rows; false where there is none free.
   * @param depth shards that it is to have then at the most
   */
  takeHolder(shard: number, depth = this.#options.depth): boolean {
    const seat = this.#holderSeat(shard);
    if (seat === undefined || !this.#hasTime(seat, depth)) return false;
    this.#take(shard, { instance: seat.id, holder: this.#holders[shard] });
    return true;
  }

  /** Takes a place wherever there is one for the shard now; false where it is better to wait. */
  takeAny(shard: number): boolean {
    const { residency, depth } = this.#options;
    const seats = this.#options.seats();
    let known = 0;
    let least: Seat | undefined;
    for (const seat of seats) {
      if (!residency?.isKeeper(seat.id)) continue;
      known++;
      if (seat.id === this.#missedBy.get(shard)) continue;
      if (least === undefined || this.#loadOf(seat.id) < this.#loadOf(least.id)) least = seat;
    }
    // To take rows from whoever keeps them costs more than to wait, but for who has nothing to do.
    const depthMax = this.#holderSeat(shard) ? 1 : depth;
    if (least !== undefined && this.#hasTime(least, depthMax)) {
      this.#take(shard, { instance: least.id, holder: undefined });
      return true;
    }
    if (least !== undefined && known === seats.length) return false;
    this.#take(shard, ANYWHERE);
    return true;
  }

  /** The shard is not out any more. */
  leave(shard: number): void {
    const { instance } = this.placeOf(shard);
    this.#places.delete(shard);
    if (instance !== undefined) this.#loads.set(instance, this.#loadOf(instance) - 1);
  }

  /** Nobody knows whether the shard has arrived, or what has become of it. */
  recall(shard: number): void {
    this.leave(shard);
    this.#holders[shard] = undefined;
  }

  /** Who has the shard has not answered in time. */
  miss(shard: number): void {
    const { instance } = this.placeOf(shard);
    this.leave(shard);
    this.#holders[shard] = undefined;
    if (instance === undefined) return;
    this.#missedBy.set(shard, instance);
    this.#options.residency?.distrust(instance);
  }

  /** The shard's addressee is gone or lacks what it was to keep; true if it was sent by name. */
  bounce(shard: number): boolean {
    const { instance, holder } = this.placeOf(shard);
    this.leave(shard);
    this.#holders[shard] = undefined;
    if (instance !== undefined && !holder) this.#options.residency?.distrust(instance);
    return instance !== undefined;
  }

  /** An instance keeps the shard's rows as of now. */
  hold(shard: number, holder: Holder): void {
    const range = this.#ranges[shard];
    if (range !== undefined) this.#options.residency?.hold(range, holder);
  }

  #holderSeat(shard: number): Seat | undefined {
    const { residency, seats } = this.#options;
    const instance = this.#holders[shard]?.instance;
    if (instance === undefined || !residency?.isKeeper(instance)) return undefined;
    return seats().find(({ id }) => id === instance);
  }

  #hasTime({ id, credits }: Seat, depthMax: number): boolean {
    return this.#loadOf(id) < Math.min(credits, depthMax);
  }

  #loadOf(instance: string): number {
    return this.#loads.get(instance) ?? 0;
  }

  #take(shard: number, place: Place): void {
    this.#places.set(shard, place);
    const { instance } = place;
    if (instance !== undefined) this.#loads.set(instance, this.#loadOf(instance) + 1);
  }
}
