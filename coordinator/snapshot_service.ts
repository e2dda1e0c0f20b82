/**
 * What a coordinator does with snapshots: takes them, by itself and on request,
 * and makes the world become one.
 *
 * @module
 */
import type { MessageOf } from "../lib/wire/messages.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import type { Engine } from "./engine.ts";
import type { Pace } from "./pace.ts";
import { Restorer } from "./restorer.ts";
import { type SnapshotPolicy, Snapshotter, type SnapshotterOptions } from "./snapshotter.ts";
import { COMPONENTS_BYTES_MAX } from "./streams.ts";
import type { WorldState } from "./world_state.ts";

export interface SnapshotServiceOptions
  extends Omit<SnapshotterOptions, "capture" | "policy" | "settled" | "stream"> {
  readonly subjects: Subjects;
  readonly state: WorldState;
  readonly engine: Engine;
  readonly pace: Pace;
  /** Without one, none are taken unasked. */
  readonly snapshots?: SnapshotPolicy;
}

const POLICY_DEFAULT: SnapshotPolicy = { kept: 3 };

export class SnapshotService {
  readonly #snapshotter: Snapshotter;
  readonly #restorer: Restorer;

  constructor(options: SnapshotServiceOptions) {
    const { engine, pace, state, subjects, snapshots: policy = POLICY_DEFAULT } = options;
    const settled = () => engine.settled();
    const stream = { name: subjects.streams.components, bytesMax: COMPONENTS_BYTES_MAX };
    this.#snapshotter = new Snapshotter(
      { ...options, stream, policy, settled, capture: () => engine.capture() },
      { isBehind: state.tick > 0 },
    );
    this.#restorer = new Restorer({
      ...options,
      snapshotter: this.#snapshotter,
      settled,
      hold: (work) => pace.hold(work),
      restore: (image, snapshot) => engine.restore(image, snapshot),
    });
  }

  /** Takes a snapshot if it is time for one. */
  afterTick(tick: number): void {
    this.#snapshotter.afterTick(tick);
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
    return snapshot;
  }

  /** Resolves when nothing is under way any more; nothing begins by itself from now on. */
  stop(): Promise<void> {
    return this.#snapshotter.stop();
  }
}
