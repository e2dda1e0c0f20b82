/**
 * One system's part in one tick: its shards go out to instances, what comes
 * back is checked and merged, until every shard is done or lost. Shards hold
 * different rows, so their results are merged as they come; commands are kept
 * and applied in shard order when the tick ends.
 *
 * @module
 */
import type { Clock, Timer } from "../lib/clock.ts";
import type { Command } from "../lib/ecs/command.ts";
import type { World } from "../lib/ecs/world.ts";
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import { encodeChunk, mergeResult } from "../lib/wire/chunk.ts";
import { type Encoded, encodeMessage } from "../lib/wire/codec.ts";
import { parseCommands } from "../lib/wire/command.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import { type Attempt, type Credits, Dispatcher } from "./dispatcher.ts";
import { Placement, type Seat } from "./placement.ts";
import type { Holder, Residency } from "./residency.ts";
import { decodeShardResult } from "./shard_result.ts";
import type { Shard } from "./shards.ts";

/** The attempt that was taken, as the commit lists it; null: the shard is lost. */
export type AcceptedShard = {
  readonly attempt: number;
  readonly instance_id: string;
  /** True when it had a result. */
  readonly changed: boolean;
} | null;

export interface SystemRunPlan {
  readonly manifest: SystemManifest;
  readonly shards: readonly Shard[];
  /** Versions of the broadcast sets. */
  readonly sets: Readonly<Record<string, number>>;
  readonly epoch: number;
  readonly tick: number;
  readonly dt: number;
  /** What the rows that this run writes are marked with. */
  readonly changeTick: number;
  /** Who keeps which rows; undefined: every schedule carries all of its rows. */
  readonly residency: Residency | undefined;
  /** The shards in the order in which they are best sent; that of their numbers by default. */
  readonly order?: readonly number[] | undefined;
  /** Shards that an instance is to have at a time at the most. */
  readonly depth: number;
}

/** What a run needs of its surroundings. */
export interface SystemRunPorts {
  readonly clock: Clock;
  readonly world: World;
  /** Sends to the instance, or else to any that has a credit. */
  send(schedule: Encoded, attempt: Attempt, instance: string | undefined): void;
  /** The system's instances as of now. */
  seats(): readonly Seat[];
  /** The shard cannot be sent at all and is lost. */
  onUnsendable(attempt: Attempt, error: RangeError): void;
  /** An instance may lack one of the broadcast sets. */
  onSetsMissing(): void;
  onFinished(): void;
}

/** When each shard was ready, was last sent, and was done, on the coordinator's clock; NaN: never. */
export interface ShardTimes {
  readonly ready: number[];
  readonly sent: number[];
  readonly done: number[];
  readonly attempts: number[];
  /** How long the script ran, in milliseconds. */
  readonly computeMs: number[];
}

/** However many instances lack a broadcast set, it is sent again this often at the most. */
const SETS_RENEWED_MS_MIN = 250;

export class SystemRun {
  readonly plan: SystemRunPlan;
  /** By shard; undefined while it is open. */
  readonly accepted: (AcceptedShard | undefined)[];
  readonly commands: (readonly Command[])[] = [];
  /** Shards given up on because no instance took them. */
  missed = 0;
  /** How long the script ran, over all shards. */
  computeMs = 0;
  readonly times: ShardTimes;
  readonly startedAt: number;
  endedAt = NaN;
  readonly #ports: SystemRunPorts;
  readonly #dispatcher: Dispatcher;
  readonly #placement: Placement;
  /** By shard, who waits for it to be done or lost. */
  readonly #followers = new Map<number, (() => void)[]>();
  #timer: Timer | undefined;
  #setsRenewableAt = -Infinity;
  #isOver = false;

