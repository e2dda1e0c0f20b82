/**
 * Where the time of the last ticks went, shard by shard. While a tick runs, times
 * are noted and nothing else; they are put into words when somebody asks.
 *
 * @module
 */
import type { MessageOf } from "../lib/wire/messages.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import type { AcceptedShard, ShardTimes, SystemRun } from "./system_run.ts";

type TraceReply = MessageOf<"TraceReply">;
type TickTrace = TraceReply["ticks"][number];
type SystemTrace = TickTrace["systems"][number];
type ShardTrace = SystemTrace["shards"][number];

const TICKS_MAX = 120;
/** Of one system in one tick; the others are counted alone. */
const SHARDS_MAX = 256;
/** In one answer, so that it does not take long, */
const ANSWER_SHARDS_MAX = 600;
/** and what each takes of a message, generously, so that it does not outgrow one. */
const SHARD_BYTES = 400;

/** What is kept of a system's part in a tick; nothing of its rows. */
interface KeptRun {
  readonly system: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly missed: number;
  readonly computeMs: number;
  readonly rows: readonly number[];
  readonly accepted: readonly (AcceptedShard | undefined)[];
  readonly times: ShardTimes;
}

interface KeptTick {
  readonly tick: number;
  readonly startedAt: number;
  readonly periodMs: number;
  readonly endedAt: number;
  readonly runs: readonly KeptRun[];
  storedAt: number | undefined;
}

export class TickTraces {
  /** Oldest first. */
  readonly #ticks: KeptTick[] = [];

  /** Keeps a tick that has ended. */
  add(
    { tick, startedAt, endedAt, periodMs }: Omit<KeptTick, "runs" | "storedAt">,
    runs: readonly SystemRun[],
  ): void {
    const kept = {
      tick,
      startedAt,
      endedAt,
      periodMs,
      runs: runs.map(keptOf),
      storedAt: undefined,
    };
    this.#ticks.push(kept);
    if (this.#ticks.length > TICKS_MAX) this.#ticks.shift();
  }

  /** A tick is stored. */
  stored(tick: number, now: number): void {
    const kept = this.#ticks.findLast((kept) => kept.tick === tick);
    if (kept) kept.storedAt = now;
  }

  /** How long a system's scripts ran per tick, in milliseconds: the mean of the ticks kept. */
  computeMs(system: string): number {
    const runs = this.#ticks.flatMap(({ runs }) => runs.filter((run) => run.system === system));
    return runs.reduce((sum, { computeMs }) => sum + computeMs, 0) / (runs.length || 1);
  }

  /**
   * Some ticks, as many as fit into a message; one at least, with fewer of its shards
   * where it does not fit alone.
   * @throws {WireError} when the ticks asked for are yet to come.
   */
  answer(
    { from_tick, ticks: count = TICKS_MAX }: MessageOf<"TraceRequest">,
    payloadBytesMax: number,
  ): TraceReply {
    const roomMax = payloadBytesMax / SHARD_BYTES;
    const shardsMax = Math.min(ANSWER_SHARDS_MAX, roomMax);
    const newest = this.#ticks.at(-1)?.tick ?? 0;
    const from = from_tick ?? newest - count + 1;
    if (from > newest + 1) {
      throw new WireError(`Cannot trace tick ${from}: the newest is ${newest}`);
    }
    const ticks: TickTrace[] = [];
    let shards = 0;
    for (const kept of this.#ticks) {
      if (kept.tick < from) continue;
      const own = kept.runs.reduce((sum, { rows }) => sum + rows.length + 1, 0);
      if (ticks.length === count || (ticks.length > 0 && shards + own > shardsMax)) break;
      shards += own;
      const listedMax = own > roomMax ? roomMax / kept.runs.length - 1 : Infinity;
      ticks.push(traceOf(kept, listedMax));
    }
    return { ticks };
  }
}

function keptOf(
  { plan, accepted, times, missed, computeMs, startedAt, endedAt }: SystemRun,
): KeptRun {
  const rows = plan.shards.slice(0, SHARDS_MAX).map((shard) =>
    shard.reduce((sum, { count }) => sum + count, 0)
  );
  return {
    system: plan.manifest.name,
    startedAt,
    endedAt,
    missed,
    computeMs,
    rows,
    accepted,
    times,
  };
}

/** @param listedMax how many shards of each system are listed */
function traceOf(
  { tick, startedAt, endedAt, periodMs, storedAt, runs }: KeptTick,
  listedMax: number,
): TickTrace {
  const duration = endedAt - startedAt;
  const late = periodMs > 0 && duration > periodMs;
  return {
    tick_id: tick,
    started_ms: startedAt,
    period_ms: periodMs,
    duration_ms: duration,
    ...(storedAt !== undefined && { commit_ms: storedAt - endedAt }),
    late,
    ...(late && { why: whyLate(runs) }),
    systems: runs.map((run) => systemTraceOf(run, startedAt, listedMax)),
  };
}

function systemTraceOf(
  { system, startedAt, endedAt, missed, rows, accepted, times }: KeptRun,
  since: number,
  listedMax: number,
): SystemTrace {
  return {
    system,
    started_ms: startedAt - since,
    ended_ms: endedAt - since,
    missed,
    shard_count: accepted.length,
    shards: rows.slice(0, Math.max(0, listedMax)).map((count, shard): ShardTrace => ({
      shard,
      rows: count,
      ...(accepted[shard] && { instance_id: accepted[shard].instance_id }),
      attempts: times.attempts[shard],
      ...timeOf("ready_ms", times.ready[shard] - since),
      ...timeOf("sent_ms", times.sent[shard] - since),
      ...timeOf("done_ms", times.done[shard] - since),
      compute_ms: times.computeMs[shard],
    })),
  };
}

function timeOf<K extends string>(key: K, ms: number): { [key in K]?: number } {
  return (Number.isNaN(ms) ? {} : { [key]: ms }) as { [key in K]?: number };
}

/** What the system did that ended last: it is what the tick waited for. */
function whyLate(runs: readonly KeptRun[]): string {
  const last = runs.reduce<KeptRun | undefined>(
    (last, run) => last && last.endedAt >= run.endedAt ? last : run,
    undefined,
  );
  if (last === undefined) return "no system ran; what was commanded took the time";
  const { system, missed, times, accepted } = last;
  const spent = `${system} ended last, after ${(last.endedAt - last.startedAt).toFixed(1)} ms`;
  if (missed > 0) return `${spent}: no instance took ${missed} of ${accepted.length} shards`;
  const retried = times.attempts.findIndex((attempts) => attempts > 1);
  if (retried >= 0) {
    return `${spent}: shard ${retried} took ${times.attempts[retried]} attempts`;
  }
  const slowest = times.computeMs.indexOf(Math.max(0, ...times.computeMs));
  if (slowest < 0) return spent;
  const where = accepted[slowest]?.instance_id ?? "an instance";
  const ms = times.computeMs[slowest].toFixed(1);
  return `${spent}: shard ${slowest} ran for ${ms} ms on ${where}`;
}
