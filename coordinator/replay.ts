/**
 * A replay takes a world through a range of its past, and on the way may run the
 * systems again to compare them with the log.
 *
 * @module
 */
import type { Schema } from "../lib/ecs/component.ts";
import { worldDigest } from "../lib/ecs/world_digest.ts";
import type { Snapshot } from "../lib/snapshot/snapshot_store.ts";
import { captureWorld } from "../lib/snapshot/world_image.ts";
import { UserError } from "../lib/user_error.ts";
import type { Replica } from "./replica.ts";
import type { Timeline } from "./timeline.ts";
import { type Mismatch, type VerifiedSystem, Verifier } from "./verifier.ts";

export interface ReplayRange {
  /**
   * The first tick of interest; that of `to` by default. When verifying, the first of all that lead
   * to it and are of a world with the manifests' components.
   */
  readonly from: number | undefined;
  /** The last tick; the newest by default, when verifying the newest of such a world. */
  readonly to: number | undefined;
}

/** What systems are to be run again with. */
export interface Verification {
  readonly schema: Schema;
  readonly systems: ReadonlyMap<string, VerifiedSystem>;
}

export interface ReplayOptions extends ReplayRange {
  readonly timeline: Timeline;
  readonly verify?: Verification | undefined;
  /** Called after each tick. */
  onTick(tick: number, range: { readonly first: number; readonly to: number }): void;
}

export interface ReplayedTick {
  readonly tick: number;
  readonly entities: number;
  readonly digest: bigint;
}

export interface Replayed {
  readonly replica: Replica;
  readonly from: number;
  readonly to: number;
  /** Each tick from `from` on. */
  readonly ticks: readonly ReplayedTick[];
  /** The first thing that was otherwise than logged; the replay ends there. */
  readonly mismatch: Mismatch | undefined;
  /** Shards that were run again. */
  readonly shards: number;
}

/** @throws {UserError} when the range is none, or not retained. */
export async function replayRange(options: ReplayOptions): Promise<Replayed> {
  const { verify, onTick } = options;
  const timeline = verify ? await options.timeline.fitting(verify.schema) : options.timeline;
  const { from, to } = chooseRange(timeline, options);
  // Systems run again over the world as it was before their tick.
  const replica = await timeline.start(verify ? from - 1 : from, to);
  const { state } = replica;
  const verifier = verify &&
    new Verifier({ world: state.world, lastRuns: state.lastRuns, systems: verify.systems });
  const first = state.tick;
  const ticks: ReplayedTick[] = [];
  const note = () =>
    ticks.push({ tick: state.tick, entities: state.world.entityCount, digest: state.digest });
  if (first >= from) note();
  let mismatch: Mismatch | undefined;
  const stop = new Stop();
  try {
    for await (
      const tick of timeline.advance(replica, to, async (run) => {
        if (run.tick < from) return;
        mismatch = await verifier?.check(run);
        if (mismatch) throw stop;
      })
    ) {
      if (tick >= from) note();
      onTick(tick, { first, to });
    }
  } catch (error) {
    if (error !== stop) throw error;
  }
  return { replica, from, to, ticks, mismatch, shards: verifier?.shards ?? 0 };
}

/** Ends a replay where it is. */
class Stop extends Error {}

function chooseRange(
  timeline: Timeline,
  { from, to, verify }: ReplayOptions,
): { from: number; to: number } {
  const last = to ?? timeline.last;
  const range = timeline.ranges.find(({ first, last: end }) => first <= last && last <= end);
  if (verify && from === undefined && range?.first === last) {
    throw new UserError(
      `Cannot run systems again up to tick ${last}: no tick before it is retained that had the ` +
        "components of the manifests",
    );
  }
  const first = from ?? (verify && range ? range.first + 1 : last);
  if (first > last) {
    throw new UserError(`Cannot replay from tick ${first} to tick ${last}: that is backwards`);
  }
  return { from: first, to: last };
}

/** The world as it is after a replay, to be kept. */
export function snapshotOf(
  { state, epoch }: Replica,
  { createdAt, note }: { createdAt: number; note: string },
): Snapshot {
  const { world, tick, digest, lastRuns, answers } = state;
  return {
    image: captureWorld(world),
    meta: {
      id: `t${tick}`,
      kind: "manual",
      tick,
      epoch,
      digest,
      sequence: 0,
      lastRuns: Object.fromEntries(lastRuns),
      answers: [...answers],
      createdAt,
      note,
    },
  };
}

/** What a world is like, for people and programs. */
export interface WorldSummary extends ReplayedTick {
  /** Of the whole world, in canonical order. */
  readonly hash: bigint;
  readonly nextEntity: number;
  readonly archetypes: readonly { readonly count: number; readonly components: string[] }[];
}

export function summarizeWorld({ state: { world, tick, digest } }: Replica): WorldSummary {
  return {
    tick,
    entities: world.entityCount,
    digest,
    hash: worldDigest(world),
    nextEntity: world.nextEntity,
    archetypes: world.tables().filter(({ count }) => count > 0).map(({ count, components }) => ({
      count,
      components: components.map(({ name }) => name),
    })),
  };
}
