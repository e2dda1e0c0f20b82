/**
 * Dataflow: a system treats each row by itself, so where two systems conflict
 * the later one need not wait for all of the earlier one, only for the shards
 * that hold the same rows.
 *
 * @module
 */
import type { Table } from "../lib/ecs/archetype.ts";
import { isFixed } from "../lib/ecs/field_type.ts";
import type { Access, Query } from "../lib/ecs/query.ts";
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import type { Shard } from "./shards.ts";

/** What of an earlier system a later one waits for: the same `rows`, or the `whole`. */
export type Flow = "rows" | "whole";

/**
 * A later system waits for the whole of an earlier one where it needs its writes
 * before it can be cut into shards: for a broadcast set, to find what changed, or
 * to measure values of no fixed size.
 */
export function flowBetween(earlier: SystemManifest, later: SystemManifest): Flow {
  const written = new Set(fieldsOf(earlier.query.write));
  const broadcast = [...later.broadcast.values()].flatMap(readsOf);
  const hasChanged = [later.query, ...later.broadcast.values()].some(({ changed }) =>
    changed.length > 0
  );
  const lists = [...readsOf(later.query), ...fieldsOf(later.query.write)]
    .filter(({ type }) => !isFixed(type));
  return hasChanged || [...broadcast, ...lists].some((field) => written.has(field))
    ? "whole"
    : "rows";
}

/**
 * For each system, how many are in the longest chain through it in which each
 * follows the one before row by row.
 * @param order the systems' names, earlier ones first
 */
export function chainLengths(
  order: readonly string[],
  edges: readonly { readonly from: string; readonly to: string; readonly flow: Flow }[],
): Map<string, number> {
  const rowwise = edges.filter(({ flow }) => flow === "rows");
  const before = longestWays(
    order,
    (name) => rowwise.filter(({ to }) => to === name).map(({ from }) => from),
  );
  const after = longestWays(
    order.toReversed(),
    (name) => rowwise.filter(({ from }) => from === name).map(({ to }) => to),
  );
  return new Map(order.map((name) => [name, 1 + (before.get(name) ?? 0) + (after.get(name) ?? 0)]));
}

/** For each name, the most steps that lead to it; those that a step leads from come earlier. */
function longestWays(
  order: readonly string[],
  stepsTo: (name: string) => readonly string[],
): Map<string, number> {
  const ways = new Map<string, number>();
  for (const name of order) {
    ways.set(name, Math.max(0, ...stepsTo(name).map((from) => 1 + (ways.get(from) ?? 0))));
  }
  return ways;
}

function readsOf(query: Query) {
  return fieldsOf([...query.read, ...query.optional]);
}

function fieldsOf(accesses: readonly Access[]) {
  return accesses.flatMap(({ fields }) => fields);
}

/** A run of rows, from `first` to before `end`, and the shard that holds it. */
interface Span {
  readonly first: number;
  readonly end: number;
  readonly shard: number;
}

/** For each of the later shards, the earlier ones that hold some of its rows, each once. */
export function overlappingShards(
  earlier: readonly Shard[],
  later: readonly Shard[],
): Iterable<number>[] {
  const spans = spansByTable(earlier);
  return later.map((shard) => {
    const found = new Set<number>();
    for (const chunk of shard) {
      const { first, end } = spanOf(chunk);
      for (const span of spans.get(chunk.table) ?? []) {
        if (span.first < end && first < span.end) found.add(span.shard);
      }
    }
    return found;
  });
}

function spansByTable(shards: readonly Shard[]): Map<Table, Span[]> {
  const spans = new Map<Table, Span[]>();
  for (const [shard, chunks] of shards.entries()) {
    for (const chunk of chunks) {
      const list = spans.get(chunk.table) ?? [];
      list.push({ ...spanOf(chunk), shard });
      spans.set(chunk.table, list);
    }
  }
  return spans;
}

/** Rows that are picked one by one count as all those from the first to the last. */
function spanOf({ first, count, rows }: Shard[number]): { first: number; end: number } {
  return rows ? { first: rows[0], end: rows[count - 1] + 1 } : { first, end: first + count };
}
