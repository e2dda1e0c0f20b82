/**
 * Time: the world's pace, and the ticks of its past that can be looked at.
 *
 * @module
 */
import { type Signal, signal } from "@preact/signals";
import { NoRespondersError } from "../../../lib/bus/bus.ts";
import { createSubjects } from "../../../lib/wire/subjects.ts";
import { fetchJson, repeat } from "../browser.ts";
import type { Notices } from "./notices.ts";
import type { Session, View } from "./session.ts";

const LIST_MS = 5000;
/** How often a view of the past is told that it is still looked at. */
const KEEP_MS = 5000;
/** Replaying a long stretch of a large world takes its time. */
const REPLAY_TIMEOUT_MS = 300_000;
const SNAPSHOT_TIMEOUT_MS = 300_000;

export interface SnapshotRow {
  readonly id: string;
  readonly kind: string;
  readonly tick: number;
  readonly created_ms: number;
  readonly note: string;
  readonly entities: number;
  readonly bytes: number;
  /** Whether the log leads on from it. */
  readonly goes_on: boolean;
}

export interface Comparison {
  readonly world: {
    readonly created: EntitySample;
    readonly destroyed: EntitySample;
    readonly components: readonly {
      readonly name: string;
      readonly added: number;
      readonly removed: number;
      readonly changed: number;
      readonly examples: readonly {
        readonly entity: number;
        readonly field: string;
        readonly before: unknown;
        readonly after: unknown;
      }[];
    }[];
  };
}

interface EntitySample {
  readonly count: number;
  readonly first: readonly number[];
}

export interface Forked {
  readonly prefix: string;
  readonly tick: number;
  /** What runs it. */
  readonly command: string;
}

export class TimeTravel {
  readonly snapshots: Signal<readonly SnapshotRow[]> = signal([]);
  readonly forked: Signal<Forked | undefined> = signal(undefined);
  readonly comparison: Signal<Comparison | undefined> = signal(undefined);
  /** What is being done that takes its time. */
  readonly busy: Signal<string | undefined> = signal(undefined);
  readonly #session: Session;
  readonly #notices: Notices;
  #wanted: number | undefined;
  /** A view of the past is being made, whether it is still wanted or not. */
  #isOpening = false;

  constructor(session: Session, notices: Notices) {
    this.#session = session;
    this.#notices = notices;
  }

