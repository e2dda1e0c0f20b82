/**
 * koota: values in arrays by entity, entities in a list per query.
 *
 * @module
 */
import { createQuery, createWorld, trait } from "koota";
import { serveSide } from "./side.ts";
import { type LibraryWorld, measureWorkload, type Tally } from "./workload.ts";

function open(componentCount: number): LibraryWorld {
  const world = createWorld();
  const components = Array.from({ length: componentCount }, () => trait({ value: 0 }));
  const one = components[1];
  const queries = components.map((component) => createQuery(component));
  return {
    spawn(kind) {
      world.spawn(...kind.map((component) => components[component]));
    },
    doubling(component) {
      return () => {
        world.query(queries[component]).useStores(([{ value }], entities) => {
          for (let i = 0; i < entities.length; i++) {
            const id = entities[i].id();
            value[id] = value[id] * 2 | 0;
          }
        });
      };
    },
    swapping([first, second]) {
      const both = createQuery(components[first], components[second]);
      return () => {
        world.query(both).useStores(([{ value: a }, { value: b }], entities) => {
          for (let i = 0; i < entities.length; i++) {
            const id = entities[i].id();
            const value = a[id];
            a[id] = b[id];
            b[id] = value;
          }
        });
      };
    },
    adding: () => () => {
      for (const entity of world.query(queries[0])) entity.add(one);
    },
    removing: () => () => {
      for (const entity of world.query(queries[1])) entity.remove(one);
    },
    spawning: () => () => {
      world.query(queries[0]).useStores(([{ value }], entities) => {
        for (let i = 0; i < entities.length; i++) {
          const init = { value: value[entities[i].id()] };
          world.spawn(one(init));
          world.spawn(one(init));
        }
      });
    },
    despawning: () => () => {
      for (const entity of world.query(queries[1])) entity.destroy();
    },
    fill(component, value) {
      for (const entity of world.query(queries[component])) {
        entity.set(components[component], { value });
      }
    },
    tally(component): Tally {
      let [count, sum] = [0, 0];
      for (const entity of world.query(queries[component])) {
        count++;
        sum += entity.get(components[component])?.value ?? NaN;
      }
      return { count, sum };
    },
  };
}

serveSide(measureWorkload(open));
