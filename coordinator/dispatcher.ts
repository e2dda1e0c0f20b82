/**
 * Decides, for one system in one tick, which shard is to be sent when: pure
 * bookkeeping of what is out, answered, overdue or lost. Whoever owns it tells
 * it what happened and asks it what to do next.
 *
 * @module
 */
import type { OnMiss } from "../lib/manifest/manifest.ts";

/** One try at a shard; the first attempt has number 0. */
export interface Attempt {
  readonly shard: number;
  readonly attempt: number;
}

export interface Decision {
  readonly send: readonly Attempt[];
  /** Shards given up on just now. */
  readonly lost: readonly number[];
  /** When to ask again although nothing happened. */
  readonly wakeAt: number | undefined;
}

/** Shards that a system's instances can take at a time, in all and each. */
export interface Credits {
  readonly total: number;
  readonly perInstance: number;
}

/** How many deadlines may pass without any shard done before `skip` gives up, */
const DEADLINES_MAX = 4;
/** or else attempts, where these take several deadlines each, so that each shard gets another one. */
const ATTEMPTS_MAX = 2;
/** How soon to try again when no instance had a credit; twice as long each time, */
const STARVED_RETRY_MS = 5;
/** up to this. */
const STARVED_RETRY_MAX_MS = 160;

const ANYWHERE = [() => true];

interface ShardState {
  status: "blocked" | "pending" | "out" | "done" | "lost";
  /** What it waits for, while it is blocked. */
  blockers: number;
  /** Attempts made so far. */
  attempts: number;
  expiresAt: number;
}

export class Dispatcher {
  readonly #deadlineMs: number;
  readonly #onMiss: OnMiss;
  readonly #shards: ShardState[];
  /** By shard, its place in the order in which they are sent. */
  readonly #ranks: readonly number[];
  /** Shards to send, next one first. */
  readonly #pending: number[];
  #open: number;
  #out = 0;
  #starvedUntil = -Infinity;
  /** Before then none of what is out is overdue. */
  #expiresFirst = Infinity;
  #starvedMs = STARVED_RETRY_MS;
  #progressAt: number;
  #shareLast = 1;

