/**
 * What the coordinator measures for OpenTelemetry. Counters and levels are read
 * when they are exported, so that ticks pay for the histogram of their times alone.
 *
 * @module
 */
import {
  getMeter,
  type Histogram,
  type Observable,
  type ObservableResult,
} from "../lib/telemetry.ts";
import type { Seat } from "./placement.ts";
import type { Stats, SystemStats } from "./stats.ts";
import { creditsOf } from "./system_run.ts";

export interface MetersOptions {
  readonly stats: Stats;
  entities(): number;
  /** Buffers of commands that wait for a tick, and queries that wait for their answer. */
  waiting(): { readonly commands: number; readonly queries: number };
  /** A system's instances as of now. */
  seats(system: string): readonly Seat[];
}

type Observe = (result: ObservableResult) => void;

const MS_PER_S = 1000;
/** In seconds: a tick of 60 Hz is the middle. */
const TICK_BUCKETS = [0.001, 0.002, 0.004, 0.008, 0.0167, 0.0333, 0.0667, 0.133, 0.267, 1, 4];

type SystemCount = { [K in keyof SystemStats]: SystemStats[K] extends number ? K : never }[
  keyof Omit<SystemStats, "lastError">
];

/** By metric. */
const SYSTEM_COUNTS: Readonly<Record<string, { of: SystemCount; unit: string; what: string }>> = {
  "orrery.system.shards": { of: "shards", unit: "{shard}", what: "Shards whose result was taken." },
  "orrery.system.rows": { of: "rows", unit: "{row}", what: "Rows of the shards that were taken." },
  "orrery.system.errors": { of: "errors", unit: "{shard}", what: "Shards lost by an error." },
  "orrery.system.late": { of: "late", unit: "{shard}", what: "Results that came too late." },
  "orrery.system.skipped": { of: "skipped", unit: "{tick}", what: "Ticks that lacked a shard." },
};

export class Meters implements Disposable {
  readonly #tickDuration: Histogram;
  readonly #ends: (() => void)[] = [];

  constructor(options: MetersOptions) {
    const { stats } = options;
    this.#tickDuration = getMeter().createHistogram("orrery.tick.duration", {
      unit: "s",
      description: "From a tick's start until it is handed to the log.",
      advice: { explicitBucketBoundaries: TICK_BUCKETS },
    });
    this.#count(
      "orrery.tick.overruns",
      "{tick}",
      "Ticks longer than their period.",
      (result) => result.observe(stats.overruns),
    );
    this.#count(
      "orrery.messages.refused",
      "{message}",
      "Messages that were refused.",
      (result) => result.observe(stats.refused),
    );
    this.#count("orrery.network.io", "By", "Payloads of schedules and results.", (result) => {
      for (const [system, { bytesSent, bytesReceived }] of stats.systems) {
        const of = { "orrery.system": system };
        result.observe(bytesSent, { ...of, "network.io.direction": "transmit" });
        result.observe(bytesReceived, { ...of, "network.io.direction": "receive" });
      }
    });
    for (const [name, { of, unit, what }] of Object.entries(SYSTEM_COUNTS)) {
      this.#count(name, unit, what, (result) => {
        for (const [system, counts] of stats.systems) {
          result.observe(counts[of], { "orrery.system": system });
        }
      });
    }
    this.#level(
      "orrery.entities",
      "{entity}",
      "Living entities.",
      (result) => result.observe(options.entities()),
    );
    this.#level("orrery.queue.depth", "{message}", "Messages that wait.", (result) => {
      const { commands, queries } = options.waiting();
      result.observe(commands, { "orrery.queue": "commands" });
      result.observe(queries, { "orrery.queue": "queries" });
    });
    this.#level("orrery.system.credits", "{shard}", "Shards taken at a time.", (result) => {
      for (const system of stats.systems.keys()) {
        result.observe(creditsOf(options.seats(system)).total, { "orrery.system": system });
      }
    });
    this.#level("orrery.system.instances", "{instance}", "Registered instances.", (result) => {
      for (const system of stats.systems.keys()) {
        result.observe(options.seats(system).length, { "orrery.system": system });
      }
    });
  }

  addTick(durationMs: number): void {
    this.#tickDuration.record(durationMs / MS_PER_S);
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends) end();
  }

  #count(name: string, unit: string, description: string, observe: Observe): void {
    this.#observe(getMeter().createObservableCounter(name, { unit, description }), observe);
  }

  #level(name: string, unit: string, description: string, observe: Observe): void {
    this.#observe(getMeter().createObservableGauge(name, { unit, description }), observe);
  }

  #observe(instrument: Observable, observe: Observe): void {
    instrument.addCallback(observe);
    this.#ends.push(() => instrument.removeCallback(observe));
  }
}
