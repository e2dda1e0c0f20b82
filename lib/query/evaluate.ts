/**
 * What a query selects from rows at hand, row by row: for few rows, and as the
 * measure of whoever does it faster.
 *
 * @module
 */
import { ENTITY_NAME } from "../manifest/names.ts";
import type { Condition } from "../wire/condition.ts";
import { compareSortValues, holds, operandOf, sortValue } from "./compare.ts";
import { type Components, resolvePath, type ValuePath } from "./path.ts";
import { EVERYTHING, type QuerySpec, type SortKey } from "./spec.ts";

/** An entity with all of its components: field values by component. */
export interface EntityRow {
  readonly entity: number;
  readonly components: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

/**
 * The rows that the query selects, in its order; where it has none, as they came.
 * @throws {UserError} where a condition or an order names what is not there.
 */
export function evaluateQuery<R extends EntityRow>(
  rows: readonly R[],
  { query, where, sort, limit }: QuerySpec,
  components: Components,
): R[] {
  const holdsFor = where === undefined ? () => true : conditionOf(components, where);
  const found = rows.filter((row) => matches(row, query) && holdsFor(row));
  const sorted = sort === undefined ? found : found.sort(orderOf(components, sort));
  return sorted.slice(0, limit);
}

/** Whether the row has the components that it must have, and none that it must not. */
function matches({ components }: EntityRow, query: QuerySpec["query"]): boolean {
  const required = [...query.read ?? [], ...query.with ?? []]
    .filter((term) => term !== ENTITY_NAME && term !== EVERYTHING)
    .map((term) => term.split(".")[0]);
  return required.every((name) => components.has(name)) &&
    !query.without?.some((name) => components.has(name));
}

/**
 * Tells whether a condition holds for a row.
 * @throws {UserError} when it names what is not there, or compares what does not.
 */
export function conditionOf(
  components: Components,
  condition: Condition,
): (row: EntityRow) => boolean {
  if (!("of" in condition)) {
    const path = resolvePath(components, condition.path);
    const operand = operandOf(path.kind, condition);
    return (row) => {
      const value = valueAt(row, path);
      return value !== undefined && holds(condition.op, value, operand);
    };
  }
  const of = condition.of.map((inner) => conditionOf(components, inner));
  if (condition.op === "and") return (row) => of.every((inner) => inner(row));
  if (condition.op === "or") return (row) => of.some((inner) => inner(row));
  return (row) => !of[0](row);
}

/**
 * Compares two rows as `sort` says, and then by their entities.
 * @throws {UserError} when it names what is not there.
 */
export function orderOf(
  components: Components,
  sort: readonly SortKey[],
): (a: EntityRow, b: EntityRow) => number {
  const keys = sort.map(({ by, descending = false }) => ({
    path: resolvePath(components, by),
    descending,
  }));
  return (a, b) => {
    for (const { path, descending } of keys) {
      const [left, right] = [sortValue(valueAt(a, path)), sortValue(valueAt(b, path))];
      const order = compareSortValues(left, right, descending);
      if (order !== 0) return order;
    }
    return a.entity - b.entity;
  };
}

/** Undefined where the row lacks the component. */
function valueAt(
  { entity, components }: EntityRow,
  { component, field, lane, kind }: ValuePath,
): unknown {
  if (component === undefined) return entity;
  const value = components.get(component)?.[field];
  const isVector = kind === "f32" && typeof value === "object" && value !== null;
  return isVector ? (value as ArrayLike<number>)[lane] : value;
}
