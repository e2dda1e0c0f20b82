/**
 * An image is a world at one moment, apart from the world that ticks on: copies
 * of its tables with all rows and change marks, and its counters. Taking one is
 * all that a tick ever waits for when a snapshot is made; what is slow (encoding,
 * storing) works on the image.
 *
 * @module
 */
import { Table } from "../ecs/archetype.ts";
import type { Schema } from "../ecs/component.ts";
import type { Entity } from "../ecs/entity.ts";
import { World } from "../ecs/world.ts";

export interface WorldImage {
  readonly schema: Schema;
  /** Every archetype that the world has seen, by ascending id; empty ones, too. */
  readonly tables: readonly Table[];
  readonly nextEntity: Entity;
  readonly changeTick: number;
}

/**
 * Copies the world; call it between ticks only.
 * @param spare an earlier copy of this world that nobody needs any more. Its arrays
 * become the new one's, and only what has changed since is copied.
 */
export function captureWorld(world: World, spare?: WorldImage): WorldImage {
  const copies = new Map(spare?.tables.map((table) => [table.id, table]));
  const image = viewWorld(world);
  const tables = image.tables.map((table) => {
    const earlier = copies.get(table.id);
    const copy = earlier ?? new Table(table.components);
    copy.copyFrom(table, earlier && spare?.changeTick);
    return copy;
  });
  return { ...image, tables };
}

/** The world itself as an image, which is good as long as the world does not change. */
export function viewWorld(world: World): WorldImage {
  const { schema, nextEntity, changeTick } = world;
  return { schema, tables: world.tables(), nextEntity, changeTick };
}

/**
 * A world as the image has it, to the order of the rows. The two share their
 * arrays, so as soon as the world ticks, the image is of no use any more.
 * @param schema has the image's components, with the same fields
 * @throws {RangeError} when it has not, or the image's entities are not those of a world.
 */
export function restoreWorld(schema: Schema, image: WorldImage): World {
  const world = new World(schema);
  world.load(image);
  return world;
}

/**
 * Makes an image into one that a running world can become: every row in it counts
 * as changed in `changeTick`, and entities go on from `nextEntity` where that is
 * further. Takes the image, whose marks are changed in place.
 */
export function renewImage(
  { schema, tables, nextEntity }: WorldImage,
  running: { changeTick: number; nextEntity: Entity },
): WorldImage {
  const { changeTick } = running;
  for (const table of tables) {
    table.structureChangedLast = changeTick;
    for (const store of table.stores) {
      store.changed.fill(changeTick);
      store.changedLast = changeTick;
      for (const column of store.columns) column.changedLast = changeTick;
    }
  }
  return { schema, tables, changeTick, nextEntity: Math.max(nextEntity, running.nextEntity) };
}

/** Living entities of an image. */
export function entityCount({ tables }: WorldImage): number {
  return tables.reduce((sum, { count }) => sum + count, 0);
}
