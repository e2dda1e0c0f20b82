/**
 * The world that a manifest describes, before its first tick.
 *
 * @module
 */
import { World } from "../lib/ecs/world.ts";
import type { Manifests, WorldManifest } from "../lib/manifest/manifest.ts";

/** An empty world without a manifest. */
export function spawnWorld(
  { schema }: Pick<Manifests, "schema">,
  manifest: WorldManifest | undefined,
): World {
  const world = new World(schema);
  // Behind tick 0, in which nothing has changed: to whoever has seen nothing yet, all of it is new.
  world.changeTick = 1;
  for (const components of manifest?.entities() ?? []) {
    const values = Object.entries(components).flatMap(([name, value]) => {
      const component = schema.get(name);
      return component ? [[component, value] as const] : [];
    });
    world.spawn(new Map(values));
  }
  return world;
}
