/**
 * EliCS: values in typed arrays by entity, entities in a set per query.
 *
 * @module
 */
import { createComponent, Types, World } from "elics";
import { serveSide } from "./side.ts";
import { type LibraryWorld, measureWorkload } from "./workload.ts";

const ENTITIES_MAX = 10_000;

function numberComponent(name: string) {
  return createComponent(name, { value: { type: Types.Int32, default: 0 } });
}

class ElicsWorld implements LibraryWorld {
  readonly #world = new World({ entityCapacity: ENTITIES_MAX, checksOn: false });
  readonly #components;
  readonly #queries;

  constructor(componentCount: number) {
    const numbers = [...Array(componentCount).keys()];
    this.#components = numbers.map((number) => numberComponent(`${number}`));
    for (const component of this.#components) this.#world.registerComponent(component);
    this.#queries = numbers.map((number) => this.#query(number));
  }

  #query(...numbers: number[]) {
    const required = numbers.map((number) => this.#components[number]);
    return this.#world.queryManager.registerQuery({ required });
  }

  spawn(components: readonly number[]) {
    const entity = this.#world.createEntity();
    for (const number of components) entity.addComponent(this.#components[number]);
  }

  doubling(number: number) {
    const { entities } = this.#queries[number];
    const { value } = this.#components[number].data;
    return () => {
      for (const { index } of entities) value[index] *= 2;
    };
  }

  swapping([first, second]: readonly [number, number]) {
    const { entities } = this.#query(first, second);
    const [a, b] = [this.#components[first].data.value, this.#components[second].data.value];
    return () => {
      for (const { index } of entities) {
        const value = a[index];
        a[index] = b[index];
        b[index] = value;
      }
    };
  }

  adding() {
    const [[{ entities }], [, one]] = [this.#queries, this.#components];
    return () => {
      for (const entity of entities) entity.addComponent(one);
    };
  }

  removing() {
    const [[, { entities }], [, one]] = [this.#queries, this.#components];
    return () => {
      for (const entity of entities) entity.removeComponent(one);
    };
  }

  spawning() {
    const [world, [{ entities }], [zero, one]] = [this.#world, this.#queries, this.#components];
    const { value } = zero.data;
    return () => {
      for (const { index } of entities) {
        world.createEntity().addComponent(one, { value: value[index] });
        world.createEntity().addComponent(one, { value: value[index] });
      }
    };
  }

  despawning() {
    const [, { entities }] = this.#queries;
    return () => {
      for (const entity of entities) entity.destroy();
    };
  }

  fill(number: number, value: number) {
    const { data } = this.#components[number];
    for (const { index } of this.#queries[number].entities) data.value[index] = value;
  }

  tally(number: number) {
    const { entities } = this.#queries[number];
    const { value } = this.#components[number].data;
    let sum = 0;
    for (const { index } of entities) sum += value[index];
    return { count: entities.size, sum };
  }
}

serveSide(measureWorkload((componentCount) => new ElicsWorld(componentCount)));
