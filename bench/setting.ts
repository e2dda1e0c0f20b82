/**
 * A setting is what a world is made of: the systems that run in it, and the
 * entities that it starts with. These are made by a program instead of a
 * manifest, so that a case can say how many.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { loadManifests } from "../lib/manifest/load.ts";
import type { EntityComponents, Manifests, WorldManifest } from "../lib/manifest/manifest.ts";
import { createRandom } from "../lib/random.ts";

export interface Setting {
  readonly manifests: Manifests;
  readonly population: WorldManifest;
}

/** Ticks a second that a world's simulated time goes by. */
export const HZ = 60;

/** Makes an entity; `random` draws the same numbers each time that the world is made. */
type Spawner = (index: number, random: () => number) => EntityComponents;

const BENCH = fileURLToPath(new URL("./worlds/manifests", import.meta.url));
const DEMO = fileURLToPath(new URL("../manifests", import.meta.url));
const DEMO_WORLD = "flock";
const SEED = 1;

/** Some of the bench's own systems, over `count` entities. */
export async function benchSetting(
  systems: readonly string[],
  { count, entity }: { count: number; entity: Spawner },
): Promise<Setting> {
  const manifests = withSystems(await loadManifests(BENCH), systems);
  return { manifests, population: population(count, entity) };
}

/** One system that moves 24 B out and 12 B back per entity, and does next to nothing with them. */
export function moveSetting(count: number): Promise<Setting> {
  return benchSetting(["move"], {
    count,
    entity: (_, random) => ({
      Position: {},
      Velocity: { linear: [random(), random(), random()] },
    }),
  });
}

/** The demo: its systems and its flock. */
export async function demoSetting(): Promise<Setting> {
  const manifests = await loadManifests(DEMO);
  return { manifests, population: worldOf(manifests) };
}

/**
 * The demo's physics alone, in the demo's hall: `count` bodies that nobody steers
 * fly on, and bounce off the walls and pillars. None at all: not even a hall.
 */
export async function physicsSetting(count: number): Promise<Setting> {
  const manifests = withSystems(await loadManifests(DEMO), ["physics"]);
  const hall = [...worldOf(manifests).entities()].filter((entity) => !entity.Boid);
  const room = count === 0 ? [] : hall;
  return {
    manifests,
    population: population(
      room.length + count,
      (index, random) => room[index] ?? flyingBody(random),
    ),
  };
}

function flyingBody(random: () => number): EntityComponents {
  const between = (low: number, high: number) => low + (high - low) * random();
  const vector = (
    half: number,
  ) => [between(-half, half), between(-half, half), between(-half, half)];
  return {
    Transform3D: { translation: vector(35) },
    Velocity: { linear: vector(10) },
    Force: {},
    Mass: { value: between(0.8, 1.2) },
  };
}

function worldOf({ worlds, folder }: Manifests): WorldManifest {
  const world = worlds.get(DEMO_WORLD);
  if (world) return world;
  throw new RangeError(`Cannot find the world "${DEMO_WORLD}" in ${folder}`);
}

function withSystems(manifests: Manifests, names: readonly string[]): Manifests {
  return { ...manifests, systems: manifests.systems.filter(({ name }) => names.includes(name)) };
}

/** The entities are all like the last, or nearly all. */
function population(count: number, entity: Spawner): WorldManifest {
  return {
    name: `${count} entities`,
    groups: count === 0 ? [] : [{ components: Object.keys(entity(count - 1, () => 0)), count }],
    file: "bench",
    *entities() {
      const random = createRandom(SEED);
      for (let index = 0; index < count; index++) yield entity(index, random);
    },
  };
}
