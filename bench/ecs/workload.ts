/**
 * The workloads of noctjs/ecs-benchmark, the comparison that authors of
 * JavaScript ECS libraries publish: how many entities of which kinds there are,
 * the steps that run over them again and again, and what must come of each step.
 *
 * Source: https://github.com/noctjs/ecs-benchmark, the definitions in its README.
 *
 * @module
 */
import type { Measure } from "./side.ts";

/** One library's world, in which every component has one 32-bit number. Components are 0, 1, … */
export interface LibraryWorld {
  spawn(components: readonly number[]): void;
  /** A step that doubles the component's value in every entity that has it. */
  doubling(component: number): Step;
  /** A step that swaps the two components' values in every entity that has both. */
  swapping(components: readonly [number, number]): Step;
  /** A step that adds component 1 to every entity, each of which has component 0 alone. */
  adding(): Step;
  /** A step that removes component 1 from every entity that has it. */
  removing(): Step;
  /** A step that spawns, for every entity with component 0, two with component 1 and its value. */
  spawning(): Step;
  /** A step that despawns every entity with component 1. */
  despawning(): Step;
  /** Sets the component's value in every entity that has it. */
  fill(component: number, value: number): void;
  tally(component: number): Tally;
}

export type Step = () => void;

/** A component's values over all entities that have it. */
export interface Tally {
  readonly count: number;
  readonly sum: number;
}

/** Opens a world with so many components. */
export type Library = (componentCount: number) => LibraryWorld;

interface Workload {
  readonly what: string;
  /** Makes the entities, and returns the steps of one pass. */
  prepare(open: Library): { world: LibraryWorld; steps: readonly Step[] };
  /**
   * Runs the steps once more, on known values.
   * @throws {Error} when one did not do what it is to do.
   */
  check(world: LibraryWorld, steps: readonly Step[]): void;
}

/** How long the steps run before they are measured. */
const WARM_UP_MS = 500;
/** How long they are measured at a time. */
const MEASURE_MS = 20;

const ENTITIES = 1000;
const PAIRS = [[0, 1], [2, 3], [2, 4]] as const;
const KINDS = [[0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 4]];
const FRAGMENTS = 26;
const FRAGMENT_ENTITIES = 100;
/** The component that all fragments have beside their own. */
const DATA = FRAGMENTS;

export const WORKLOADS = {
  packed_5: {
    what: "5 queries double one component each of 1,000 entities that have all 5",
    prepare(open) {
      const world = open(5);
      for (let i = 0; i < ENTITIES; i++) world.spawn([0, 1, 2, 3, 4]);
      return { world, steps: [0, 1, 2, 3, 4].map((component) => world.doubling(component)) };
    },
    check(world, steps) {
      steps.forEach((step, component) => expectDoubled(world, component, step, ENTITIES));
    },
  },

  simple_iter: {
    what: "3 queries swap two components each of 4 × 1,000 entities of 4 archetypes",
    prepare(open) {
      const world = open(5);
      for (let i = 0; i < ENTITIES; i++) KINDS.forEach((kind) => world.spawn(kind));
      return { world, steps: PAIRS.map((pair) => world.swapping(pair)) };
    },
    check(world, steps) {
      steps.forEach((step, i) => {
        const [a, b] = PAIRS[i];
        const both = i === 0 ? ENTITIES * KINDS.length : ENTITIES;
        world.fill(a, 3);
        world.fill(b, 5);
        const { count, sum } = world.tally(a);
        step();
        expectTally(world, a, { count, sum: sum + 2 * both });
        expectTally(world, b, { count: both, sum: 3 * both });
      });
    },
  },

  frag_iter: {
    what: "2 queries double a component over 26 archetypes of 100 entities, and over one of them",
    prepare(open) {
      const world = open(FRAGMENTS + 1);
      for (let i = 0; i < FRAGMENT_ENTITIES; i++) {
        for (let fragment = 0; fragment < FRAGMENTS; fragment++) world.spawn([fragment, DATA]);
      }
      return { world, steps: [world.doubling(DATA), world.doubling(FRAGMENTS - 1)] };
    },
    check(world, [doubleData, doubleLast]) {
      expectDoubled(world, DATA, doubleData, FRAGMENTS * FRAGMENT_ENTITIES);
      expectDoubled(world, FRAGMENTS - 1, doubleLast, FRAGMENT_ENTITIES);
    },
  },

  add_remove: {
    what: "add a component to each of 1,000 entities, then remove it from each",
    prepare(open) {
      const world = open(2);
      for (let i = 0; i < ENTITIES; i++) world.spawn([0]);
      return { world, steps: [world.adding(), world.removing()] };
    },
    check(world, [add, remove]) {
      world.fill(0, 7);
      add();
      expectTally(world, 0, { count: ENTITIES, sum: 7 * ENTITIES });
      expectTally(world, 1, { count: ENTITIES, sum: 0 });
      remove();
      expectTally(world, 0, { count: ENTITIES, sum: 7 * ENTITIES });
      expectTally(world, 1, { count: 0, sum: 0 });
    },
  },

  entity_cycle: {
    what: "spawn 2 entities for each of 1,000, then despawn those 2,000",
    prepare(open) {
      const world = open(2);
      for (let i = 0; i < ENTITIES; i++) world.spawn([0]);
      return { world, steps: [world.spawning(), world.despawning()] };
    },
    check(world, [spawn, despawn]) {
      world.fill(0, 7);
      spawn();
      expectTally(world, 1, { count: 2 * ENTITIES, sum: 14 * ENTITIES });
      despawn();
      expectTally(world, 1, { count: 0, sum: 0 });
      expectTally(world, 0, { count: ENTITIES, sum: 7 * ENTITIES });
    },
  },
} as const satisfies Record<string, Workload>;

export type WorkloadName = keyof typeof WORKLOADS;

/** Measures the ms that one pass through a workload's steps takes a library, on average. */
export function measureWorkload(open: Library): (workload: string) => Measure {
  return (name) => {
    const workload = WORKLOADS[name as WorkloadName];
    const { world, steps } = workload.prepare(open);
    let passes = 1;
    while (runSteps(steps, passes) < WARM_UP_MS) passes *= 2;
    passes = Math.ceil(passes * MEASURE_MS / runSteps(steps, passes));
    return () => {
      const passMs = runSteps(steps, passes) / passes;
      workload.check(world, steps);
      return passMs;
    };
  };
}

/** The ms that so many passes take. */
function runSteps(steps: readonly Step[], passes: number): number {
  const startedAt = performance.now();
  for (let pass = 0; pass < passes; pass++) {
    for (const step of steps) step();
  }
  return performance.now() - startedAt;
}

function expectDoubled(world: LibraryWorld, component: number, step: Step, count: number): void {
  world.fill(component, 3);
  step();
  expectTally(world, component, { count, sum: 6 * count });
}

function expectTally(world: LibraryWorld, component: number, expected: Tally): void {
  const { count, sum } = world.tally(component);
  if (count === expected.count && sum === expected.sum) return;
  throw new Error(
    `Component ${component} is in ${count} entities, ${sum} in all, not in ${expected.count}, ${expected.sum}`,
  );
}
