/**
 * A component is a named layout of fields. A component without fields is a tag.
 * The {@linkcode Schema} is the set of components that a world knows; it comes
 * from `components.yaml`. A {@linkcode ComponentHandle} is the typed name by
 * which a script refers to a component; handles are generated from the same YAML.
 *
 * @module
 */
import { digest64 } from "./digest.ts";
import type { ColumnArray, FieldType, FieldValue } from "./field_type.ts";

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly default: FieldValue;
}

export interface ComponentType<L extends Layout = Layout> extends ComponentHandle<L> {
  /** XXH64 of the name: the same in every process, whatever else the schema holds. */
  readonly id: bigint;
  readonly fields: readonly Field[];
  /** Names of the fields of type `entity`. */
  readonly references: readonly string[];
}

/** Values of some or all fields of a component, by field name. */
export type ComponentValue = Readonly<Record<string, FieldValue>>;

/** The components of a world, by name. */
export type Schema = ReadonlyMap<string, ComponentType>;

export function componentType<const F extends readonly Field[]>(
  name: string,
  fields: F,
): ComponentType<LayoutOf<F>> {
  const layout = Object.fromEntries(fields.map((field) => [field.name, field.type]));
  const references = fields.filter(({ type }) => type === "entity").map((field) => field.name);
  return { name, id: digest64(name), layout: layout as LayoutOf<F>, fields, references };
}

/** The field types of a list of fields. */
type LayoutOf<F extends readonly Field[]> = { readonly [E in F[number] as E["name"]]: E["type"] };

/** @throws {RangeError} when two names share an id, which takes a 64-bit collision. */
export function createSchema(components: Iterable<ComponentType>): Schema {
  const schema = new Map<string, ComponentType>();
  const ids = new Map<bigint, string>();
  for (const component of components) {
    const other = ids.get(component.id);
    if (other !== undefined) {
      throw new RangeError(`Cannot use component "${component.name}": its id is "${other}"'s too`);
    }
    ids.set(component.id, component.name);
    schema.set(component.name, component);
  }
  return schema;
}

/** Field types by field name. */
export type Layout = Readonly<Record<string, FieldType>>;

/** A component as a script names it; the type argument carries its fields' types. */
export interface ComponentHandle<L extends Layout = Layout> {
  readonly name: string;
  readonly layout: L;
}

/** The columns of a component, by field name; a vec3 column has three elements per row. */
export type Columns<L extends Layout> = { readonly [F in keyof L]: ColumnArray<L[F]> };

/** Values for a component's fields; those left out take their defaults. */
export type Values<L extends Layout> = { readonly [F in keyof L]?: FieldValue<L[F]> };

/** Names a component for scripts; `deno task types` writes these calls. */
export function component<const L extends Layout>(name: string, layout: L): ComponentHandle<L> {
  return { name, layout };
}