  start(): void {
    repeat(LIST_MS, () => this.refresh());
    repeat(KEEP_MS, () => this.#keepOpen());
  }

  /** The first tick that can be gone back to. */
  get oldest(): number {
    const ticks = this.snapshots.value.filter(({ goes_on }) => goes_on).map(({ tick }) => tick);
    return ticks.length > 0 ? Math.min(...ticks) : this.newest;
  }

  get newest(): number {
    return this.#session.status.value?.tick_id ?? this.#session.tick.value;
  }

  async refresh(): Promise<void> {
    const { snapshots } = await fetchJson<{ snapshots: SnapshotRow[] }>("/snapshots.json");
    this.snapshots.value = snapshots.toSorted((a, b) => b.created_ms - a.created_ms);
  }

  async pauseOrResume(): Promise<void> {
    const isRunning = this.#session.status.value?.running === true;
    await this.#try(() => this.#session.control({ op: isRunning ? "pause" : "resume" }));
  }

  async step(ticks: number): Promise<void> {
    await this.#try(() => this.#session.control({ op: "step", ticks }));
  }

  async setRate(hz: number): Promise<void> {
    await this.#try(() => this.#session.control({ op: "rate", hz }));
  }

  /** Looks at the world as it was after a tick; of several wishes, the last one counts. */
  async goTo(tick: number): Promise<void> {
    const { view } = this.#session;
    let open = view.value;
    this.#wanted = tick;
    view.value = { kind: "opening", tick };
    if (this.#isOpening) return;
    this.#isOpening = true;
    while (this.#wanted !== undefined) {
      const wanted = this.#wanted;
      this.#wanted = undefined;
      await this.#close(open);
      open = await this.#open(wanted);
    }
    this.#isOpening = false;
    // Whoever has gone back to the present meanwhile does not want it any more.
    if (this.#session.view.value.kind !== "opening") return await this.#close(open);
    view.value = open;
    await this.#session.refreshSchema();
  }

  async goLive(): Promise<void> {
    const { view } = this.#session;
    this.#wanted = undefined;
    const before = view.value;
    if (before.kind === "live") return;
    view.value = { kind: "live" };
    await this.#close(before);
    await this.#session.refreshSchema();
  }

  /** Begins another world with this one as it is looked at. */
  async fork(prefix: string): Promise<boolean> {
    const tick = this.#session.tick.value;
    return await this.#try(async () => {
      const reply = await this.#session.request(this.#session.subjects.pastFork, {
        type: "PastFork",
        value: { tick_id: tick, prefix },
        replyType: "PastForkReply",
        timeoutMs: REPLAY_TIMEOUT_MS,
      });
      this.forked.value = { prefix: reply.prefix, tick: reply.tick_id, command: reply.command };
    }, `forking tick ${tick}`);
  }

  async takeSnapshot(note: string): Promise<void> {
    await this.#try(async () => {
      const control = { op: "snapshot" as const, ...(note !== "" && { note }) };
      const { snapshot } = await this.#session.control(control, SNAPSHOT_TIMEOUT_MS);
      this.#notices.info(`Snapshot ${snapshot} is stored`);
      await this.refresh();
    }, "taking a snapshot");
  }

  async restore(id: string): Promise<void> {
    await this.#try(async () => {
      const { tick_id } = await this.#session.control(
        { op: "restore", snapshot: id },
        SNAPSHOT_TIMEOUT_MS,
      );
      this.#notices.info(`The world is ${id} since tick ${tick_id}`);
      await this.refresh();
    }, `restoring ${id}`);
  }

  async compare(a: string, b: string): Promise<void> {
    await this.#try(async () => {
      const query = new URLSearchParams({ a, b });
      this.comparison.value = await fetchJson<Comparison>(`/comparison.json?${query}`);
    }, `comparing ${a} with ${b}`);
  }

  /** A view closes when nobody asks it anything: then another one is opened in its place. */
  async #keepOpen(): Promise<void> {
    const view = this.#session.view.value;
    if (view.kind !== "past") return;
    try {
      await this.#session.refreshSchema();
    } catch (error) {
      if (error instanceof NoRespondersError && this.#session.view.value === view) {
        await this.goTo(view.tick);
      }
    }
  }

  /** A view of a tick, which nobody else has; the present where there can be none. */
  async #open(tick: number): Promise<View> {
    try {
      const reply = await this.#session.request(this.#session.subjects.pastOpen, {
        type: "PastOpen",
        value: { tick_id: tick },
        replyType: "PastOpenReply",
        timeoutMs: REPLAY_TIMEOUT_MS,
      });
      return { kind: "past", tick: reply.tick_id, prefix: reply.prefix };
    } catch (error) {
      this.#notices.error(error);
      return { kind: "live" };
    }
  }

  async #close(view: View): Promise<void> {
    if (view.kind !== "past") return;
    await this.#session.request(createSubjects(view.prefix).pastClose, {
      type: "PastClose",
      value: {},
      replyType: "PastCloseReply",
      timeoutMs: REPLAY_TIMEOUT_MS,
    }).catch(() => undefined);
  }

  async #try(work: () => Promise<unknown>, busy?: string): Promise<boolean> {
    if (busy !== undefined) this.busy.value = busy;
    try {
      await work();
      return true;
    } catch (error) {
      this.#notices.error(error);
      return false;
    } finally {
      if (busy !== undefined) this.busy.value = undefined;
    }
  }
}
