/**
 * A query as a table shows it: its columns, and what clicks on their headers make of it.
 *
 * @module
 */
import { type FieldType, strideOf } from "../../lib/ecs/field_type.ts";
import { EVERYTHING, type QuerySpec, type SortKey } from "../../lib/query/spec.ts";
import { type ArchetypeInfo, fieldText, type WorldSchema } from "./schema.ts";

export interface TableColumn {
  /** `Component.field`. */
  readonly key: string;
  readonly type: FieldType;
  readonly unit: string | undefined;
  /** What its field holds, in words. */
  readonly title: string;
  /** What the column can be sorted by, and how each is called. */
  readonly sorts: readonly { readonly by: string; readonly label: string }[];
}

const LANE_NAMES: Partial<Record<FieldType, string>> = {
  vec2: "xy",
  vec3: "xyz",
  vec4: "xyzw",
  quat: "xyzw",
};
const ENTITY = "Entity";

/** The fields that a query reads, in its order. */
export function columnsOf({ query }: QuerySpec, schema: WorldSchema): TableColumn[] {
  const keys = new Map<string, TableColumn>();
  for (const term of [...query.read ?? [], ...query.optional ?? []]) {
    const [name, field] = term.split(".");
    for (const info of schema.components.get(name)?.fields ?? []) {
      if (field !== undefined && info.name !== field) continue;
      const key = `${name}.${info.name}`;
      const { type, unit } = info;
      keys.set(key, { key, type, unit, title: fieldText(info), sorts: sortsOf(key, type) });
    }
  }
  return [...keys.values()];
}

function sortsOf(key: string, type: FieldType): TableColumn["sorts"] {
  const lanes = LANE_NAMES[type];
  if (lanes !== undefined) return [...lanes].map((label) => ({ by: `${key}.${label}`, label }));
  return strideOf(type) > 1 || type === "bytes" ? [] : [{ by: key, label: "" }];
}

/** What a request reads so that the table's columns are there, and no more. */
export function projectionOf({ query }: QuerySpec): QuerySpec["query"] {
  const optional = query.optional?.filter((term) => term !== EVERYTHING) ?? [];
  const { optional: _, ...rest } = query;
  return { ...rest, ...(optional.length > 0 && { optional }) };
}

/** Sorts by `by` first: ascending, then descending, then not at all. */
export function cycleSort(spec: QuerySpec, by: string): QuerySpec {
  const { sort, ...rest } = spec;
  const [first, ...others] = sort ?? [];
  const kept = [first, ...others].filter((key) => key !== undefined && key.by !== by);
  if (first?.by !== by) return { ...rest, sort: [{ by }] };
  const next: SortKey[] = first.descending ? kept : [{ by, descending: true }, ...kept];
  return next.length === 0 ? rest : { ...rest, sort: next };
}

/** How the rows are sorted by `by`, as a table's header says it. */
export function sortedBy({ sort }: QuerySpec, by: string): "ascending" | "descending" | undefined {
  const key = sort?.find((key) => key.by === by);
  return key && (key.descending ? "descending" : "ascending");
}

/** The query for the entities that have exactly these components. */
export function archetypeQuery(
  { components }: Pick<ArchetypeInfo, "components">,
  schema: WorldSchema,
): QuerySpec {
  const own = new Set(components);
  const others = [...schema.components.keys()].filter((name) =>
    !own.has(name) && schema.archetypes.some((other) => other.components.includes(name))
  );
  return {
    query: {
      ...(components.length === 0 ? { read: [ENTITY] } : { with: [...components] }),
      ...(others.length > 0 && { without: others }),
    },
  };
}

export interface ComponentCount {
  readonly name: string;
  readonly count: number;
}

/** How many entities have each component, by name. */
export function componentCounts({ components, archetypes }: WorldSchema): ComponentCount[] {
  const counts = new Map<string, number>();
  for (const { components, count } of archetypes) {
    for (const name of components) counts.set(name, (counts.get(name) ?? 0) + count);
  }
  return [...components.keys()].toSorted().map((name) => ({ name, count: counts.get(name) ?? 0 }));
}

/** Names of an archetype's components that its short name has. */
const NAMES_MAX = 3;

/** An archetype by the components that tell it from the others, the rarest first. */
export function distinctName(
  { components }: Pick<ArchetypeInfo, "components">,
  archetypes: readonly ArchetypeInfo[],
): string {
  const rarity = (name: string) =>
    archetypes.filter(({ components }) => components.includes(name)).length;
  const names = components.toSorted((a, b) => rarity(a) - rarity(b) || (a < b ? -1 : 1));
  const rest = names.length - NAMES_MAX;
  const shown = names.slice(0, NAMES_MAX).join(" · ") || "no components";
  return rest > 0 ? `${shown} +${rest}` : shown;
}
