/**
 * The timeline of a world: the ticks that it can be taken back to, from the
 * snapshots that are kept and the log that leads on from them.
 *
 * @module
 */
import type { Log, LogEntry } from "../lib/bus/log.ts";
import type { Schema } from "../lib/ecs/component.ts";
import type { Report } from "../lib/report.ts";
import { SnapshotError } from "../lib/snapshot/snapshot_error.ts";
import { isConnected, isResumable, type SnapshotMeta } from "../lib/snapshot/snapshot_manifest.ts";
import type { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { UserError } from "../lib/user_error.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { replicaOf } from "./recovery.ts";
import { type ReplayedRun, type Replica, SnapshotNeededError } from "./replica.ts";

export interface TickRange {
  readonly first: number;
  readonly last: number;
}

export interface TimelineOptions {
  readonly log: Log;
  readonly store: SnapshotStore;
  readonly subjects: Subjects;
  readonly report: Report;
}

/** A snapshot to start from. */
interface Start {
  readonly meta: SnapshotMeta;
  /** Whether the log leads on from it. */
  readonly isConnected: boolean;
}

export class Timeline {
  readonly #options: TimelineOptions;
  readonly #starts: readonly Start[];
  /** The newest committed tick. */
  readonly #last: number;

  private constructor(options: TimelineOptions, starts: readonly Start[], last: number) {
    this.#options = options;
    this.#starts = starts;
    this.#last = last;
  }

  /** @throws {UserError} when nothing is retained. */
  static async open(options: TimelineOptions): Promise<Timeline> {
    const { log, store, subjects } = options;
    const { components } = subjects.streams;
    const infos = await store.list();
    const { firstSequence } = await log.info(components);
    const starts = infos.filter(({ meta }) => isResumable(meta)).map(({ meta }) => ({
      meta,
      isConnected: isConnected(meta, firstSequence),
    }));
    let last = 0;
    for await (const { headers } of log.lastPerSubject(components, subjects.commit)) {
      last = Number(headers["tick-id"] ?? 0);
    }
    if (starts.length === 0) {
      throw new UserError(
        `Cannot go back in the world under the prefix "${subjects.prefix}": it has no snapshots`,
      );
    }
    return new Timeline(options, starts, last);
  }

  /** The ticks that can be gone back to, ascending. */
  get ranges(): readonly TickRange[] {
    const ranges = this.#starts.map(({ meta: { tick }, isConnected }) => ({
      first: tick,
      last: isConnected ? Math.max(tick, this.#last) : tick,
    }));
    const merged: TickRange[] = [];
    for (const range of ranges.sort((a, b) => a.first - b.first)) {
      const before = merged.at(-1);
      if (before === undefined || range.first > before.last + 1) merged.push(range);
      else merged.splice(-1, 1, { ...before, last: Math.max(before.last, range.last) });
    }
    return merged;
  }

  /** The newest tick. */
  get last(): number {
    return this.ranges.at(-1)?.last ?? 0;
  }

  /**
   * A replica as of the newest whole snapshot from which `tick` can be reached.
   * @param schema what its components are to be; as they were, by default
   * @throws {UserError} when the tick is not retained, saying which ones are.
   */
  async start(tick: number, schema?: Schema): Promise<Replica> {
    const { store, subjects, report } = this.#options;
    const starts = this.#starts.filter(({ meta, isConnected }) =>
      meta.tick === tick || (isConnected && meta.tick < tick && tick <= this.#last)
    );
    for (const { meta } of starts.toSorted((a, b) => b.meta.tick - a.meta.tick)) {
      try {
        const snapshot = await store.load(meta.id);
        return replicaOf(snapshot, { schema: schema ?? snapshot.image.schema, subjects });
      } catch (error) {
        if (!(error instanceof SnapshotError)) throw error;
        report.warn(`skipping snapshot "${meta.id}": ${error.message}`);
      }
    }
    throw new UserError(
      `Cannot go back to tick ${tick}: what is retained is ${describeRanges(this.ranges)}`,
    );
  }

  /**
   * Lets the replica take the log's ticks up to `to`, and yields after each;
   * `onRun` is called before each system's results are merged.
   * @throws {ReplayError} when the log does not lead where its commits say.
   * @throws {UserError} when the log ends before.
   */
  async *advance(
    replica: Replica,
    to: number,
    onRun: (run: ReplayedRun) => Promise<void> = () => Promise.resolve(),
  ): AsyncGenerator<number> {
    if (replica.state.tick >= to) return;
    const { log, subjects } = this.#options;
    const entries = log.read(subjects.streams.components, { from: replica.sequence + 1 });
    for await (const entry of entries) {
      if (await this.#take(replica, entry, onRun)) yield replica.state.tick;
      if (replica.state.tick >= to) return;
    }
    throw new UserError(
      `Cannot go to tick ${to}: the log ends with tick ${replica.state.tick}`,
    );
  }

  async #take(
    replica: Replica,
    entry: LogEntry,
    onRun: (run: ReplayedRun) => Promise<void>,
  ): Promise<boolean> {
    try {
      return await walk(replica.steps(entry), onRun);
    } catch (error) {
      if (!(error instanceof SnapshotNeededError)) throw error;
      const { image } = await this.#options.store.load(error.id);
      return await walk(replica.steps(entry, image), onRun);
    }
  }
}

async function walk(
  steps: ReturnType<Replica["steps"]>,
  onRun: (run: ReplayedRun) => Promise<void>,
): Promise<boolean> {
  let step = steps.next();
  while (!step.done) {
    await onRun(step.value);
    step = steps.next();
  }
  return step.value;
}

/** Such as `ticks 1200 to 4800, and tick 300`. */
function describeRanges(ranges: readonly TickRange[]): string {
  return ranges.map(({ first, last }) =>
    first === last ? `tick ${first}` : `ticks ${first} to ${last}`
  ).join(", and ");
}
