/**
 * What a coordinator does with snapshots: takes them, by itself and on request,
 * and makes the world become one.
 *
 * @module
 */
import { errorMessage } from "../lib/error_message.ts";
import type { Report } from "../lib/report.ts";
import { captureWorld, type WorldImage } from "../lib/snapshot/world_image.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import type { Engine } from "./engine.ts";
import type { Pace } from "./pace.ts";
import { Restorer } from "./restorer.ts";
import {
  type Captured,
  type SnapshotPolicy,
  Snapshotter,
  type SnapshotterOptions,
} from "./snapshotter.ts";
import { metaOfState, type WorldState } from "./world_state.ts";

export interface SnapshotServiceOptions
  extends Omit<SnapshotterOptions, "capture" | "policy" | "settled" | "stream"> {
  readonly subjects: Subjects;
  readonly state: WorldState;
  readonly epoch: number;
  readonly engine: Engine;
  readonly pace: Pace;
  /** What the log may grow to, in bytes. */
  readonly logBytesMax: number;
  /** The world has become another. */
  onRestored(): void;
  /** Without one, none are taken unasked. */
  readonly snapshots?: SnapshotPolicy;
}

/** Copies the world, between two ticks. The newest commit may still be on its way to the log. */
function capture(
  { state, engine, epoch }: SnapshotServiceOptions,
  spare: WorldImage | undefined,
): Captured {
  return {
    image: captureWorld(state.world, spare),
    meta: { ...metaOfState(state), epoch, sequence: engine.lastCommit },
  };
}

const POLICY_DEFAULT: SnapshotPolicy = { every: "never", kept: 3 };

export class SnapshotService {
  readonly #snapshotter: Snapshotter;
  readonly #restorer: Restorer;
  readonly #state: WorldState;
  readonly #report: Report;

  constructor(options: SnapshotServiceOptions) {
    const { engine, pace, state, subjects, logBytesMax } = options;
    this.#state = state;
    this.#report = options.report;
    const policy = options.snapshots ?? POLICY_DEFAULT;
    const settled = () => engine.settled();
    const stream = { name: subjects.streams.components, bytesMax: logBytesMax };
    this.#snapshotter = new Snapshotter(
      { ...options, stream, policy, settled, capture: (spare) => capture(options, spare) },
      { isBehind: state.tick > 0 },
    );
    this.#restorer = new Restorer({
      ...options,
      snapshotter: this.#snapshotter,
      settled,
      hold: (work) => pace.hold(work),
      restore: (image, snapshot) => engine.restore(image, snapshot).then(options.onRestored),
    });
  }

  /** Snapshots that are being taken or restored, or wait for that. */
  get waiting(): number {
    return this.#snapshotter.waiting;
  }

  /** Takes a snapshot if it is time for one. */
  afterTick(tick: number): void {
    this.#snapshotter.afterTick(tick);
  }

  /** The log is full; there may be something in it to let go of. */
  async makeRoom(): Promise<void> {
    try {
      await this.#snapshotter.makeRoom();
    } catch (error) {
      this.#report.warn(`Cannot make room in the log: ${errorMessage(error)}`);
    }
  }

  /** Carries out `snapshot` or `restore`, and resolves with the snapshot's id. */
  async control(
    { op, note, snapshot, migrate }: MessageOf<"Control">,
  ): Promise<string> {
    if (op === "snapshot") {
      const { meta } = await this.#snapshotter.save({ kind: "manual", note });
      return meta.id;
    }
    if (snapshot === undefined) throw new WireError("Cannot restore: it takes a snapshot's id");
    await this.#restorer.restore(snapshot, { isLossAllowed: migrate === true });
    // Until there is one, the world depends on the copy that the log refers to.
    this.#snapshotter.hasten(this.#state.tick);
    return snapshot;
  }

  /** Resolves when nothing is under way any more; nothing begins by itself from now on. */
  stop(): Promise<void> {
    return this.#snapshotter.stop();
  }
}
