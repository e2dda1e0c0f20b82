/**
 * Resolves a manifest's query: the names in its lists become components and
 * fields of the schema, and contradictions between the lists are reported.
 *
 * @module
 */
import type { ComponentType, Field } from "../ecs/component.ts";
import type { Access, Query } from "../ecs/query.ts";
import type { Declarations } from "./component_manifest.ts";
import { ENTITY_NAME } from "./names.ts";
import { suggestion } from "./nearest.ts";
import type { Path, YamlSource } from "./yaml_source.ts";

type ListName = "read" | "write" | "optional" | "with" | "without" | "changed";
type QueryLists = { readonly [L in ListName]?: readonly (string | undefined)[] | undefined };

/** Where a query stands in a manifest, and what its names mean. */
export interface QueryContext {
  readonly source: YamlSource;
  readonly path: Path;
  readonly declarations: Declarations;
}

/** The query that `lists` say, as far as they are right; the rest is reported to the source. */
export function resolveQuery(lists: QueryLists, context: QueryContext): Query {
  const entries = new QueryReader(lists, context).read();
  reportContradictions(entries, context);
  const reads = entries.filter((entry) => entry.list === "read");
  const writes = entries.filter((entry) => entry.list === "write");
  const written = new Set(writes.flatMap((entry) => entry.fields));
  const selective = SELECTIVE.filter((list) => list in lists);
  if (selective.length > 0 && selective.every((list) => lists[list]?.length === 0)) {
    context.source.report(
      context.path,
      `the query is empty: it needs an entry in ${
        selective.map((list) => `"${list}"`).join(" or ")
      }`,
    );
  }
  return {
    entities: lists.read?.includes(ENTITY_NAME) ?? false,
    read: mergeAccesses(reads, (field) => !written.has(field)),
    write: mergeAccesses(writes),
    optional: mergeAccesses(entries.filter((entry) => entry.list === "optional")),
    with: componentsIn(entries, "with"),
    without: componentsIn(entries, "without"),
    changed: componentsIn(entries, "changed"),
  };
}

/** Lists of which one at least must have entries. */
const SELECTIVE: readonly ListName[] = ["read", "write", "with"];
/** Lists of components that a row must have. */
const REQUIRED: ReadonlySet<ListName> = new Set(["read", "write", "with", "changed"]);
/** Lists that take fields as well. */
const FIELDWISE: ReadonlySet<ListName> = new Set(["read", "write", "optional"]);

/** One entry of a list: a whole component, or one field of it. */
interface Entry {
  readonly list: ListName;
  readonly index: number;
  readonly text: string;
  readonly component: ComponentType;
  readonly fields: readonly Field[];
  readonly isWhole: boolean;
}

class QueryReader {
  readonly #lists: QueryLists;
  readonly #context: QueryContext;

  constructor(lists: QueryLists, context: QueryContext) {
    this.#lists = lists;
    this.#context = context;
  }

  read(): Entry[] {
    const lists = Object.keys(this.#lists) as ListName[];
    return lists.flatMap((list) => {
      const seen = new Set<string>();
      return (this.#lists[list] ?? []).flatMap((text, index) => {
        if (text === undefined) return [];
        if (seen.has(text)) {
          this.#report(list, index, `"${text}" is listed twice in "${list}"`);
          return [];
        }
        seen.add(text);
        return this.#readEntry(text, list, index) ?? [];
      });
    });
  }

  #readEntry(text: string, list: ListName, index: number): Entry | undefined {
    if (text === ENTITY_NAME) {
      if (list !== "read") {
        this.#report(list, index, `"${ENTITY_NAME}" can be listed in "read" only`);
      }
      return undefined;
    }
    const dot = text.indexOf(".");
    const component = this.#findComponent(dot < 0 ? text : text.slice(0, dot), list, index);
    if (!component) return undefined;
    const entry = { list, index, text, component };
    if (dot < 0) {
      this.#checkTag(component, list, index);
      return { ...entry, fields: component.fields, isWhole: true };
    }
    if (!FIELDWISE.has(list)) {
      this.#report(list, index, `"${list}" takes whole components, not "${text}"`);
      return undefined;
    }
    const field = this.#findField(component, text.slice(dot + 1), { list, index });
    return field && { ...entry, fields: [field], isWhole: false };
  }

  #findComponent(name: string, list: ListName, index: number): ComponentType | undefined {
    const { schema, broken, isComplete } = this.#context.declarations;
    const component = schema.get(name);
    if (!component && isComplete && !broken.has(name)) {
      this.#report(list, index, `unknown component "${name}"${suggestion(name, schema.keys())}`);
    }
    return component;
  }

  #findField(
    component: ComponentType,
    name: string,
    { list, index }: { list: ListName; index: number },
  ): Field | undefined {
    const field = component.fields.find((field) => field.name === name);
    if (!field && !this.#context.declarations.broken.has(component.name)) {
      const names = component.fields.map((field) => field.name);
      const hint = names.length === 0 ? ", which is a tag" : suggestion(name, names);
      this.#report(list, index, `unknown field "${name}" of "${component.name}"${hint}`);
    }
    return field;
  }

  #checkTag(component: ComponentType, list: ListName, index: number): void {
    const isTag = component.fields.length === 0;
    if (!isTag || this.#context.declarations.broken.has(component.name)) return;
    if (FIELDWISE.has(list)) {
      this.#report(list, index, `"${component.name}" is a tag without fields: list it in "with"`);
    }
  }

  #report(list: ListName, index: number, message: string): void {
    this.#context.source.report([...this.#context.path, list, index], message);
  }
}

function reportContradictions(entries: readonly Entry[], { source, path }: QueryContext): void {
  for (const entry of entries) {
    const name = entry.component.name;
    const others = entries.filter((other) => other.component === entry.component);
    const required = others.find((other) => REQUIRED.has(other.list));
    const report = (message: string) => source.report([...path, entry.list, entry.index], message);
    if (entry.list === "optional" && required) {
      report(`"${name}" is required by "${required.list}", so it cannot be optional`);
    }
    if (entry.list === "without") {
      const asked = required ?? others.find((other) => other.list === "optional");
      if (asked) report(`"${name}" is excluded here, but asked for by "${asked.list}"`);
    }
    const isFieldToo = others.some((other) => other.list === entry.list && !other.isWhole);
    if (entry.isWhole && isFieldToo) {
      report(`"${name}" is listed in "${entry.list}" both whole and by field`);
    }
  }
}

/** One access per component, its fields in the layout's order. */
function mergeAccesses(
  entries: readonly Entry[],
  isWanted: (field: Field) => boolean = () => true,
): Access[] {
  const components = new Set(entries.map((entry) => entry.component));
  return [...components].flatMap((component) => {
    const accessed = new Set(
      entries.filter((entry) => entry.component === component).flatMap((entry) => entry.fields),
    );
    const fields = component.fields.filter((field) => accessed.has(field) && isWanted(field));
    return fields.length > 0 ? [{ component, fields }] : [];
  });
}

function componentsIn(entries: readonly Entry[], list: ListName): ComponentType[] {
  return entries.filter((entry) => entry.list === list).map((entry) => entry.component);
}
