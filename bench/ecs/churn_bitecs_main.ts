/**
 * Spawn churn in bitECS.
 *
 * @module
 */
import { addEntity, commitRemovals, createWorld, registerQuery, removeEntity } from "bitecs";
import { type ChurnWorld, measureChurn, SPAWNS, valuesOf } from "./churn.ts";
import { serveSide } from "./side.ts";

const ENTITIES_MAX = 4 * SPAWNS;

function vectors() {
  const [x, y, z] = [0, 1, 2].map(() => new Float32Array(ENTITIES_MAX));
  return { x, y, z };
}

function open(): ChurnWorld {
  const world = createWorld();
  const position = vectors();
  const velocity = vectors();
  const life = { ticks: new Uint32Array(ENTITIES_MAX) };
  registerQuery(world, [position, velocity]);
  const living = registerQuery(world, [life]).dense;
  const values = Array.from({ length: SPAWNS }, (_, i) => valuesOf(i));
  let entities: number[] = [];

  const spawn = ({ position: p, velocity: v, life: ticks }: typeof values[number]) => {
    const entity = addEntity(world, position, velocity, life);
    position.x[entity] = p[0];
    position.y[entity] = p[1];
    position.z[entity] = p[2];
    velocity.x[entity] = v[0];
    velocity.y[entity] = v[1];
    velocity.z[entity] = v[2];
    life.ticks[entity] = ticks;
    return entity;
  };
  return {
    tick() {
      const startedAt = performance.now();
      for (const entity of entities) removeEntity(world, entity);
      commitRemovals(world);
      entities = values.map(spawn);
      return performance.now() - startedAt;
    },
    tally: () => ({
      count: living.length,
      life: [...living].reduce((sum, entity) => sum + life.ticks[entity], 0),
    }),
  };
}

serveSide(measureChurn(open));