  constructor(plan: SystemRunPlan, ports: SystemRunPorts) {
    const { deadlineMs, onMiss } = plan.manifest;
    this.plan = plan;
    this.#ports = ports;
    const now = ports.clock.now();
    this.startedAt = now;
    this.times = timesOf(plan.shards.length, now);
    this.accepted = new Array(plan.shards.length).fill(undefined);
    const { residency, depth, order } = plan;
    this.#placement = new Placement(plan.shards, { residency, depth, seats: () => ports.seats() });
    this.#dispatcher = new Dispatcher(plan.shards.length, {
      deadlineMs,
      onMiss,
      order,
      now,
    });
  }

  get system(): string {
    return this.plan.manifest.name;
  }

  /** Sends what can be sent now. Call it once to start, and whenever credits may have come. */
  advance(): void {
    if (this.#isOver) return;
    this.#timer?.cancel();
    const { clock } = this.#ports;
    const now = clock.now();
    for (const shard of this.#dispatcher.expire(now)) this.#placement.miss(shard);
    const { send, lost, wakeAt } = this.#dispatcher.decide(now, creditsOf(this.#ports.seats()), [
      (shard) => this.#placement.takeHolder(shard, 1),
      (shard) => this.#placement.takeAny(shard),
      (shard) => this.#placement.takeHolder(shard),
    ]);
    const isAllSent = send.map((attempt) => this.#trySend(attempt)).every((isSent) => isSent);
    this.missed += lost.length;
    for (const shard of lost) this.#settle(shard, null);
    if (this.#dispatcher.isFinished) return this.#finish();
    // What could not be sent has left its credit to the next.
    if (!isAllSent) return this.advance();
    if (wakeAt !== undefined) {
      this.#timer = clock.after(Math.max(0, wakeAt - now), () => this.advance());
    }
  }

  /** Makes a shard, which must not have been sent, wait for one of another system's run. */
  follow(shard: number, { run, shard: other }: { run: SystemRun; shard: number }): void {
    if (run.accepted[other] !== undefined) return;
    this.#dispatcher.block(shard);
    this.times.ready[shard] = NaN;
    const followers = run.#followers.get(other) ?? [];
    followers.push(() => this.#release(shard));
    run.#followers.set(other, followers);
  }

  /** Stops without finishing, as when the coordinator shuts down. */
  abandon(): void {
    this.#timer?.cancel();
    this.#isOver = true;
  }

  /** An attempt found no taker, or its taker refused it. */
  bounce(attempt: Attempt, { isRefused }: { isRefused: boolean }): void {
    if (this.#isOver) return;
    // Who was sent all rows lacks none: it may be a broadcast set that did not arrive. Its
    // instance looks for that as long as the attempt is given, so the refusal may come late.
    if (isRefused && !this.#placement.placeOf(attempt.shard).holder) this.#renewSets();
    if (!this.#dispatcher.isOut(attempt)) return;
    const wasNamed = this.#placement.bounce(attempt.shard);
    this.#dispatcher.bounce(attempt, this.#ports.clock.now(), !wasNamed);
    this.advance();
  }

  #renewSets(): void {
    const now = this.#ports.clock.now();
    if (this.plan.manifest.broadcast.size === 0 || now < this.#setsRenewableAt) return;
    this.#setsRenewableAt = now + SETS_RENEWED_MS_MIN;
    this.#ports.onSetsMissing();
  }

  /** What was sent may be lost, and so may be what was to come back: sends all of it again. */
  resend(): void {
    this.#recall(() => true);
  }

  /** Who may have the shards that were sent by `time` and are still out; undefined: any instance. */
  awaited(time: number): Set<string | undefined> {
    const slow = this.#dispatcher.out.filter((shard) => this.times.sent[shard] <= time);
    return new Set(slow.map((shard) => this.#placement.placeOf(shard).instance));
  }

  /** The instance has been gone since `time`, with what it may have been sent: sends that again. */
  lose(instance: string, time: number): void {
    this.#recall((shard) => {
      const { instance: holder = instance } = this.#placement.placeOf(shard);
      return holder === instance && this.times.sent[shard] <= time;
    });
  }

  #recall(isLost: (shard: number) => boolean): void {
    if (this.#isOver) return;
    const lost = this.#dispatcher.out.filter(isLost);
    for (const shard of lost) this.#placement.recall(shard);
    this.#dispatcher.recall(lost);
    this.advance();
  }

  /** A credit of the system may have come free. */
  creditFreed(): void {
    this.#dispatcher.creditFreed();
    this.advance();
  }

  /**
   * Takes a result, unless its shard is done already (then it is late: false).
   * @throws {WireError} when it is not what the attempt may return; the shard is then lost.
   */
  acceptResult(result: MessageOf<"ComponentShard">): boolean {
    if (!this.#dispatcher.isOpen(result)) return false;
    let outcome: AcceptedShard = null;
    try {
      this.#merge(this.plan.shards[result.shard], result);
      outcome = this.#accept({ ...result, changed: true });
    } finally {
      this.#close(result.shard, outcome);
    }
    return true;
  }

  /** Takes the end of a shard that had no result: nothing written, or the script threw. */
  acceptEnd(ack: MessageOf<"TickAck">): boolean {
    if (!this.#dispatcher.isOpen(ack)) return false;
    this.#close(
      ack.shard,
      ack.error === undefined ? this.#accept({ ...ack, changed: false }) : null,
    );
    return true;
  }

  /** Remembers who has the rows now. */
  #accept(
    { shard, attempt, instance_id, compute_ms, kept, changed }: Attempt & {
      instance_id: string;
      compute_ms: number;
      kept?: boolean | undefined;
      changed: boolean;
    },
  ): AcceptedShard {
    const { tick, changeTick } = this.plan;
    this.computeMs += compute_ms;
    this.times.computeMs[shard] = compute_ms;
    if (kept) this.#placement.hold(shard, { instance: instance_id, tick, changeTick });
    return { attempt, instance_id, changed };
  }

  /** A row that does not fit into a message is lost, rather than the coordinator. */
  #trySend(attempt: Attempt): boolean {
    const { shard } = attempt;
    const { instance, holder } = this.#placement.placeOf(shard);
    this.times.sent[shard] = this.#ports.clock.now();
    this.times.attempts[shard] = attempt.attempt + 1;
    try {
      this.#ports.send(this.#schedule(attempt, holder), attempt, instance);
      return true;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#dispatcher.finish(shard, this.#ports.clock.now());
      this.#ports.onUnsendable(attempt, error);
      this.#settle(shard, null);
      return false;
    }
  }

  #close(shard: number, outcome: AcceptedShard): void {
    const now = this.#ports.clock.now();
    this.#placement.leave(shard);
    this.#dispatcher.finish(shard, now);
    this.times.done[shard] = now;
    this.#settle(shard, outcome);
    this.advance();
  }

  /** The shard is done or lost, so that who waits for its rows can go on. */
  #settle(shard: number, outcome: AcceptedShard): void {
    this.accepted[shard] = outcome;
    for (const follow of this.#followers.get(shard) ?? []) follow();
  }

  #release(shard: number): void {
    if (this.#isOver) return;
    const now = this.#ports.clock.now();
    if (!this.#dispatcher.release(shard, now)) return;
    this.times.ready[shard] = now;
    this.advance();
  }

  #finish(): void {
    this.#isOver = true;
    this.endedAt = this.#ports.clock.now();
    this.#ports.onFinished();
  }

  /** With a holder: only what has changed since it ran the rows. */
  #schedule({ shard, attempt }: Attempt, holder: Holder | undefined): Encoded {
    const { manifest, epoch, tick, dt, sets, shards } = this.plan;
    const { query } = manifest;
    const accesses = [...query.read, ...query.write, ...query.optional];
    const options = { accesses, entities: query.entities, since: holder?.changeTick };
    const range = this.#placement.rangeOf(shard);
    return encodeMessage("SystemSchedule", {
      epoch,
      tick_id: tick,
      system: manifest.name,
      shard,
      attempt,
      dt,
      sets,
      ...(range !== undefined && { range }),
      ...(holder && { base: holder.tick }),
      chunks: shards[shard].map((chunk) => encodeChunk(chunk.table, chunk, options)),
    }, { epoch, tick, shard, attempt });
  }

  /** Everything is decoded and checked before anything is written. */
  #merge(shard: Shard, { shard: number, chunks, commands }: MessageOf<"ComponentShard">): void {
    const { manifest, changeTick } = this.plan;
    const accesses = manifest.query.write;
    const results = decodeShardResult(shard, chunks, manifest);
    this.commands[number] = parseCommands(this.#ports.world.schema, commands);
    for (const [i, chunk] of shard.entries()) {
      mergeResult(chunk.table, chunk, { accesses, result: results[i], tick: changeTick });
    }
  }
}

function timesOf(shardCount: number, now: number): ShardTimes {
  const all = (value: number) => new Array<number>(shardCount).fill(value);
  return { ready: all(now), sent: all(NaN), done: all(NaN), attempts: all(0), computeMs: all(0) };
}

/** Shards that the instances can take at a time, in all and each. */
export function creditsOf(seats: readonly Seat[]): Credits {
  return {
    total: seats.reduce((sum, { credits }) => sum + credits, 0),
    perInstance: Math.max(1, ...seats.map(({ credits }) => credits)),
  };
}
