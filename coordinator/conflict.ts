/**
 * Two systems *conflict* where one writes a field that the other reads or
 * writes, on an archetype that the queries of both match. What a system only
 * filters by (`with`, `without`) is no access: which components an entity has
 * does not change while systems run. Systems without a conflict may run at the
 * same time.
 *
 * @module
 */
import type { ComponentType } from "../lib/ecs/component.ts";
import {
  type Access,
  matchesComponents,
  type Query,
  requiredComponents,
} from "../lib/ecs/query.ts";
import type { SystemManifest } from "../lib/manifest/manifest.ts";

/** The components of one archetype. */
export type Archetype = ReadonlySet<ComponentType>;

/** What the earlier system does with the field, then what the later one does. */
export type ConflictKind = "write-write" | "write-read" | "read-write";

export interface Conflict {
  readonly component: string;
  readonly field: string;
  readonly kind: ConflictKind;
}

/** What one query of a system touches: the system's own query, or one of its broadcasts. */
interface QueryFootprint {
  readonly required: ReadonlySet<ComponentType>;
  readonly without: ReadonlySet<ComponentType>;
  /** The archetypes that match, or undefined when any archetype may exist. */
  readonly archetypes: ReadonlySet<Archetype> | undefined;
  readonly reads: readonly FieldName[];
  readonly writes: readonly FieldName[];
}

interface FieldName {
  readonly component: string;
  readonly field: string;
}

/** All that a system touches; compare two with {@linkcode conflictsBetween}. */
export type Footprint = readonly QueryFootprint[];

/**
 * @param archetypes the ones that exist, or undefined to assume that every
 * archetype that a query can match may come to exist.
 */
export function footprintOf(
  system: SystemManifest,
  archetypes: readonly Archetype[] | undefined,
): Footprint {
  return [
    queryFootprint(system.query, system.query.write, archetypes),
    ...Array.from(system.broadcast.values(), (query) => queryFootprint(query, [], archetypes)),
  ];
}

/** The fields over which two systems conflict, by name; empty when they may run together. */
export function conflictsBetween(earlier: Footprint, later: Footprint): Conflict[] {
  const byKey = new Map<string, Conflict>();
  for (const a of earlier) {
    for (const b of later) {
      if (!canShareRows(a, b)) continue;
      for (const conflict of sharedFields(a, b)) byKey.set(conflictKey(conflict), conflict);
    }
  }
  // Where both write a field, it says nothing more that one of them reads it too.
  const conflicts = [...byKey.values()].filter((conflict) =>
    conflict.kind === "write-write" ||
    !byKey.has(conflictKey({ ...conflict, kind: "write-write" }))
  );
  return conflicts.sort((a, b) => conflictKey(a) < conflictKey(b) ? -1 : 1);
}

/** The conflicts' fields as `Component.field`, each once. */
export function conflictFields(conflicts: readonly Conflict[]): string[] {
  return [...new Set(conflicts.map(({ component, field }) => `${component}.${field}`))];
}

function queryFootprint(
  query: Query,
  write: readonly Access[],
  archetypes: readonly Archetype[] | undefined,
): QueryFootprint {
  const changed = query.changed.map((component) => ({ component, fields: component.fields }));
  return {
    required: new Set(requiredComponents(query)),
    without: new Set(query.without),
    archetypes: archetypes &&
      new Set(archetypes.filter((archetype) => matchesComponents(query, archetype))),
    reads: fieldNames([...query.read, ...query.optional, ...changed]),
    writes: fieldNames(write),
  };
}

function fieldNames(accesses: readonly Access[]): FieldName[] {
  return accesses.flatMap(({ component, fields }) =>
    fields.map((field) => ({ component: component.name, field: field.name }))
  );
}

/**
 * True when some archetype matches both. Whoever writes a component requires
 * it, so that archetype then has every component that the two could conflict over.
 */
function canShareRows(a: QueryFootprint, b: QueryFootprint): boolean {
  if (a.archetypes !== undefined && b.archetypes !== undefined) {
    return !a.archetypes.isDisjointFrom(b.archetypes);
  }
  return a.required.union(b.required).isDisjointFrom(a.without.union(b.without));
}

function* sharedFields(a: QueryFootprint, b: QueryFootprint): Iterable<Conflict> {
  yield* inBoth(a.writes, b.writes, "write-write");
  yield* inBoth(a.writes, b.reads, "write-read");
  yield* inBoth(a.reads, b.writes, "read-write");
}

function* inBoth(
  a: readonly FieldName[],
  b: readonly FieldName[],
  kind: ConflictKind,
): Iterable<Conflict> {
  for (const { component, field } of a) {
    if (b.some((other) => other.component === component && other.field === field)) {
      yield { component, field, kind };
    }
  }
}

function conflictKey({ component, field, kind }: Conflict): string {
  return `${component}.${field} ${kind}`;
}
