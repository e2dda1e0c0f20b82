/**
 * The archetypes that a world has seen, numbered in the order in which they came
 * up, and the steps between them: which archetype an entity gets to by gaining
 * or losing a component.
 *
 * @module
 */
import { type ComponentColumns, Table } from "./archetype.ts";
import type { ComponentType } from "./component.ts";
import type { Query } from "./query.ts";

/** From one archetype to the one with a component more or less. */
export interface Transition {
  readonly from: Table;
  readonly to: Table;
  /** Number of the archetype that it leads to. */
  readonly number: number;
  /** The columns of the component that it adds, if it adds one. */
  readonly added: ComponentColumns | undefined;
  /** The columns of each component that both have. */
  readonly kept: readonly { readonly from: ComponentColumns; readonly to: ComponentColumns }[];
}

/** An archetype's known transitions. */
interface Transitions {
  readonly adding: Map<ComponentType, Transition>;
  readonly removing: Map<ComponentType, Transition>;
}

export class Archetypes {
  readonly #tables: Table[] = [];
  readonly #byId = new Map<bigint, number>();
  readonly #transitions: Transitions[] = [];
  readonly #matches = new WeakMap<Query, { of: number; tables: readonly Table[] }>();
  #sorted: readonly Table[] = [];

  /** Number 0 is the archetype without components. */
  constructor() {
    this.#add(new Table([]));
  }

  /** Grows only. */
  get count(): number {
    return this.#tables.length;
  }

  table(number: number): Table {
    return this.#tables[number];
  }

  /** The number of the archetype with these components. */
  of(components: Iterable<ComponentType>): number {
    const table = new Table(components);
    return this.#byId.get(table.id) ?? this.#add(table);
  }

  byId(id: bigint): Table | undefined {
    return this.#tables[this.#byId.get(id) ?? -1];
  }

  /** By ascending id. */
  all(): readonly Table[] {
    if (this.#sorted.length !== this.#tables.length) this.#sorted = sortById(this.#tables);
    return this.#sorted;
  }

  /** Those that match, by ascending id. */
  match(query: Query): readonly Table[] {
    const known = this.#matches.get(query);
    if (known?.of === this.#tables.length) return known.tables;
    const tables = sortById(this.#tables.filter((table) => table.matches(query)));
    this.#matches.set(query, { of: this.#tables.length, tables });
    return tables;
  }

  /** The way from archetype `from` to the one that has `component` as well; it may be the same. */
  adding(from: number, component: ComponentType): Transition {
    const { adding } = this.#transitions[from];
    const known = adding.get(component);
    if (known) return known;
    const { components } = this.#tables[from];
    const transition = this.#transition(from, new Set([...components, component]), component);
    adding.set(component, transition);
    return transition;
  }

  /** The way from archetype `from` to the one without `component`. */
  removing(from: number, component: ComponentType): Transition {
    const { removing } = this.#transitions[from];
    const known = removing.get(component);
    if (known) return known;
    const left = this.#tables[from].components.filter((other) => other !== component);
    const transition = this.#transition(from, left);
    removing.set(component, transition);
    return transition;
  }

  #transition(
    from: number,
    components: Iterable<ComponentType>,
    added?: ComponentType,
  ): Transition {
    const number = this.of(components);
    const [source, target] = [this.#tables[from], this.#tables[number]];
    const kept = source.stores.flatMap((store) => {
      const other = target.store(store.component);
      return other ? [{ from: store, to: other }] : [];
    });
    return {
      from: source,
      to: target,
      number,
      kept,
      added: source === target ? undefined : added && target.store(added),
    };
  }

  #add(table: Table): number {
    const number = this.#tables.push(table) - 1;
    this.#byId.set(table.id, number);
    this.#transitions.push({ adding: new Map(), removing: new Map() });
    return number;
  }
}

function sortById(tables: readonly Table[]): Table[] {
  return tables.toSorted((a, b) => a.id < b.id ? -1 : 1);
}
