/**
 * bitECS: values in arrays by entity, entities in a list per query.
 *
 * @module
 */
import {
  addComponent,
  addEntity,
  commitRemovals,
  createWorld,
  registerQuery,
  removeComponent,
  removeEntity,
} from "bitecs";
import { serveSide } from "./side.ts";
import { type LibraryWorld, measureWorkload, type Tally } from "./workload.ts";

const ENTITIES_MAX = 10_000;

function open(componentCount: number): LibraryWorld {
  const world = createWorld();
  const components = Array.from({ length: componentCount }, () => ({
    value: new Int32Array(ENTITIES_MAX),
  }));
  const [zero, one] = components;
  // Faster than `query()`, which looks the list up by a text made of the components.
  const listOf = (...numbers: number[]) =>
    registerQuery(world, numbers.map((number) => components[number])).dense as readonly number[];
  const lists = components.map((_, number) => listOf(number));
  const spawnOne = (value: number) => {
    const entity = addEntity(world);
    addComponent(world, entity, one);
    one.value[entity] = value;
  };
  return {
    spawn(kind) {
      const entity = addEntity(world);
      for (const component of kind) addComponent(world, entity, components[component]);
    },
    doubling(component) {
      const { value } = components[component];
      const entities = lists[component];
      return () => {
        commitRemovals(world);
        for (let i = 0; i < entities.length; i++) value[entities[i]] *= 2;
      };
    },
    swapping([first, second]) {
      const [a, b] = [components[first].value, components[second].value];
      const entities = listOf(first, second);
      return () => {
        commitRemovals(world);
        for (let i = 0; i < entities.length; i++) {
          const entity = entities[i];
          const value = a[entity];
          a[entity] = b[entity];
          b[entity] = value;
        }
      };
    },
    adding: () => {
      const entities = lists[0];
      return () => {
        commitRemovals(world);
        for (let i = 0; i < entities.length; i++) {
          const entity = entities[i];
          addComponent(world, entity, one);
          one.value[entity] = 0;
        }
      };
    },
    removing: () => {
      const entities = lists[1];
      return () => {
        commitRemovals(world);
        for (let i = 0; i < entities.length; i++) removeComponent(world, entities[i], one);
      };
    },
    spawning: () => {
      const entities = lists[0];
      return () => {
        commitRemovals(world);
        for (let i = 0; i < entities.length; i++) {
          spawnOne(zero.value[entities[i]]);
          spawnOne(zero.value[entities[i]]);
        }
      };
    },
    despawning: () => {
      const entities = lists[1];
      return () => {
        commitRemovals(world);
        for (let i = 0; i < entities.length; i++) removeEntity(world, entities[i]);
      };
    },
    fill(component, value) {
      commitRemovals(world);
      for (const entity of lists[component]) {
        components[component].value[entity] = value;
      }
    },
    tally(component): Tally {
      commitRemovals(world);
      const entities = lists[component];
      const { value } = components[component];
      return {
        count: entities.length,
        sum: entities.reduce((sum, entity) => sum + value[entity], 0),
      };
    },
  };
}

serveSide(measureWorkload(open));
