/**
 * wolf-ecs: values in typed arrays by entity, entities in a list per archetype.
 *
 * @module
 */
import { all, ECS, types } from "wolf-ecs";
import { serveSide } from "./side.ts";
import { type LibraryWorld, measureWorkload } from "./workload.ts";

const ENTITIES_MAX = 10_000;

/** Its loops go over the archetypes' lists, and backwards, as this library's manual has it. */
class WolfWorld implements LibraryWorld {
  readonly #ecs = new ECS(ENTITIES_MAX);
  readonly #components;

  constructor(componentCount: number) {
    const numbers = [...Array(componentCount).keys()];
    this.#components = numbers.map(() => this.#ecs.defineComponent(types.i32));
  }

  #query(...numbers: number[]) {
    return this.#ecs.createQuery(all(...numbers.map((number) => this.#components[number])));
  }

  spawn(components: readonly number[]) {
    const entity = this.#ecs.createEntity();
    for (const number of components) this.#ecs.addComponent(entity, this.#components[number]);
  }

  doubling(number: number) {
    const values = this.#components[number];
    const { a: archetypes } = this.#query(number);
    return () => {
      for (let i = 0; i < archetypes.length; i++) {
        const entities = archetypes[i].e;
        for (let j = entities.length - 1; j >= 0; j--) values[entities[j]] *= 2;
      }
    };
  }

  swapping([first, second]: readonly [number, number]) {
    const [a, b] = [this.#components[first], this.#components[second]];
    const { a: archetypes } = this.#query(first, second);
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
  }

  adding() {
    const [ecs, [, one], { a: archetypes }] = [this.#ecs, this.#components, this.#query(0)];
    return () => {
      for (let i = 0; i < archetypes.length; i++) {
        const entities = archetypes[i].e;
        for (let j = entities.length - 1; j >= 0; j--) {
          const entity = entities[j];
          ecs.addComponent(entity, one);
          one[entity] = 0;
        }
      }
    };
  }

  removing() {
    const [ecs, [, one], { a: archetypes }] = [this.#ecs, this.#components, this.#query(1)];
    return () => {
      for (let i = 0; i < archetypes.length; i++) {
        const entities = archetypes[i].e;
        for (let j = entities.length - 1; j >= 0; j--) ecs.removeComponent(entities[j], one);
      }
    };
  }

  spawning() {
    const [ecs, [zero, one], { a: archetypes }] = [this.#ecs, this.#components, this.#query(0)];
    const spawn = (value: number) => {
      const entity = ecs.createEntity();
      ecs.addComponent(entity, one);
      one[entity] = value;
    };
    return () => {
      for (let i = 0; i < archetypes.length; i++) {
        const entities = archetypes[i].e;
        for (let j = entities.length - 1; j >= 0; j--) {
          spawn(zero[entities[j]]);
          spawn(zero[entities[j]]);
        }
      }
    };
  }

  despawning() {
    const [ecs, { a: archetypes }] = [this.#ecs, this.#query(1)];
    return () => {
      for (let i = 0; i < archetypes.length; i++) {
        const entities = archetypes[i].e;
        for (let j = entities.length - 1; j >= 0; j--) ecs.destroyEntity(entities[j]);
      }
    };
  }

  fill(number: number, value: number) {
    this.#query(number).forEach((entity) => {
      this.#components[number][entity] = value;
    });
  }

  tally(number: number) {
    let [count, sum] = [0, 0];
    this.#query(number).forEach((entity) => {
      count++;
      sum += this.#components[number][entity];
    });
    return { count, sum };
  }
}

serveSide(measureWorkload((componentCount) => new WolfWorld(componentCount)));
