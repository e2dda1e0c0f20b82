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
import { type LibraryWorld, measureWorkload } from "./workload.ts";

const ENTITIES_MAX = 10_000;

class BitecsWorld implements LibraryWorld {
  readonly #world = createWorld();
  readonly #components;
  /** By component. */
  readonly #lists;

  constructor(componentCount: number) {
    const numbers = [...Array(componentCount).keys()];
    this.#components = numbers.map(() => ({ value: new Int32Array(ENTITIES_MAX) }));
    this.#lists = numbers.map((number) => this.#listOf(number));
  }

  /** The live list of a query: faster than `query()`, which finds it by a text of its terms. */
  #listOf(...numbers: number[]) {
    const terms = numbers.map((number) => this.#components[number]);
    return registerQuery(this.#world, terms).dense as readonly number[];
  }

  spawn(components: readonly number[]) {
    const entity = addEntity(this.#world);
    for (const number of components) addComponent(this.#world, entity, this.#components[number]);
  }

  doubling(number: number) {
    const [world, entities] = [this.#world, this.#lists[number]];
    const { value } = this.#components[number];
    return () => {
      commitRemovals(world);
      for (let i = 0; i < entities.length; i++) value[entities[i]] *= 2;
    };
  }

  swapping([first, second]: readonly [number, number]) {
    const [world, entities] = [this.#world, this.#listOf(first, second)];
    const [a, b] = [this.#components[first].value, this.#components[second].value];
    return () => {
      commitRemovals(world);
      for (let i = 0; i < entities.length; i++) {
        const entity = entities[i];
        const value = a[entity];
        a[entity] = b[entity];
        b[entity] = value;
      }
    };
  }

  adding() {
    const [world, [, one], [entities]] = [this.#world, this.#components, this.#lists];
    return () => {
      commitRemovals(world);
      for (let i = 0; i < entities.length; i++) {
        const entity = entities[i];
        addComponent(world, entity, one);
        one.value[entity] = 0;
      }
    };
  }

  removing() {
    const [world, [, one], [, entities]] = [this.#world, this.#components, this.#lists];
    return () => {
      commitRemovals(world);
      for (let i = 0; i < entities.length; i++) removeComponent(world, entities[i], one);
    };
  }

  spawning() {
    const [world, [zero, one], [entities]] = [this.#world, this.#components, this.#lists];
    const spawn = (value: number) => {
      const entity = addEntity(world);
      addComponent(world, entity, one);
      one.value[entity] = value;
    };
    return () => {
      commitRemovals(world);
      for (let i = 0; i < entities.length; i++) {
        spawn(zero.value[entities[i]]);
        spawn(zero.value[entities[i]]);
      }
    };
  }

  despawning() {
    const [world, [, entities]] = [this.#world, this.#lists];
    return () => {
      commitRemovals(world);
      for (let i = 0; i < entities.length; i++) removeEntity(world, entities[i]);
    };
  }

  fill(number: number, value: number) {
    commitRemovals(this.#world);
    for (const entity of this.#lists[number]) this.#components[number].value[entity] = value;
  }

  tally(number: number) {
    commitRemovals(this.#world);
    const entities = this.#lists[number];
    const { value } = this.#components[number];
    return { count: entities.length, sum: entities.reduce((sum, each) => sum + value[each], 0) };
  }
}

serveSide(measureWorkload((componentCount) => new BitecsWorld(componentCount)));
