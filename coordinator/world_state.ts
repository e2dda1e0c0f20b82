/**
 * The state of a world between two ticks: its tables and what the next tick
 * depends on besides. It is what the log defines, what a snapshot keeps and what
 * one coordinator hands to the next.
 *
 * @module
 */
import type { Schema } from "../lib/ecs/component.ts";
import { World } from "../lib/ecs/world.ts";
import { worldDigest } from "../lib/ecs/world_digest.ts";
import type { WorldManifest } from "../lib/manifest/manifest.ts";
import type { SnapshotMeta } from "../lib/snapshot/snapshot_manifest.ts";
import { CommandAnswers } from "./command_answers.ts";

export interface WorldState {
  /** Another one only where the components have changed between two terms. */
  world: World;
  /** Number of the newest tick in it; 0: it is as it began. */
  tick: number;
  /** Of tick 0 the world's digest, then chained over the ticks. */
  digest: bigint;
  /** Change tick of each system's last run that missed no shard, by name. */
  readonly lastRuns: Map<string, number>;
  readonly answers: CommandAnswers;
}

/** A world as its manifest has it; empty without one. */
export function initialState(schema: Schema, manifest: WorldManifest | undefined): WorldState {
  const world = new World(schema);
  // Behind tick 0, in which nothing has changed: to whoever has seen nothing yet, all of it is new.
  world.changeTick = 1;
  const groups = manifest?.groups ?? [];
  world.reserve(
    groups.map(({ components, count }) =>
      [components.flatMap((name) => schema.get(name) ?? []), count] as const
    ),
  );
  for (const components of manifest?.entities() ?? []) {
    const values = Object.entries(components).flatMap(([name, value]) => {
      const component = schema.get(name);
      return component ? [[component, value] as const] : [];
    });
    world.spawn(new Map(values));
  }
  return {
    world,
    tick: 0,
    digest: worldDigest(world),
    lastRuns: new Map(),
    answers: new CommandAnswers(),
  };
}

/** What a snapshot says of the state besides the world. */
export function metaOfState(
  { tick, digest, lastRuns, answers }: WorldState,
): Pick<SnapshotMeta, "tick" | "digest" | "lastRuns" | "answers"> {
  return { tick, digest, lastRuns: Object.fromEntries(lastRuns), answers: [...answers] };
}
