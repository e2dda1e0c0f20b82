/**
 * Where the time of a tick went: a lane per instance of each system, and on it each
 * shard's waiting, its way over the wire, and its computing.
 *
 * @module
 */
import type { MessageOf } from "../../lib/wire/messages.ts";

export type TickTrace = MessageOf<"TraceReply">["ticks"][number];
type SystemTrace = TickTrace["systems"][number];
type ShardTrace = SystemTrace["shards"][number];

export type SpanKind = "waiting" | "wire" | "compute";

export interface Span {
  readonly kind: SpanKind;
  readonly shard: number;
  readonly rows: number;
  /** In milliseconds since the tick's start. */
  readonly start: number;
  readonly end: number;
}

export interface Lane {
  readonly system: string;
  /** Undefined: shards that no instance took. */
  readonly instance: string | undefined;
  readonly spans: readonly Span[];
  readonly missed: number;
}

/** The lanes of a tick, systems in the order in which they began. */
export function lanesOf({ systems }: TickTrace): Lane[] {
  return systems.toSorted((a, b) => a.started_ms - b.started_ms).flatMap((system) => {
    const instances = new Map<string | undefined, Span[]>();
    for (const shard of system.shards) {
      const spans = instances.get(shard.instance_id) ?? [];
      spans.push(...spansOf(shard));
      instances.set(shard.instance_id, spans);
    }
    if (instances.size === 0) instances.set(undefined, []);
    return Array.from(instances, ([instance, spans]) => ({
      system: system.system,
      instance,
      spans,
      missed: instance === undefined ? system.missed : 0,
    }));
  });
}

/** What is computed is known, but not when: it is drawn at the end of the way. */
export function spansOf(
  { shard, rows, ready_ms, sent_ms, done_ms, compute_ms }: ShardTrace,
): Span[] {
  if (ready_ms === undefined) return [];
  const sent = sent_ms ?? done_ms ?? ready_ms;
  const spans: Span[] = [{ kind: "waiting", shard, rows, start: ready_ms, end: sent }];
  if (done_ms === undefined) return spans;
  const computing = Math.max(sent, done_ms - compute_ms);
  spans.push({ kind: "wire", shard, rows, start: sent, end: computing });
  spans.push({ kind: "compute", shard, rows, start: computing, end: done_ms });
  return spans;
}

/** Sums of what the shards of a system took. */
export interface SystemTimes {
  readonly system: string;
  readonly waiting: number;
  readonly wire: number;
  readonly compute: number;
  readonly elapsed: number;
}

export function timesOf({ system, shards, started_ms, ended_ms }: SystemTrace): SystemTimes {
  const sums = { waiting: 0, wire: 0, compute: 0 };
  for (const shard of shards) {
    for (const { kind, start, end } of spansOf(shard)) sums[kind] += end - start;
  }
  return { system, ...sums, elapsed: ended_ms - started_ms };
}

/** What a tick took its time for, in a few sentences. */
export function explain(tick: TickTrace): string[] {
  const { duration_ms, period_ms, late, why, systems, commit_ms } = tick;
  const lines = [
    period_ms === 0
      ? `It took ${ms(duration_ms)}; ticks run as fast as they can.`
      : `It took ${ms(duration_ms)} of the ${ms(period_ms)} that it had${
        late ? `, so it was late by ${ms(duration_ms - period_ms)}` : ""
      }.`,
  ];
  if (late && why) lines.push(`${why[0].toUpperCase()}${why.slice(1)}.`);
  const last = systems.reduce<SystemTrace | undefined>(
    (best, system) => best && best.ended_ms >= system.ended_ms ? best : system,
    undefined,
  );
  if (last) lines.push(...explainSystem(last));
  const missed = systems.filter((system) => system.missed > 0);
  if (missed.length > 0) {
    const names = missed.map(({ system, missed }) => `${system} (${missed})`);
    lines.push(`No instance took some shards of ${names.join(", ")}.`);
  }
  if (commit_ms !== undefined) lines.push(`It was stored ${ms(commit_ms)} after it had ended.`);
  return lines;
}

function explainSystem(system: SystemTrace): string[] {
  const slowest = system.shards.reduce<ShardTrace | undefined>(
    (best, shard) => (best?.done_ms ?? -1) >= (shard.done_ms ?? -1) ? best : shard,
    undefined,
  );
  const lines = [`${system.system} ended last, at ${ms(system.ended_ms)}.`];
  if (slowest === undefined) return lines;
  const parts = spansOf(slowest).map(({ kind, start, end }) => `${kind} ${ms(end - start)}`);
  const attempts = slowest.attempts > 1 ? `, ${slowest.attempts} attempts` : "";
  const by = slowest.instance_id === undefined ? "" : ` on ${slowest.instance_id}`;
  lines.push(`Its last shard, ${slowest.shard}${by}${attempts}: ${parts.join(", ")}.`);
  return lines;
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} ms`;
}

/** Steps of an axis that ends at `end`: some five round numbers. */
export function axisSteps(end: number): number[] {
  if (!(end > 0)) return [0];
  const rough = end / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? end;
  return Array.from(
    { length: Math.floor(end / step) + 1 },
    (_, i) => Number((i * step).toFixed(6)),
  );
}
