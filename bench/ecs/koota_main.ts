/**
 * koota: values in arrays by entity, entities in a list per query.
 *
 * @module
 */
import { createQuery, createWorld, trait } from "koota";
import { serveSide } from "./side.ts";
import { type LibraryWorld, measureWorkload } from "./workload.ts";

class KootaWorld implements LibraryWorld {
  readonly #world = createWorld();
  readonly #components;
  readonly #queries;

  constructor(componentCount: number) {
    this.#components = Array.from({ length: componentCount }, () => trait({ value: 0 }));
    this.#queries = this.#components.map((component) => createQuery(component));
  }

  spawn(components: readonly number[]) {
    this.#world.spawn(...components.map((number) => this.#components[number]));
  }

  doubling(number: number) {
    const [world, query] = [this.#world, this.#queries[number]];
    return () => {
      world.query(query).useStores(([{ value }], entities) => {
        for (let i = 0; i < entities.length; i++) {
          const id = entities[i].id();
          // Kept to 32 bits, like the others' numbers.
          value[id] = value[id] * 2 | 0;
        }
      });
    };
  }

  swapping([first, second]: readonly [number, number]) {
    const world = this.#world;
    const query = createQuery(this.#components[first], this.#components[second]);
    return () => {
      world.query(query).useStores(([{ value: a }, { value: b }], entities) => {
        for (let i = 0; i < entities.length; i++) {
          const id = entities[i].id();
          const value = a[id];
          a[id] = b[id];
          b[id] = value;
        }
      });
    };
  }

  adding() {
    const [world, [query], [, one]] = [this.#world, this.#queries, this.#components];
    return () => {
      for (const entity of world.query(query)) entity.add(one);
    };
  }

  removing() {
    const [world, [, query], [, one]] = [this.#world, this.#queries, this.#components];
    return () => {
      for (const entity of world.query(query)) entity.remove(one);
    };
  }

  spawning() {
    const [world, [query], [, one]] = [this.#world, this.#queries, this.#components];
    return () => {
      world.query(query).useStores(([{ value }], entities) => {
        for (let i = 0; i < entities.length; i++) {
          const values = { value: value[entities[i].id()] };
          world.spawn(one(values));
          world.spawn(one(values));
        }
      });
    };
  }

  despawning() {
    const [world, [, query]] = [this.#world, this.#queries];
    return () => {
      for (const entity of world.query(query)) entity.destroy();
    };
  }

  fill(number: number, value: number) {
    for (const entity of this.#world.query(this.#queries[number])) {
      entity.set(this.#components[number], { value });
    }
  }

  tally(number: number) {
    let [count, sum] = [0, 0];
    for (const entity of this.#world.query(this.#queries[number])) {
      count++;
      sum += entity.get(this.#components[number])?.value ?? NaN;
    }
    return { count, sum };
  }
}

serveSide(measureWorkload((componentCount) => new KootaWorld(componentCount)));
