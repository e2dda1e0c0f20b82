/**
 * The rows that a script runs over, as typed columns: `rows.read(Velocity).linear`
 * is a Float32Array with three elements per row. All columns of one call come
 * from one archetype, so a component is there for every row or for none.
 *
 * @module
 */
import type { Columns, ComponentHandle, Layout, Schema } from "../ecs/component.ts";
import type { ColumnArray, FieldType } from "../ecs/field_type.ts";
import type { Access, Query } from "../ecs/query.ts";
import { type ColumnData, columnKey } from "../wire/column.ts";
import { UserError } from "../user_error.ts";

type ElementOf<A> = A extends ArrayLike<infer E> ? E : never;
type ReadonlyColumnOf<T extends FieldType> = ArrayLike<ElementOf<ColumnArray<T>>>;

/** The columns of a component, by field name, for reading. */
export type ReadonlyColumns<L extends Layout> = {
  readonly [F in keyof L]: ReadonlyColumnOf<L[F]>;
};

/** What rows are made of: decoded columns, and the query that they answer. */
export interface RowsInit {
  /** The manifest and clause that errors point to, such as `physics.yaml, query`. */
  readonly source: string;
  readonly schema: Schema;
  readonly query: Query;
  readonly count: number;
  readonly columns: ReadonlyMap<string, ColumnData>;
  readonly entities?: Float64Array | undefined;
}

export class Rows {
  /** Number of rows. */
  readonly count: number;
  readonly #init: RowsInit;

  constructor(init: RowsInit) {
    this.count = init.count;
    this.#init = init;
  }

  /** The rows' entities; the manifest's `read` must list `Entity`. */
  get entities(): ArrayLike<number> {
    const { entities, source } = this.#init;
    if (entities) return entities;
    throw new UserError(`Cannot read the rows' entities: add Entity to \`read\` in ${source}`);
  }

  /** The columns of a component that the manifest reads or writes. */
  read<L extends Layout>(handle: ComponentHandle<L>): ReadonlyColumns<L> {
    const { query } = this.#init;
    return this.#columns(handle, [...query.read, ...query.write], "read");
  }

  /** The columns of a component that the manifest writes; what they hold afterwards is the result. */
  write<L extends Layout>(handle: ComponentHandle<L>): Columns<L> {
    return this.#columns(handle, this.#init.query.write, "write") as Columns<L>;
  }

  /** The columns of a component of `optional`, or undefined where these rows lack it. */
  optional<L extends Layout>(handle: ComponentHandle<L>): ReadonlyColumns<L> | undefined {
    const { query, columns } = this.#init;
    const access = query.optional.find(({ component }) => component.name === handle.name);
    const isThere = access === undefined ||
      access.fields.some((field) => columns.has(columnKey(access.component, field)));
    return isThere ? this.#columns(handle, query.optional, "optional") : undefined;
  }

  #columns<L extends Layout>(
    handle: ComponentHandle<L>,
    accesses: readonly Access[],
    clause: "read" | "write" | "optional",
  ): ReadonlyColumns<L> {
    const { source, columns } = this.#init;
    const verb = clause === "write" ? "write" : "read";
    this.#checkHandle(handle);
    const named = accesses.filter(({ component }) => component.name === handle.name);
    const [access] = named;
    if (access === undefined) {
      throw new UserError(
        `Cannot ${verb} "${handle.name}": add it to \`${clause}\` in ${source}`,
      );
    }
    const result = {};
    for (const field of access.component.fields) {
      const isDeclared = named.some(({ fields }) => fields.includes(field));
      const data = isDeclared ? columns.get(columnKey(access.component, field)) : undefined;
      Object.defineProperty(
        result,
        field.name,
        data !== undefined ? { value: data, enumerable: true } : {
          get() {
            const name = `${handle.name}.${field.name}`;
            throw new UserError(`Cannot ${verb} "${name}": add it to \`${clause}\` in ${source}`);
          },
        },
      );
    }
    return result as ReadonlyColumns<L>;
  }

  /** A handle generated from another version of `components.yaml` would misread columns. */
  #checkHandle({ name, layout }: ComponentHandle): void {
    const component = this.#init.schema.get(name);
    const actual = component?.fields.map((field) => `${field.name}: ${field.type}`).join(", ");
    const expected = Object.entries(layout).map(([field, type]) => `${field}: ${type}`).join(", ");
    if (actual === expected) return;
    throw new UserError(
      `Cannot use component "${name}" { ${expected} }: components.yaml has ` +
        `${actual === undefined ? "none" : `{ ${actual} }`}; run \`deno task types\``,
    );
  }
}

const DERIVED_MAX = 16;

/** The whole result set of a broadcast query: the same on every instance, for reading only. */
export class BroadcastSet {
  readonly #rows: Rows;
  readonly #derived = new Map<(set: BroadcastSet) => unknown, unknown>();

  constructor(init: RowsInit) {
    this.#rows = new Rows(init);
  }

  get count(): number {
    return this.#rows.count;
  }

  get entities(): ArrayLike<number> {
    return this.#rows.entities;
  }

  read<L extends Layout>(handle: ComponentHandle<L>): ReadonlyColumns<L> {
    return this.#rows.read(handle);
  }

  /**
   * What `build` makes of this set, computed once per set and instance however
   * many shards ask for it. `build` must be the same function each time, so
   * declare it at the top level.
   */
  derive<T>(build: (set: BroadcastSet) => T): T {
    if (!this.#derived.has(build)) {
      if (this.#derived.size >= DERIVED_MAX) this.#derived.clear();
      this.#derived.set(build, build(this));
    }
    return this.#derived.get(build) as T;
  }
}