  constructor(
    shardCount: number,
    { deadlineMs, onMiss, now, order }: {
      deadlineMs: number;
      onMiss: OnMiss;
      now: number;
      /** All shards; that of their numbers by default. */
      order?: readonly number[] | undefined;
    },
  ) {
    this.#deadlineMs = deadlineMs;
    this.#onMiss = onMiss;
    this.#progressAt = now;
    this.#open = shardCount;
    const numbers = Array.from({ length: shardCount }, (_, shard) => shard);
    this.#pending = [...order ?? numbers];
    const ranks = new Array<number>(shardCount);
    for (const [rank, shard] of this.#pending.entries()) ranks[shard] = rank;
    this.#ranks = ranks;
    this.#shards = numbers.map(() => ({
      status: "pending",
      blockers: 0,
      attempts: 0,
      expiresAt: 0,
    }));
  }

  /** Keeps back a shard that has not been sent yet, until it is released as often as blocked. */
  block(shard: number): void {
    const state = this.#shards[shard];
    if (state.status === "pending") this.#pending.splice(this.#pending.indexOf(shard), 1);
    state.status = "blocked";
    state.blockers++;
  }

  /** True when the shard can now be sent. */
  release(shard: number, now: number): boolean {
    const state = this.#shards[shard];
    if (--state.blockers > 0) return false;
    state.status = "pending";
    const ranks = this.#ranks;
    const next = this.#pending.findIndex((other) => ranks[other] > ranks[shard]);
    this.#pending.splice(next < 0 ? this.#pending.length : next, 0, shard);
    this.#progressAt = now;
    return true;
  }

  /** True when every shard is done or lost. */
  get isFinished(): boolean {
    return this.#open === 0;
  }

  /** True when this attempt was made and its shard is still open. */
  isOpen({ shard, attempt }: Attempt): boolean {
    const state = this.#shards[shard];
    if (state === undefined || attempt >= state.attempts) return false;
    return state.status === "pending" || state.status === "out";
  }

  /** True when this attempt is the one that is out. */
  isOut({ shard, attempt }: Attempt): boolean {
    const state = this.#shards[shard];
    return state?.status === "out" && attempt === state.attempts - 1;
  }

  /** The shard is done; any attempt at it may have done it. */
  finish(shard: number, now: number): void {
    const state = this.#shards[shard];
    if (state.status === "out") this.#out--;
    else this.#pending.splice(this.#pending.indexOf(shard), 1);
    state.status = "done";
    this.#open--;
    this.#progressAt = now;
    this.creditFreed();
  }

  /**
   * Nobody took the attempt. Where no instance had a credit (`isStarved`), it is
   * worth waiting a little before the next one.
   */
  bounce(attempt: Attempt, now: number, isStarved: boolean): void {
    if (!this.isOut(attempt)) return;
    this.#putBack(attempt.shard);
    // Several bounce together, where several were sent.
    if (!isStarved || now < this.#starvedUntil) return;
    this.#starvedUntil = now + this.#starvedMs;
    this.#starvedMs = Math.min(2 * this.#starvedMs, STARVED_RETRY_MAX_MS);
  }

  /** The shards that are out. */
  get out(): number[] {
    return [...this.#shards.keys()].filter((shard) => this.#shards[shard].status === "out");
  }

  /** These shards, which are out, will not come back; they can be sent again now. */
  recall(shards: readonly number[]): void {
    for (const shard of shards) this.#putBack(shard);
    this.creditFreed();
  }

  /** A credit may have come free, so that sending is worth a try. */
  creditFreed(): void {
    this.#starvedUntil = -Infinity;
    this.#starvedMs = STARVED_RETRY_MS;
  }

  /** The shards whose attempt is overdue; they can be sent again now. */
  expire(now: number): number[] {
    if (now < this.#expiresFirst) return [];
    this.#expiresFirst = Infinity;
    const expired = [...this.#shards.keys()].filter((shard) => {
      const { status, expiresAt } = this.#shards[shard];
      if (status !== "out") return false;
      if (now < expiresAt) this.#expiresFirst = Math.min(this.#expiresFirst, expiresAt);
      return now >= expiresAt;
    });
    for (const shard of expired) this.#putBack(shard);
    return expired;
  }

  /**
   * What to do now, given that instances can take `credits.total` shards at a
   * time, `credits.perInstance` each. An instance may hold its share of the shards
   * while it computes one, so an attempt has that many deadlines. A shard is sent
   * if one of `places`, tried in their order, has room for it.
   */
  decide(
    now: number,
    credits: Credits,
    places: readonly ((shard: number) => boolean)[] = ANYWHERE,
  ): Decision {
    this.#shareLast = this.#share(credits);
    const lost = this.#giveUp(now, credits.total);
    const send: Attempt[] = [];
    const expiresAt = now + this.#deadlineMs * this.#shareLast;
    for (const hasRoom of now >= this.#starvedUntil ? places : []) {
      for (const shard of [...this.#pending]) {
        if (this.#out >= credits.total) break;
        if (hasRoom(shard)) send.push(this.#send(shard, expiresAt));
      }
    }
    return { send, lost, wakeAt: this.isFinished ? undefined : this.#wakeAt(now, credits.total) };
  }

  /** Shards that an instance may hold at a time: its credits, or less where there are few shards. */
  #share({ total, perInstance }: Credits): number {
    const instances = Math.max(1, Math.round(total / perInstance));
    return Math.min(perInstance, Math.ceil(this.#shards.length / instances));
  }

  #send(shard: number, expiresAt: number): Attempt {
    this.#pending.splice(this.#pending.indexOf(shard), 1);
    const state = this.#shards[shard];
    state.status = "out";
    state.expiresAt = expiresAt;
    this.#expiresFirst = Math.min(this.#expiresFirst, expiresAt);
    this.#out++;
    return { shard, attempt: state.attempts++ };
  }

  #putBack(shard: number): void {
    this.#shards[shard].status = "pending";
    this.#pending.unshift(shard);
    this.#out--;
  }

  /** Under `skip`: what nobody is there to take, and everything once nothing moves any more. */
  #giveUp(now: number, creditsTotal: number): number[] {
    if (this.#onMiss === "hold") return [];
    const isStuck = now >= this.#giveUpAt();
    if (!isStuck && creditsTotal > 0) return [];
    const lost: number[] = [];
    for (const [shard, state] of this.#shards.entries()) {
      const isLost = state.status === "pending" || (isStuck && state.status === "out");
      if (!isLost) continue;
      if (state.status === "out") this.#out--;
      state.status = "lost";
      lost.push(shard);
    }
    this.#pending.length = 0;
    this.#open -= lost.length;
    return lost;
  }

  #giveUpAt(): number {
    const deadlines = Math.max(DEADLINES_MAX, ATTEMPTS_MAX * this.#shareLast);
    return this.#progressAt + this.#deadlineMs * deadlines;
  }

  #wakeAt(now: number, creditsTotal: number): number | undefined {
    const times = this.#out > 0 ? [this.#expiresFirst] : [];
    // What is blocked is not given up, however long that lasts.
    const canGiveUp = times.length > 0 || this.#pending.length > 0;
    if (this.#onMiss === "skip" && canGiveUp) times.push(this.#giveUpAt());
    const isStarved = this.#pending.length > 0 && this.#out < creditsTotal;
    if (isStarved && this.#starvedUntil > now) times.push(this.#starvedUntil);
    return times.length === 0 ? undefined : Math.min(...times);
  }
}
