/**
 * Spawn churn: every tick 20,000 entities are spawned, and those of the tick
 * before despawned. Each has a position, a velocity and a number of ticks to live.
 *
 * @module
 */
import type { Measure } from "./side.ts";

export const SPAWNS = 20_000;

/** A library's world, with entities that are spawned in one tick and despawned in the next. */
export interface ChurnWorld {
  /** Runs one tick and returns the ms that it took. */
  tick(): number;
  /** The entities there are, and how many ticks they have to live in all. */
  tally(): { count: number; life: number };
}

/** What the entity number `i` of a tick has. */
export const valuesOf = (i: number) => ({
  position: [i, 1, 2.5],
  velocity: [0.5, i, 1],
  life: i,
});

const WARM_UP_TICKS = 10;

/** Measures the ms that a tick takes. */
export function measureChurn(open: () => ChurnWorld): () => Measure {
  return () => {
    const world = open();
    for (let tick = 0; tick < WARM_UP_TICKS; tick++) world.tick();
    return () => {
      const tickMs = world.tick();
      const { count, life } = world.tally();
      if (count !== SPAWNS || life !== SPAWNS * (SPAWNS - 1) / 2) {
        throw new Error(`There are ${count} entities with ${life} ticks to live`);
      }
      return tickMs;
    };
  };
}
