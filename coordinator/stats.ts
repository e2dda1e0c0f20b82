/**
 * What the coordinator counts: per tick, and per system over its whole life.
 *
 * @module
 */
import { Overruns } from "./overruns.ts";

/** An error of a system, as it was reported. */
export interface ReportedError {
  readonly tick_id: number;
  readonly shard: number;
  readonly instance_id: string;
  readonly text: string;
}

export interface SystemStats {
  /** Shards whose result was taken. */
  shards: number;
  /** Rows of those shards. */
  rows: number;
  /** Shards lost because the script threw or its result was refused. */
  errors: number;
  /** Results that came too late. */
  late: number;
  /** Ticks in which no instance took all of the shards. */
  skipped: number;
  /** Ticks in which the system ran. */
  ticks: number;
  /** Bytes of the schedules that were sent, and of the results that were taken. */
  bytesSent: number;
  bytesReceived: number;
  lastError?: ReportedError;
}

/** Tick times kept for the percentiles. */
const SAMPLES_MAX = 65_536;

export class Stats {
  readonly systems = new Map<string, SystemStats>();
  /** Messages that were not what the protocol allows. */
  refused = 0;
  readonly overran = new Overruns();
  readonly #tickMs: number[] = [];
  #ticks = 0;

  constructor(systems: Iterable<string>) {
    for (const name of systems) {
      const counts = { shards: 0, rows: 0, errors: 0, late: 0, skipped: 0, ticks: 0 };
      this.systems.set(name, { ...counts, bytesSent: 0, bytesReceived: 0 });
    }
  }

  /** Ticks that took longer than their period. */
  get overruns(): number {
    return this.overran.total;
  }

  system(name: string): SystemStats {
    const stats = this.systems.get(name);
    if (stats === undefined) throw new RangeError(`Cannot count for unknown system "${name}"`);
    return stats;
  }

  addTick(durationMs: number): void {
    this.#tickMs[this.#ticks++ % SAMPLES_MAX] = durationMs;
  }

  /**
   * The time that share `p` of the `newest` ticks took at the most, in
   * milliseconds; 0 before any.
   */
  tickMs(p: number, newest = SAMPLES_MAX): number {
    const count = Math.min(newest, this.#tickMs.length);
    const sorted = Array.from(
      { length: count },
      (_, i) => this.#tickMs[(this.#ticks - 1 - i) % SAMPLES_MAX],
    ).sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? 0;
  }
}
