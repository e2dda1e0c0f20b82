/**
 * The ledger of ticks: what their systems did is counted, kept for a while as a
 * trace, and told where it is out of the ordinary.
 *
 * @module
 */
import type { Report } from "../lib/report.ts";
import type { EventData, EventTopic } from "../lib/wire/events.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import type { Grain } from "./grain.ts";
import type { Seat } from "./placement.ts";
import type { Stats } from "./stats.ts";
import type { SystemRun } from "./system_run.ts";
import type { Tick } from "./tick.ts";
import { TickTraces } from "./tick_traces.ts";

export interface TickLedgerOptions {
  readonly stats: Stats;
  readonly report: Report;
  readonly grains: ReadonlyMap<string, Grain>;
  /** A system's instances as of now. */
  seats(system: string): readonly Seat[];
  event<T extends EventTopic>(topic: T, what: { data: EventData<T>; tick: number }): void;
}

/** Errors of one tick that are published; all of them are counted. */
const ERRORS_TOLD_MAX = 16;

export class TickLedger {
  readonly traces = new TickTraces();
  readonly #options: TickLedgerOptions;
  readonly #skipping = new Set<string>();
  #errors = { tick: 0, count: 0 };

  constructor(options: TickLedgerOptions) {
    this.#options = options;
  }

  /** Counts what the systems did in a tick that has ended. */
  count(runs: readonly SystemRun[]): void {
    const { stats, grains } = this.#options;
    for (const { plan, accepted, missed, computeMs } of runs) {
      const { name } = plan.manifest;
      const counts = stats.system(name);
      const done = plan.shards.filter((_, i) => accepted[i]);
      const rows = done.flat().reduce((sum, { count }) => sum + count, 0);
      counts.shards += done.length;
      counts.rows += rows;
      grains.get(name)?.measure({ rows, computeMs });
      if (missed > 0) counts.skipped++;
      else counts.ticks++;
      this.#tellSkipped(name, missed, plan);
    }
  }

  /** A shard is lost because its script threw, or its result was refused. */
  fail(system: string, { tick_id, shard, instance_id }: Failed, text: string): void {
    const counts = this.#options.stats.system(system);
    counts.errors++;
    counts.lastError = { tick_id, shard, instance_id, text };
    this.#tellError({ system, instance: instance_id, shard, error: text }, tick_id);
  }

  /** A tick takes long: says what it waits for. */
  tellHeld({ tick, runs }: Pick<Tick, "tick" | "runs">): void {
    const { report, seats } = this.#options;
    for (const { plan, accepted } of runs) {
      const open = accepted.filter((shard) => shard === undefined).length;
      if (open === 0) continue;
      const { name } = plan.manifest;
      const why = seats(name).length === 0
        ? `no instance of it; start one with \`deno task system ${name}\``
        : `${open} of ${accepted.length} shards are out`;
      report.warn(`tick ${tick} waits for ${name}: ${why}`);
    }
  }

  #tellError(data: EventData<"system.error">, tick: number): void {
    if (this.#errors.tick !== tick) this.#errors = { tick, count: 0 };
    if (++this.#errors.count > ERRORS_TOLD_MAX) return;
    this.#options.event("system.error", { data, tick });
  }

  /** Says when a system starts to be skipped, and when it runs again; not every tick between. */
  #tellSkipped(system: string, missed: number, { tick, shards }: SystemRun["plan"]): void {
    const { report, event } = this.#options;
    if (missed > 0 === this.#skipping.has(system)) return;
    if (missed > 0) {
      this.#skipping.add(system);
      report.warn(
        `tick ${tick}: no instance took ${missed} of ${shards.length} shards of ${system}; skipping it`,
      );
    } else {
      if (shards.length === 0) return;
      this.#skipping.delete(system);
      report.info(`tick ${tick}: ${system} runs again`);
    }
    event(missed > 0 ? "system.skipped" : "system.resumed", { data: { system, missed }, tick });
  }
}

type Failed = Pick<MessageOf<"TickAck">, "tick_id" | "shard" | "instance_id">;
