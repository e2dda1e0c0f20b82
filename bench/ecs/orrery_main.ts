/**
 * Orrery's tables, in process.
 *
 * @module
 */
import { componentType, createSchema } from "../../lib/ecs/component.ts";
import { createQuery } from "../../lib/ecs/query.ts";
import { World } from "../../lib/ecs/world.ts";
import { serveSide } from "./side.ts";
import { type LibraryWorld, measureWorkload, type Tally } from "./workload.ts";

function open(componentCount: number): LibraryWorld {
  const components = Array.from(
    { length: componentCount },
    (_, number) => componentType(`${number}`, [{ name: "value", type: "i32", default: 0 }]),
  );
  const world = new World(createSchema(components));
  const [zero, one] = components;
  const queries = components.map((component) => createQuery({ with: [component] }));
  return {
    spawn(kind) {
      world.spawn(new Map(kind.map((component) => [components[component], {}])));
    },
    doubling(component) {
      return () => {
        for (const table of world.match(queries[component])) {
          const { value } = table.columns(components[component]);
          for (let row = 0; row < table.count; row++) value[row] *= 2;
        }
      };
    },
    swapping([first, second]) {
      const both = createQuery({ with: [components[first], components[second]] });
      return () => {
        for (const table of world.match(both)) {
          const a = table.columns(components[first]).value;
          const b = table.columns(components[second]).value;
          for (let row = 0; row < table.count; row++) {
            const value = a[row];
            a[row] = b[row];
            b[row] = value;
          }
        }
      };
    },
    adding: () => {
      const withoutOne = createQuery({ with: [zero], without: [one] });
      return () => {
        for (const table of world.match(withoutOne)) {
          for (let row = table.count - 1; row >= 0; row--) world.add(table.entities[row], one);
        }
      };
    },
    removing: () => () => {
      for (const table of world.match(queries[1])) {
        for (let row = table.count - 1; row >= 0; row--) world.remove(table.entities[row], one);
      }
    },
    spawning: () => () => {
      for (const table of world.match(queries[0])) {
        const { value } = table.columns(zero);
        for (let row = 0; row < table.count; row++) {
          world.spawn(new Map([[one, { value: value[row] }]]));
          world.spawn(new Map([[one, { value: value[row] }]]));
        }
      }
    },
    despawning: () => () => {
      for (const table of world.match(queries[1])) {
        for (let row = table.count - 1; row >= 0; row--) world.despawn(table.entities[row]);
      }
    },
    fill(component, value) {
      for (const table of world.match(queries[component])) {
        table.columns(components[component]).value.fill(value, 0, table.count);
      }
    },
    tally(component): Tally {
      let [count, sum] = [0, 0];
      for (const table of world.match(queries[component])) {
        count += table.count;
        const { value } = table.columns(components[component]);
        for (let row = 0; row < table.count; row++) sum += value[row];
      }
      return { count, sum };
    },
  };
}

serveSide(measureWorkload(open));
