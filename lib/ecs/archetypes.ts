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
  readonly component: ComponentType;
  readonly from: Table;
  readonly to: Table;
  /** Number of the archetype that it leads to. */
  readonly number: number;
  /** The columns of the component that it adds, if it adds one. */
  readonly added: ComponentColumns | undefined;
  /** The columns of each component that both have. */
  readonly kept: readonly { readonly from: ComponentColumns; readonly to: ComponentColumns }[];
}

export class Archetypes {
  readonly #tables: Table[] = [];
  readonly #byId = new Map<bigint, number>();
  readonly #adding = new Transitions();
  readonly #removing = new Transitions();
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
    return this.#adding.get(from, component) ?? this.#addAdding(from, component);
  }

  /** The way from archetype `from` to the one without `component`; it may be the same. */
  removing(from: number, component: ComponentType): Transition {
    return this.#removing.get(from, component) ?? this.#addRemoving(from, component);
  }

  #addAdding(from: number, component: ComponentType): Transition {
    const others = this.#others(from, component);
    return this.#adding.add(from, this.#transition(from, component, [...others, component]));
  }

  #addRemoving(from: number, component: ComponentType): Transition {
    const others = this.#others(from, component);
    return this.#removing.add(from, this.#transition(from, component, others));
  }

  #others(from: number, component: ComponentType): ComponentType[] {
    return this.#tables[from].components.filter((other) => other !== component);
  }

  #transition(
    from: number,
    component: ComponentType,
    components: readonly ComponentType[],
  ): Transition {
    const number = this.of(components);
    const [source, target] = [this.#tables[from], this.#tables[number]];
    const kept = source.stores.flatMap((store) => {
      const other = target.store(store.component);
      return other ? [{ from: store, to: other }] : [];
    });
    const added = source.has(component) ? undefined : target.store(component);
    return { component, from: source, to: target, number, kept, added };
  }

  #add(table: Table): number {
    const number = this.#tables.push(table) - 1;
    this.#byId.set(table.id, number);
    return number;
  }
}

/** Transitions by the archetype that they lead from and the component. */
class Transitions {
  readonly #known: Map<ComponentType, Transition>[] = [];
  /** By archetype, the one found last, since the same one is asked for many times in a row. */
  readonly #last: (Transition | undefined)[] = [];

  get(from: number, component: ComponentType): Transition | undefined {
    const last = this.#last[from];
    return last?.component === component ? last : this.#find(from, component);
  }

  add(from: number, transition: Transition): Transition {
    const known = this.#known[from] ??= new Map();
    known.set(transition.component, transition);
    return this.#last[from] = transition;
  }

  #find(from: number, component: ComponentType): Transition | undefined {
    const found = this.#known[from]?.get(component);
    if (found) this.#last[from] = found;
    return found;
  }
}

function sortById(tables: readonly Table[]): Table[] {
  return tables.toSorted((a, b) => a.id < b.id ? -1 : 1);
}
