/**
 * A query selects rows by the components that their archetype has, and says
 * which columns are read and written. Access may be to a whole component or to
 * one field of it; that is what the scheduler's conflicts are computed from.
 *
 * @module
 */
import type { ComponentType, Field } from "./component.ts";

/** Access to some fields of one component, in the order of the layout. */
export interface Access {
  readonly component: ComponentType;
  readonly fields: readonly Field[];
}

export interface Query {
  /** True when the rows' entities are read too (`Entity` in the manifest's `read`). */
  readonly entities: boolean;
  readonly read: readonly Access[];
  readonly write: readonly Access[];
  /** Read where the archetype has it; rows without it match as well. */
  readonly optional: readonly Access[];
  readonly with: readonly ComponentType[];
  readonly without: readonly ComponentType[];
  /** Only rows in which one of these changed since the query last ran. */
  readonly changed: readonly ComponentType[];
}

const EVERYTHING: Query = {
  entities: false,
  read: [],
  write: [],
  optional: [],
  with: [],
  without: [],
  changed: [],
};

/** A query with these clauses; to be kept, since worlds remember what a query matches. */
export function createQuery(clauses: Partial<Query>): Query {
  return { ...EVERYTHING, ...clauses };
}

/** The components that a row must have to match. */
export function requiredComponents(query: Query): ComponentType[] {
  const required = new Set<ComponentType>(query.with);
  for (const access of [...query.read, ...query.write]) required.add(access.component);
  for (const component of query.changed) required.add(component);
  return [...required];
}

/** True when rows with exactly these components match, `changed` aside. */
export function matchesComponents(query: Query, components: ReadonlySet<ComponentType>): boolean {
  return requiredComponents(query).every((component) => components.has(component)) &&
    !query.without.some((component) => components.has(component));
}
