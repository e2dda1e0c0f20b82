/**
 * The restorer makes a running world become a snapshot, in a tick of its own: a
 * commit says which, so that whoever replays the log does the same. Ticks are
 * counted on, and entities are never used again.
 *
 * @module
 */
import type { Schema } from "../lib/ecs/component.ts";
import { fitImage } from "../lib/snapshot/migration.ts";
import { SnapshotError } from "../lib/snapshot/snapshot_error.ts";
import type { SnapshotMeta } from "../lib/snapshot/snapshot_manifest.ts";
import type { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { renewImage, restoreWorld, type WorldImage } from "../lib/snapshot/world_image.ts";
import type { Snapshotter } from "./snapshotter.ts";
import type { WorldState } from "./world_state.ts";

export interface RestorerOptions {
  readonly store: SnapshotStore;
  readonly snapshotter: Snapshotter;
  readonly state: WorldState;
  /** Calls `act` when the world is between two ticks. */
  betweenTicks(act: () => void): void;
  /** Lets no tick begin before `work` settles. */
  hold(work: Promise<unknown>): void;
  /** Resolves when the ticks that have ended are stored. */
  settled(): Promise<void>;
  /** The next tick: the world becomes the image, and the log is told which it is. */
  restore(image: WorldImage, snapshot: string): Promise<void>;
}

export class Restorer {
  readonly #options: RestorerOptions;

  constructor(options: RestorerOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the tick in which the world became the snapshot is stored.
   * @throws {WireError} when too many requests wait.
   * @throws {SnapshotError} when it is not there, damaged, or does not fit; the
   * world is as it was then.
   */
  restore(id: string, { isLossAllowed }: { isLossAllowed: boolean }): Promise<void> {
    const { store, snapshotter, state, betweenTicks, hold } = this.#options;
    const { schema } = state.world;
    return snapshotter.exclusively(async () => {
      const { image, meta } = await store.load(id);
      const fitting = fitImage(image, schema, { isLossAllowed, what: `snapshot "${id}"` }).image;
      checkWorld(fitting, schema, id);
      await new Promise<void>((resolve, reject) => {
        const begin = () => {
          const work = this.#become(fitting, meta);
          hold(work);
          work.then(resolve, reject);
        };
        try {
          betweenTicks(begin);
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** What the log refers to is stored before: a copy, which stays as long as the log needs it. */
  async #become(image: WorldImage, meta: SnapshotMeta): Promise<void> {
    const { snapshotter, state, settled, restore } = this.#options;
    const { changeTick, nextEntity } = state.world;
    const renewed = renewImage(image, { changeTick: changeTick + 1, nextEntity });
    await settled();
    const copy = await snapshotter.store(
      { image: renewed, meta: { ...meta, restoredIn: state.tick + 1 } },
      { kind: "restore", note: `a copy of ${meta.id}` },
    );
    await restore(renewed, copy.meta.id);
  }
}

/** @throws {SnapshotError} when the image is none of a world. */
function checkWorld(image: WorldImage, schema: Schema, id: string): void {
  try {
    restoreWorld(schema, image);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new SnapshotError(`Cannot restore snapshot "${id}": ${cause.message}`, { cause });
  }
}
