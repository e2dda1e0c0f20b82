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

interface ShardState {
  status: "pending" | "out" | "done" | "lost";
  /** Attempts made so far. */
  attempts: number;
  expiresAt: number;
}

export class Dispatcher {
  readonly #deadlineMs: number;
  readonly #onMiss: OnMiss;
  readonly #shards: ShardState[];
  /** Shards to send, next one first. */
  readonly #pending: number[];
  #open: number;
  #out = 0;
  #starvedUntil = -Infinity;
  #starvedMs = STARVED_RETRY_MS;
  #progressAt: number;
  #shareLast = 1;

  constructor(
    shardCount: number,
    { deadlineMs, onMiss, now }: { deadlineMs: number; onMiss: OnMiss; now: number },
  ) {
    this.#deadlineMs = deadlineMs;
    this.#onMiss = onMiss;
    this.#progressAt = now;
    this.#open = shardCount;
    this.#pending = Array.from({ length: shardCount }, (_, shard) => shard);
    this.#shards = this.#pending.map(() => ({ status: "pending", attempts: 0, expiresAt: 0 }));
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

  /** Nothing that is out will come back. */
  recall(): void {
    for (const [shard, { status }] of this.#shards.entries()) {
      if (status === "out") this.#putBack(shard);
    }
    this.creditFreed();
  }

  /** A credit may have come free, so that sending is worth a try. */
  creditFreed(): void {
    this.#starvedUntil = -Infinity;
    this.#starvedMs = STARVED_RETRY_MS;
  }

  /**
   * What to do now, given that instances can take `credits.total` shards at a
   * time, `credits.perInstance` each. An instance may hold its share of the shards
   * while it computes one, so an attempt has that many deadlines. A shard that
   * `prefers` now goes before the others.
   */
  decide(
    now: number,
    credits: Credits,
    prefers: (shard: number) => boolean = () => false,
  ): Decision {
    this.#shareLast = this.#share(credits);
    this.#expire(now);
    const lost = this.#giveUp(now, credits.total);
    const send: Attempt[] = [];
    if (now >= this.#starvedUntil) {
      while (this.#pending.length > 0 && this.#out < credits.total) {
        const preferred = this.#pending.findIndex(prefers);
        const expiresAt = now + this.#deadlineMs * this.#share(credits);
        send.push(this.#send(Math.max(0, preferred), expiresAt));
      }
    }
    return { send, lost, wakeAt: this.isFinished ? undefined : this.#wakeAt(credits.total) };
  }

  /** Shards that an instance may hold at a time: its credits, or less where there are few shards. */
  #share({ total, perInstance }: Credits): number {
    const instances = Math.max(1, Math.round(total / perInstance));
    return Math.min(perInstance, Math.ceil(this.#shards.length / instances));
  }

  #send(place: number, expiresAt: number): Attempt {
    const [shard] = this.#pending.splice(place, 1);
    const state = this.#shards[shard];
    state.status = "out";
    state.expiresAt = expiresAt;
    this.#out++;
    return { shard, attempt: state.attempts++ };
  }

  #expire(now: number): void {
    for (const [shard, state] of this.#shards.entries()) {
      if (state.status === "out" && now >= state.expiresAt) this.#putBack(shard);
    }
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

  #wakeAt(creditsTotal: number): number | undefined {
    const times = this.#shards.filter(({ status }) => status === "out")
      .map(({ expiresAt }) => expiresAt);
    if (this.#onMiss === "skip") times.push(this.#giveUpAt());
    if (this.#pending.length > 0 && this.#out < creditsTotal) times.push(this.#starvedUntil);
    return times.length === 0 ? undefined : Math.min(...times);
  }
}
