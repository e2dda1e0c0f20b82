/**
 * EliCS: values in typed arrays by entity, entities in a set per query.
 *
 * @module
 */
import { createComponent, Types, World } from "elics";
import { serveSide } from "./side.ts";
import { type LibraryWorld, measureWorkload, type Tally } from "./workload.ts";

const ENTITIES_MAX = 10_000;

function open(componentCount: number): LibraryWorld {
  const world = new World({ entityCapacity: ENTITIES_MAX, checksOn: false });
  const components = Array.from(
    { length: componentCount },
    (_, number) => createComponent(`${number}`, { value: { type: Types.Int32, default: 0 } }),
  );
  components.forEach((component) => world.registerComponent(component));
  const query = (...numbers: number[]) =>
    world.queryManager.registerQuery({ required: numbers.map((number) => components[number]) });
  const [zero, one] = components;
  const queries = components.map((_, number) => query(number));
  const valuesOf = (component: number) => components[component].data.value;
  return {
    spawn(kind) {
      const entity = world.createEntity();
      for (const component of kind) entity.addComponent(components[component]);
    },
    doubling(component) {
      const { entities } = queries[component];
      const values = valuesOf(component);
      return () => {
        for (const { index } of entities) values[index] *= 2;
      };
    },
    swapping([first, second]) {
      const { entities } = query(first, second);
      const [a, b] = [valuesOf(first), valuesOf(second)];
      return () => {
        for (const { index } of entities) {
          const value = a[index];
          a[index] = b[index];
          b[index] = value;
        }
      };
    },
    adding: () => () => {
      for (const entity of queries[0].entities) entity.addComponent(one);
    },
    removing: () => () => {
      for (const entity of queries[1].entities) entity.removeComponent(one);
    },
    spawning: () => () => {
      const values = zero.data.value;
      for (const { index } of queries[0].entities) {
        world.createEntity().addComponent(one, { value: values[index] });
        world.createEntity().addComponent(one, { value: values[index] });
      }
    },
    despawning: () => () => {
      for (const entity of queries[1].entities) entity.destroy();
    },
    fill(component, value) {
      for (const { index } of queries[component].entities) valuesOf(component)[index] = value;
    },
    tally(component): Tally {
      const values = valuesOf(component);
      let sum = 0;
      for (const { index } of queries[component].entities) sum += values[index];
      return { count: queries[component].entities.size, sum };
    },
  };
}

serveSide(measureWorkload(open));
