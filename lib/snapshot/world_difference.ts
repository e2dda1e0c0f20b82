/**
 * In what two worlds differ: entities that came and went, and per component
 * whose values are others. Rows' order, tables and change marks do not count.
 *
 * @module
 */
import { encode, type ValueType } from "@std/msgpack";
import type { ComponentColumns, Table } from "../ecs/archetype.ts";
import { type AnyColumn, FixedColumn } from "../ecs/column.ts";
import type { Entity } from "../ecs/entity.ts";
import type { FieldValue } from "../ecs/field_type.ts";
import type { World } from "../ecs/world.ts";

/** Entities and values that are named one by one; the others are counted. */
const EXAMPLES_MAX = 5;

export interface EntitySample {
  readonly count: number;
  /** The first of them, ascending. */
  readonly first: readonly Entity[];
}

export interface ValueDifference {
  readonly entity: Entity;
  readonly field: string;
  readonly before: FieldValue;
  readonly after: FieldValue;
}

export interface ComponentDifference {
  readonly name: string;
  /** Entities in both worlds that got it, that lost it, and that have other values in it. */
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  readonly examples: readonly ValueDifference[];
}

export interface WorldDifference {
  readonly created: EntitySample;
  readonly destroyed: EntitySample;
  /** By name; only those that differ. */
  readonly components: readonly ComponentDifference[];
}

/** What became of `before` in `after`. Components and fields are compared by name. */
export function compareWorlds(before: World, after: World): WorldDifference {
  const counts = new Map<string, Count>();
  for (const table of after.tables()) {
    const pairs = new Map<Table, readonly StorePair[]>();
    for (let row = 0; row < table.count; row++) {
      const entity = table.entities[row];
      if (!before.isAlive(entity)) continue;
      const old = before.locate(entity);
      const known = pairs.get(old.table) ?? pairStores(old.table, table);
      pairs.set(old.table, known);
      for (const pair of known) {
        compareRow(pair, { entity, from: old.row, to: row, count: countOf(counts, pair.name) });
      }
    }
  }
  return {
    created: sample(after, (entity) => !before.isAlive(entity)),
    destroyed: sample(before, (entity) => !after.isAlive(entity)),
    components: [...counts].filter(([, count]) => count.added + count.removed + count.changed > 0)
      .sort(([a], [b]) => a < b ? -1 : 1)
      .map(([name, count]) => ({ name, ...count })),
  };
}

interface Count {
  added: number;
  removed: number;
  changed: number;
  readonly examples: ValueDifference[];
}

/** A component in the tables before and after; undefined: it is in only one of them. */
interface StorePair {
  readonly name: string;
  readonly kind: "added" | "removed" | "both";
  readonly columns: readonly (readonly [AnyColumn, AnyColumn])[];
}

function pairStores(before: Table, after: Table): StorePair[] {
  const names = new Set([...before.components, ...after.components].map(({ name }) => name));
  const named = (table: Table, name: string) =>
    table.stores.find(({ component }) => component.name === name);
  return [...names].map((name) => {
    const from = named(before, name);
    const to = named(after, name);
    if (!from) return { name, kind: "added", columns: [] };
    if (!to) return { name, kind: "removed", columns: [] };
    return { name, kind: "both", columns: pairColumns(from, to) };
  });
}

function pairColumns(from: ComponentColumns, to: ComponentColumns) {
  return to.columns.flatMap((column) => {
    const other = from.columns.find(({ field }) => field.name === column.field.name);
    return other ? [[other, column] as const] : [];
  });
}

interface RowPair {
  readonly entity: Entity;
  readonly from: number;
  readonly to: number;
  readonly count: Count;
}

function compareRow({ kind, columns }: StorePair, { entity, from, to, count }: RowPair): void {
  if (kind !== "both") {
    count[kind]++;
    return;
  }
  let isChanged = false;
  for (const [before, after] of columns) {
    if (isSameValue(before, after, { from, to })) continue;
    isChanged = true;
    if (count.examples.length >= EXAMPLES_MAX) break;
    const { name: field } = after.field;
    count.examples.push({ entity, field, before: before.get(from), after: after.get(to) });
  }
  if (isChanged) count.changed++;
}

/** Numbers by value, NaN like NaN; anything else by its MessagePack. */
function isSameValue(
  before: AnyColumn,
  after: AnyColumn,
  { from, to }: { from: number; to: number },
): boolean {
  if (before instanceof FixedColumn && after instanceof FixedColumn) {
    if (before.stride !== after.stride) return false;
    const { stride } = after;
    for (let k = 0; k < stride; k++) {
      const a = before.data[from * stride + k];
      const b = after.data[to * stride + k];
      if (a !== b && !(Number.isNaN(a) && Number.isNaN(b))) return false;
    }
    return true;
  }
  const a = before.get(from);
  const b = after.get(to);
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object") return false;
  const bytes = encode(b as ValueType);
  const other = encode(a as ValueType);
  return bytes.length === other.length && bytes.every((byte, i) => byte === other[i]);
}

function countOf(counts: Map<string, Count>, name: string): Count {
  const known = counts.get(name);
  if (known) return known;
  const count: Count = { added: 0, removed: 0, changed: 0, examples: [] };
  counts.set(name, count);
  return count;
}

function sample(world: World, isMeant: (entity: Entity) => boolean): EntitySample {
  const first: Entity[] = [];
  let count = 0;
  for (const entity of world.entities()) {
    if (!isMeant(entity)) continue;
    count++;
    if (first.length < EXAMPLES_MAX) first.push(entity);
  }
  return { count, first };
}
