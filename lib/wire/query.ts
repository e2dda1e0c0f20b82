/**
 * Queries by names, as requests carry them, resolved against the schema.
 *
 * @module
 */
import type { ComponentType, Field, Schema } from "../ecs/component.ts";
import type { Access, Query } from "../ecs/query.ts";
import { ENTITY_NAME } from "../manifest/names.ts";
import { suggestion } from "../manifest/nearest.ts";
import type { WireQuery } from "./messages.ts";
import { WireError } from "./wire_error.ts";

/** Stands for every component, in `optional`. */
const EVERY_COMPONENT = "*";

/** @throws {WireError} naming the term that is unknown. */
export function parseQuery(schema: Schema, query: WireQuery): Query {
  const components = (names: readonly string[] = []) =>
    names.map((name) => componentNamed(schema, name));
  const read = query.read ?? [];
  const optional = query.optional ?? [];
  const isEvery = optional.includes(EVERY_COMPONENT);
  if (isEvery) return withEverything(schema, { ...query, optional: optional.filter(isNamed) });
  return {
    entities: read.includes(ENTITY_NAME),
    read: parseAccesses(schema, read.filter((term) => term !== ENTITY_NAME)),
    write: parseAccesses(schema, query.write),
    optional: parseAccesses(schema, optional),
    with: components(query.with),
    without: components(query.without),
    changed: components(query.changed),
  };
}

function isNamed(term: string): boolean {
  return term !== EVERY_COMPONENT;
}

/** The query, and all that it does not name is optional. */
function withEverything(schema: Schema, query: WireQuery): Query {
  const parsed = parseQuery(schema, query);
  const named = new Set([...parsed.read, ...parsed.write].map(({ component }) => component));
  const others = [...schema.values()].filter((component) => !named.has(component));
  return {
    ...parsed,
    optional: others.map((component) => ({ component, fields: component.fields })),
  };
}

/** One access per component, its fields in layout order. */
function parseAccesses(schema: Schema, terms: readonly string[] = []): Access[] {
  const fields = new Map<ComponentType, Set<Field>>();
  for (const term of terms) {
    const dot = term.indexOf(".");
    const name = dot < 0 ? term : term.slice(0, dot);
    const fieldName = dot < 0 ? undefined : term.slice(dot + 1);
    const component = componentNamed(schema, name);
    const named = component.fields.filter((field) =>
      fieldName === undefined || field.name === fieldName
    );
    if (fieldName !== undefined && named.length === 0) {
      throw new WireError(`Cannot read "${term}": "${name}" has no field "${fieldName}"`);
    }
    const known = fields.get(component) ?? new Set();
    for (const field of named) known.add(field);
    fields.set(component, known);
  }
  return Array.from(fields, ([component, set]) => ({
    component,
    fields: component.fields.filter((field) => set.has(field)),
  }));
}

function componentNamed(schema: Schema, name: string): ComponentType {
  const component = schema.get(name);
  if (component !== undefined) return component;
  const near = suggestion(name, schema.keys());
  throw new WireError(`Cannot query: unknown component "${name}"${near}`);
}
