/**
 * A coordinator that ticks as often as it is told to, as fast as it can, and
 * times it; between its turns it is paused, so that several worlds can be
 * measured turn by turn.
 *
 * @module
 */
import type { Bus } from "../lib/bus/bus.ts";
import type { Log } from "../lib/bus/log.ts";
import { systemClock } from "../lib/clock.ts";
import { requestMessage } from "../lib/wire/request.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { Coordinator } from "../coordinator/coordinator.ts";
import { median } from "./case.ts";
import { overlay } from "./overlay.ts";
import { HZ, type Setting } from "./setting.ts";

export interface SteppedOptions {
  readonly bus: Bus;
  readonly log: Log;
  readonly subjects: Subjects;
  readonly setting: Setting;
  /** Whether a system waits for the whole one before it; by default it does not. */
  readonly isBarrier?: boolean;
  /** Shards for each instance; as many as their cost is worth by default. */
  readonly grain?: number;
  /** Whether it takes the place of one before it at once, rather than when its lease has lapsed. */
  readonly takeover?: boolean;
}

/** How a turn of several ticks went; medians, in milliseconds. */
export interface Turn {
  /** A tick from its start until the world is whole again. */
  readonly tickMs: number;
  /** From tick to tick, and so with all that there is to do between. */
  readonly periodMs: number;
  /** Shards of one tick, of all systems. */
  readonly shards: number;
}

/** A snapshot of a large world takes a while. */
const CONTROL_TIMEOUT_MS = 60_000;

export class SteppedCoordinator {
  readonly #coordinator: Coordinator;
  readonly #options: SteppedOptions;
  readonly #commits: CommitTimes;
  readonly #running: Promise<void>;

  static async open(options: SteppedOptions): Promise<SteppedCoordinator> {
    const { bus, subjects, setting, isBarrier = false, grain, takeover = false } = options;
    const commits = new CommitTimes(options);
    const coordinator = await Coordinator.open({
      bus,
      log: commits.log,
      clock: systemClock,
      subjects,
      manifests: setting.manifests,
      world: setting.population,
      hz: HZ,
      isUnpaced: true,
      isBarrier,
      grain,
      takeover,
      replicas: 1,
      report: { info: () => {}, warn: console.error },
    });
    await control(options, { op: "pause" });
    return new SteppedCoordinator(coordinator, options, commits);
  }

  private constructor(coordinator: Coordinator, options: SteppedOptions, commits: CommitTimes) {
    this.#coordinator = coordinator;
    this.#options = options;
    this.#commits = commits;
    this.#running = coordinator.run();
  }

  get entityCount(): number {
    return this.#coordinator.entityCount;
  }

  digest(): bigint {
    return this.#coordinator.digest();
  }

  /**
   * Runs `ticks` ticks.
   * @throws {Error} when a script or a message was bad.
   */
  async run(ticks: number): Promise<Turn> {
    const { stats } = this.#coordinator;
    const before = this.#counts();
    const times = this.#commits.take(ticks);
    const startedAt = systemClock.now();
    await control(this.#options, { op: "step", ticks });
    const ends = await Promise.race([times, this.#running.then(() => [])]);
    const { shards, bad } = this.#counts();
    if (ends.length < ticks || bad > 0) {
      throw new Error(`Cannot use a turn of ${ends.length} ticks with ${bad} errors`);
    }
    const periods = ends.map((end, i) => end - (ends[i - 1] ?? startedAt));
    return {
      tickMs: stats.tickMs(0.5, ticks),
      periodMs: median(periods),
      shards: Math.round((shards - before.shards) / ticks),
    };
  }

  /** Takes a snapshot, and resolves when it is stored. */
  async snapshot(): Promise<void> {
    await control(this.#options, { op: "snapshot" });
  }

  async close(): Promise<void> {
    this.#coordinator.stop({ abandon: true });
    await this.#running;
    await this.#options.bus.close();
  }

  #counts(): { shards: number; bad: number } {
    const { stats } = this.#coordinator;
    let [shards, bad] = [0, stats.refused];
    for (const system of stats.systems.values()) {
      shards += system.shards;
      bad += system.errors + system.late + system.skipped;
    }
    return { shards, bad };
  }
}

/** When each tick was handed to the log. */
class CommitTimes {
  readonly log: Log;
  #times: number[] = [];
  #taken = Promise.withResolvers<number[]>();
  #count = 0;

  constructor({ log, subjects }: Pick<SteppedOptions, "log" | "subjects">) {
    this.log = overlay(log, {
      append: async (subject, data, options) => {
        const sequence = log.append(subject, data, options);
        if (subject === subjects.commit) this.#times.push(systemClock.now());
        await sequence;
        if (this.#times.length === this.#count) this.#taken.resolve(this.#times);
        return sequence;
      },
    });
  }

  /** The times of the next `count` ticks, once the last of them is stored. */
  take(count: number): Promise<number[]> {
    this.#times = [];
    this.#count = count;
    this.#taken = Promise.withResolvers();
    return this.#taken.promise;
  }
}

function control(
  { bus, subjects }: SteppedOptions,
  value: { op: "pause" | "snapshot" } | { op: "step"; ticks: number },
) {
  return requestMessage(bus, subjects.control, {
    type: "Control",
    value,
    replyType: "ControlReply",
    timeoutMs: CONTROL_TIMEOUT_MS,
  });
}
