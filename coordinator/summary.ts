/**
 * How a run went, for people and for programs.
 *
 * @module
 */
import { digestHex } from "../lib/ecs/digest.ts";
import type { Coordinator } from "./coordinator.ts";

export interface Summary {
  readonly ticks: number;
  readonly entities: number;
  readonly tick_ms_median: number;
  readonly tick_ms_p99: number;
  readonly overruns: number;
  /** Digest of the whole world in canonical order, in hex. */
  readonly hash: string;
  readonly systems: Readonly<
    Record<
      string,
      {
        readonly instances: number;
        readonly ticks: number;
        readonly shards: number;
        readonly rows: number;
        readonly errors: number;
      }
    >
  >;
}

export function summarize(coordinator: Coordinator): Summary {
  const { stats } = coordinator;
  const systems = [...stats.systems].map(([name, { ticks, shards, rows, errors }]) => {
    const instances = coordinator.instancesOf(name).length;
    return [name, { instances, ticks, shards, rows, errors }] as const;
  });
  return {
    ticks: coordinator.tickNumber,
    entities: coordinator.entityCount,
    tick_ms_median: round(stats.tickMs(0.5)),
    tick_ms_p99: round(stats.tickMs(0.99)),
    overruns: stats.overruns,
    hash: digestHex(coordinator.digest()),
    systems: Object.fromEntries(systems),
  };
}

export function formatSummary(summary: Summary): string {
  const { ticks, entities, tick_ms_median, tick_ms_p99, overruns, hash } = summary;
  const systems = Object.entries(summary.systems).map(([name, counts]) =>
    `  ${name.padEnd(16)} ${counts.instances} instances, ${counts.shards} shards, ` +
    `${counts.rows} rows, ${counts.errors} errors`
  );
  return [
    `${ticks} ticks of ${entities} entities; median ${tick_ms_median} ms, ` +
    `99 % within ${tick_ms_p99} ms, ${overruns} overruns`,
    ...systems,
    `hash ${hash}`,
  ].join("\n");
}

/** The state of a run in one line. */
export function statusLine(
  coordinator: Coordinator,
  { ticksPerSecond }: { ticksPerSecond: number },
): string {
  const systems = [...coordinator.stats.systems.keys()].map((name) => {
    const instances = coordinator.instancesOf(name);
    const load = instances.reduce((sum, { load }) => sum + load, 0) / (instances.length || 1);
    return `${name} ${instances.length}× ${Math.round(load * 100)} %`;
  });
  return [
    `tick ${coordinator.tickNumber}`,
    `${ticksPerSecond.toFixed(1)} Hz`,
    `${coordinator.entityCount} entities`,
    ...systems,
  ].join(" · ");
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
