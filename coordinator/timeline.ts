/**
 * The timeline of a world: the ticks that it can be taken back to, from the
 * snapshots that are kept and the log that leads on from them. A log does not lead
 * on where components change, so a range of ticks ends there, and the next begins
 * with the snapshot of what the world became.
 *
 * @module
 */
import type { Log, LogEntry } from "../lib/bus/log.ts";
import type { Schema } from "../lib/ecs/component.ts";
import type { Report } from "../lib/report.ts";
import { fitsAsItIs } from "../lib/snapshot/schema_difference.ts";
import { SnapshotError } from "../lib/snapshot/snapshot_error.ts";
import {
  isConnected,
  isResumable,
  schemaOf,
  type SnapshotMeta,
} from "../lib/snapshot/snapshot_manifest.ts";
import type { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { UserError } from "../lib/user_error.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { WireError } from "../lib/wire/wire_error.ts";
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
  /** The newest tick that the log leads to from it in the components that it has. */
  readonly last: number;
}

interface Parts {
  /** In their order. */
  readonly starts: readonly Start[];
  /** The ticks after which the components changed. */
  readonly migrated: readonly number[];
  /** Where all of it has these components. */
  readonly schema?: Schema;
}

export class Timeline {
  readonly #options: TimelineOptions;
  readonly #parts: Parts;

  private constructor(options: TimelineOptions, parts: Parts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** @throws {UserError} when nothing is retained. */
  static async open(options: TimelineOptions): Promise<Timeline> {
    const { log, store, subjects } = options;
    const { components } = subjects.streams;
    const metas = (await store.list()).map(({ meta }) => meta).filter(isResumable);
    const { firstSequence } = await log.info(components);
    let last = 0;
    for await (const { headers } of log.lastPerSubject(components, subjects.commit)) {
      last = Number(headers["tick-id"] ?? 0);
    }
    if (metas.length === 0) {
      throw new UserError(
        `Cannot go back in the world under the prefix "${subjects.prefix}": it has no snapshots`,
      );
    }
    const starts: Start[] = [];
    for (const meta of metas.toReversed()) {
      const isLedOn = isConnected(meta, firstSequence);
      starts.unshift({ meta, last: isLedOn ? Math.max(meta.tick, last) : meta.tick });
      if (meta.kind === "migrated") last = meta.tick;
    }
    const migrated = metas.filter(({ kind }) => kind === "migrated").map(({ tick }) => tick);
    return new Timeline(options, { starts, migrated });
  }

  /**
   * The part of it in which the world had the components of `schema`, defaults included.
   * @throws {UserError} when there is none.
   */
  async fitting(schema: Schema): Promise<Timeline> {
    const starts: Start[] = [];
    for (const start of this.#parts.starts) {
      if (await this.#hasComponents(start, schema)) starts.push(start);
    }
    if (starts.length === 0) {
      throw new UserError(
        `Cannot run systems again over ${describeRanges(this.ranges)}: the components were ` +
          "others than those of the manifests; pass --manifests with a folder that has them as " +
          "they were",
      );
    }
    return new Timeline(this.#options, { ...this.#parts, starts, schema });
  }

  /** False, too, for one that is damaged. */
  async #hasComponents({ meta: { id } }: Start, schema: Schema): Promise<boolean> {
    try {
      const { manifest } = await this.#options.store.read(id, "replay");
      return fitsAsItIs(schemaOf(manifest), schema);
    } catch (error) {
      if (!(error instanceof SnapshotError || error instanceof WireError)) throw error;
      return false;
    }
  }

  /** The ticks that can be gone through, ascending; two meet in a tick after which the components changed. */
  get ranges(): readonly TickRange[] {
    const ranges: TickRange[] = [];
    for (const { meta: { tick, kind }, last } of this.#parts.starts) {
      const before = ranges.at(-1);
      const isOther = before === undefined || kind === "migrated" || tick > before.last;
      if (!isOther) ranges.splice(-1, 1, { ...before, last: Math.max(before.last, last) });
      // Of what was migrated again before any tick, nothing can be gone through.
      else ranges.splice(before?.first === tick ? -1 : ranges.length, 1, { first: tick, last });
    }
    return ranges;
  }

  /** The newest tick. */
  get last(): number {
    return this.ranges.at(-1)?.last ?? 0;
  }

  /**
   * A replica as of the newest whole snapshot from which `tick` can be reached, and
   * then `to`.
   * @throws {UserError} when that is not retained, saying what is.
   */
  async start(tick: number, to = tick): Promise<Replica> {
    const { store, subjects, report } = this.#options;
    const { starts, schema } = this.#parts;
    const through = starts.filter(({ meta, last }) => meta.tick <= tick && to <= last);
    for (const { meta } of through.toReversed()) {
      try {
        const snapshot = await store.load(meta.id);
        return replicaOf(snapshot, { schema: schema ?? snapshot.image.schema, subjects });
      } catch (error) {
        if (!(error instanceof SnapshotError)) throw error;
        report.warn(`skipping snapshot "${meta.id}": ${error.message}`);
      }
    }
    throw this.#refusal(tick, to);
  }

  #refusal(tick: number, to: number): UserError {
    const { schema, migrated } = this.#parts;
    const { ranges } = this;
    const missing = [to, tick].find((one) =>
      !ranges.some(({ first, last }) => first <= one && one <= last)
    );
    const what = schema ? "what has the components of the manifests" : "what is retained";
    if (missing !== undefined) {
      return new UserError(
        `Cannot go back to tick ${missing}: ${what} is ${describeRanges(ranges)}`,
      );
    }
    if (tick === to) {
      return new UserError(`Cannot go back to tick ${tick}: no snapshot that leads there is whole`);
    }
    const change = migrated.find((after) => tick <= after && after < to);
    const reason = change === undefined
      ? "from no whole snapshot the log leads through both"
      : `the components changed after tick ${change}`;
    return new UserError(
      `Cannot go from tick ${tick} to tick ${to}: ${reason}. ` +
        `What can be gone through at a time is ${describeRanges(ranges)}`,
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
