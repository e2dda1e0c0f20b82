/**
 * wolf-ecs: values in typed arrays by entity, entities in a list per archetype.
 *
 * @module
 */
import { all, ECS, types } from "wolf-ecs";
import { serveSide } from "./side.ts";
import { type LibraryWorld, measureWorkload, type Tally } from "./workload.ts";

const ENTITIES_MAX = 10_000;

function open(componentCount: number): LibraryWorld {
  const ecs = new ECS(ENTITIES_MAX);
  const components = Array.from({ length: componentCount }, () => ecs.defineComponent(types.i32));
  const [zero, one] = components;
  const withZero = ecs.createQuery(all(zero));
  const withOne = ecs.createQuery(all(one));
  const spawnOne = (value: number) => {
    const entity = ecs.createEntity();
    ecs.addComponent(entity, one);
    one[entity] = value;
  };
  // Backwards, so that entities may leave the list; as this library's manual has it.
  return {
    spawn(kind) {
      const entity = ecs.createEntity();
      for (const component of kind) ecs.addComponent(entity, components[component]);
    },
    doubling(component) {
      const values = components[component];
      const { a: archetypes } = ecs.createQuery(all(values));
      return () => {
        for (let i = 0; i < archetypes.length; i++) {
          const entities = archetypes[i].e;
          for (let j = entities.length - 1; j >= 0; j--) values[entities[j]] *= 2;
        }
      };
    },
    swapping([first, second]) {
      const [a, b] = [components[first], components[second]];
      const { a: archetypes } = ecs.createQuery(all(a, b));
      return () => {
        for (let i = 0; i < archetypes.length; i++) {
          const entities = archetypes[i].e;
          for (let j = entities.length - 1; j >= 0; j--) {
            const entity = entities[j];
            const value = a[entity];
            a[entity] = b[entity];
            b[entity] = value;
          }
        }
      };
    },
    adding: () => () => {
      for (let i = 0; i < withZero.a.length; i++) {
        const entities = withZero.a[i].e;
        for (let j = entities.length - 1; j >= 0; j--) {
          const entity = entities[j];
          ecs.addComponent(entity, one);
          one[entity] = 0;
        }
      }
    },
    removing: () => () => {
      for (let i = 0; i < withOne.a.length; i++) {
        const entities = withOne.a[i].e;
        for (let j = entities.length - 1; j >= 0; j--) ecs.removeComponent(entities[j], one);
      }
    },
    spawning: () => () => {
      for (let i = 0; i < withZero.a.length; i++) {
        const entities = withZero.a[i].e;
        for (let j = entities.length - 1; j >= 0; j--) {
          spawnOne(zero[entities[j]]);
          spawnOne(zero[entities[j]]);
        }
      }
    },
    despawning: () => () => {
      for (let i = 0; i < withOne.a.length; i++) {
        const entities = withOne.a[i].e;
        for (let j = entities.length - 1; j >= 0; j--) ecs.destroyEntity(entities[j]);
      }
    },
    fill(component, value) {
      ecs.createQuery(all(components[component])).forEach((entity) => {
        components[component][entity] = value;
      });
    },
    tally(component): Tally {
      let [count, sum] = [0, 0];
      ecs.createQuery(all(components[component])).forEach((entity) => {
        count++;
        sum += components[component][entity];
      });
      return { count, sum };
    },
  };
}

serveSide(measureWorkload(open));
