/**
 * Orrery's tables: values in typed arrays by row, one table per archetype.
 *
 * @module
 */
import { componentType, createSchema } from "../../lib/ecs/component.ts";
import { createQuery } from "../../lib/ecs/query.ts";
import { World } from "../../lib/ecs/world.ts";
import { serveSide } from "./side.ts";
import { type LibraryWorld, measureWorkload } from "./workload.ts";

function numberComponent(name: string) {
  return componentType(name, [{ name: "value", type: "i32", default: 0 }]);
}

class OrreryWorld implements LibraryWorld {
  readonly #world: World;
  readonly #components;
  readonly #queries;

  constructor(componentCount: number) {
    const numbers = [...Array(componentCount).keys()];
    this.#components = numbers.map((number) => numberComponent(`${number}`));
    this.#queries = this.#components.map((component) => createQuery({ with: [component] }));
    this.#world = new World(createSchema(this.#components));
  }

  spawn(components: readonly number[]) {
    this.#world.spawn(new Map(components.map((number) => [this.#components[number], {}])));
  }

  doubling(number: number) {
    const [world, component, query] = [
      this.#world,
      this.#components[number],
      this.#queries[number],
    ];
    return () => {
      for (const table of world.match(query)) {
        const { count } = table;
        const { value } = table.columns(component);
        for (let row = 0; row < count; row++) value[row] *= 2;
      }
    };
  }

  swapping([first, second]: readonly [number, number]) {
    const world = this.#world;
    const [a, b] = [this.#components[first], this.#components[second]];
    const query = createQuery({ with: [a, b] });
    return () => {
      for (const table of world.match(query)) {
        const { count } = table;
        const { value: ones } = table.columns(a);
        const { value: others } = table.columns(b);
        for (let row = 0; row < count; row++) {
          const value = ones[row];
          ones[row] = others[row];
          others[row] = value;
        }
      }
    };
  }

  // Backwards, so that the rows to come stay where they are.
  adding() {
    const [world, [zero, one]] = [this.#world, this.#components];
    const query = createQuery({ with: [zero], without: [one] });
    return () => {
      for (const table of world.match(query)) {
        for (let row = table.count - 1; row >= 0; row--) world.add(table.entities[row], one);
      }
    };
  }

  removing() {
    const [world, [, one], [, query]] = [this.#world, this.#components, this.#queries];
    return () => {
      for (const table of world.match(query)) {
        for (let row = table.count - 1; row >= 0; row--) world.remove(table.entities[row], one);
      }
    };
  }

  spawning() {
    const [world, [zero, one], [query]] = [this.#world, this.#components, this.#queries];
    return () => {
      for (const table of world.match(query)) {
        const { value } = table.columns(zero);
        for (let row = 0; row < table.count; row++) {
          world.spawn(new Map([[one, { value: value[row] }]]));
          world.spawn(new Map([[one, { value: value[row] }]]));
        }
      }
    };
  }

  despawning() {
    const [world, [, query]] = [this.#world, this.#queries];
    return () => {
      for (const table of world.match(query)) {
        for (let row = table.count - 1; row >= 0; row--) world.despawn(table.entities[row]);
      }
    };
  }

  fill(number: number, value: number) {
    for (const table of this.#world.match(this.#queries[number])) {
      table.columns(this.#components[number]).value.fill(value, 0, table.count);
    }
  }

  tally(number: number) {
    let [count, sum] = [0, 0];
    for (const table of this.#world.match(this.#queries[number])) {
      const { value } = table.columns(this.#components[number]);
      for (let row = 0; row < table.count; row++) sum += value[row];
      count += table.count;
    }
    return { count, sum };
  }
}

serveSide(measureWorkload((componentCount) => new OrreryWorld(componentCount)));
