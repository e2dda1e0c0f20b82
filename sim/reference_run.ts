/**
 * One system's part in a tick of the {@linkcode Reference}: its script over the
 * rows that its query selects, and what that changed written back.
 *
 * @module
 */
import type { ComponentColumns, Table } from "../lib/ecs/archetype.ts";
import { markChanged } from "../lib/ecs/archetype.ts";
import { type AnyColumn, FixedColumn } from "../lib/ecs/column.ts";
import { allocate, isFixed, strideOf, type TypedArray } from "../lib/ecs/field_type.ts";
import type { Access, Query } from "../lib/ecs/query.ts";
import type { World } from "../lib/ecs/world.ts";
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import { Commands } from "../lib/runtime/commands.ts";
import { BroadcastSet, Rows as ScriptRows } from "../lib/runtime/rows.ts";
import type { SystemFunction } from "../lib/runtime/system.ts";
import { type ColumnData, columnKey } from "../lib/wire/column.ts";
import type { WireCommand } from "../lib/wire/messages.ts";
import { decode, encode, type ValueType } from "@std/msgpack";
import { ProgramError } from "./program.ts";
import type { RowSet } from "./row_set.ts";
import { insist } from "./violation.ts";

export interface ReferenceRunOptions {
  readonly world: World;
  readonly manifest: SystemManifest;
  readonly script: SystemFunction;
  readonly tick: number;
  readonly dt: number;
  /** What changed rows are marked with. */
  readonly changeTick: number;
  /** Change tick of the last run, for `changed` queries. */
  readonly since: number;
}

export interface ReferenceRunOutcome {
  readonly commands: readonly (readonly WireCommand[])[];
  /** Rows that the run changed or issued commands for. */
  readonly changed: readonly { readonly archetype: bigint; readonly row: number }[];
}

interface Selection {
  readonly table: Table;
  readonly rows: readonly number[];
}

export class ReferenceRun {
  readonly #options: ReferenceRunOptions;
  readonly #selections: readonly Selection[];
  readonly #sets: Readonly<Record<string, BroadcastSet>>;

  constructor(options: ReferenceRunOptions) {
    const { world, manifest: { query, broadcast }, since } = options;
    this.#options = options;
    this.#selections = world.match(query).map((table) => ({
      table,
      rows: selectRows(table, query, since),
    }));
    this.#sets = Object.fromEntries(
      Array.from(broadcast, ([name, set]) => [name, this.#readSet(set)]),
    );
  }

  get rowCount(): number {
    return this.#selections.reduce((sum, { rows }) => sum + rows.length, 0);
  }

  /** @throws {Violation} when the script throws, since then a shard would have been lost. */
  runAll(): ReferenceRunOutcome {
    return this.#runEach(this.#selections);
  }

  /**
   * Runs the logged rows alone; the others were lost, or changed nothing. With
   * `expectsThrow` one of those must be what the script throws at.
   */
  runRows(
    logged: readonly RowSet[],
    { expectsThrow }: { expectsThrow: boolean },
  ): ReferenceRunOutcome {
    const isLogged = ({ id }: Table, row: number) =>
      logged.some((rows) => rows.archetype === id && rows.has(row));
    const throws = this.#selections.some(({ table, rows }) =>
      rows.some((row) => !isLogged(table, row) && this.#throwsAt(table, row))
    );
    const { manifest: { name }, tick } = this.#options;
    insist(
      throws || !expectsThrow,
      () => `a shard of ${name} was lost in tick ${tick}, at which nothing throws`,
    );
    return this.#runEach(this.#selections.map(({ table, rows }) => ({
      table,
      rows: rows.filter((row) => isLogged(table, row)),
    })));
  }

  #runEach(selections: readonly Selection[]): ReferenceRunOutcome {
    const outcomes = selections.filter(({ rows }) => rows.length > 0).map((selection) => {
      const { columns, commands } = this.#call(selection);
      return { table: selection.table, commands, changed: this.#write(selection, columns) };
    });
    return {
      commands: outcomes.map(({ commands }) => commands),
      changed: outcomes.flatMap(({ table, changed }) =>
        Array.from(changed, (row) => ({ archetype: table.id, row }))
      ),
    };
  }

  #throwsAt(table: Table, row: number): boolean {
    try {
      this.#call({ table, rows: [row] });
      return false;
    } catch (error) {
      if (error instanceof ProgramError) return true;
      throw error;
    }
  }

  #call({ table, rows }: Selection) {
    const { world: { schema }, manifest: { query, file: source }, script, dt, tick } =
      this.#options;
    const columns = copyColumns(table, rows, [...query.read, ...query.write, ...query.optional]);
    const entities = query.entities ? entitiesOf(table, rows) : undefined;
    const commands = new Commands();
    const scriptRows = new ScriptRows({
      source,
      schema,
      query,
      count: rows.length,
      columns,
      entities,
    });
    script({ rows: scriptRows, tick, dt, broadcast: this.#sets, commands });
    return { columns, commands: commands.buffer };
  }

  /** Writes the columns back, and returns the rows that they change. */
  #write({ table, rows }: Selection, columns: ReadonlyMap<string, ColumnData>): Set<number> {
    const { manifest: { query }, changeTick } = this.#options;
    const changed = new Set<number>();
    for (const { component, fields } of query.write) {
      const store = table.store(component);
      for (const column of store?.columns ?? []) {
        if (store === undefined || !fields.includes(column.field)) continue;
        const data = columns.get(columnKey(component, column.field)) ?? [];
        for (const [i, row] of rows.entries()) {
          if (!writeRow(column, row, { data, from: i })) continue;
          mark(store, column, { row, changeTick });
          changed.add(row);
        }
      }
    }
    return changed;
  }

  #readSet(query: Query): BroadcastSet {
    const { world, manifest: { file: source } } = this.#options;
    const parts = world.match(query).map((table) => ({ table, rows: selectRows(table, query, 0) }));
    const count = parts.reduce((sum, { rows }) => sum + rows.length, 0);
    const columns = new Map<string, ColumnData>();
    for (const { component, fields } of query.read) {
      for (const field of fields) {
        const key = columnKey(component, field);
        const pieces = parts.map(({ table, rows }) =>
          copyColumns(table, rows, [{ component, fields: [field] }]).get(key) ?? []
        );
        const values = pieces.flatMap((piece) => Array.from(piece as ArrayLike<ValueType>));
        columns.set(
          key,
          isFixed(field.type) ? filled(allocate(field.type, count), values) : values,
        );
      }
    }
    const entities = query.entities
      ? Float64Array.from(parts.flatMap(({ table, rows }) => [...entitiesOf(table, rows)]))
      : undefined;
    return new BroadcastSet({ source, schema: world.schema, query, count, columns, entities });
  }
}

function selectRows(table: Table, { changed }: Query, since: number): number[] {
  const all = Array.from({ length: table.count }, (_, row) => row);
  if (changed.length === 0) return all;
  const stores = changed.flatMap((component) => table.store(component) ?? []);
  return all.filter((row) => stores.some((store) => store.changed[row] > since));
}

function entitiesOf(table: Table, rows: readonly number[]): Float64Array {
  return Float64Array.from(rows, (row) => table.entities[row]);
}

/** Copies of the columns that the archetype has, as a message would carry them. */
function copyColumns(
  table: Table,
  rows: readonly number[],
  accesses: readonly Access[],
): Map<string, ColumnData> {
  const columns = new Map<string, ColumnData>();
  for (const { component, fields } of accesses) {
    for (const column of table.store(component)?.columns ?? []) {
      if (!fields.includes(column.field)) continue;
      columns.set(columnKey(component, column.field), copyColumn(column, rows));
    }
  }
  return columns;
}

function copyColumn(column: AnyColumn, rows: readonly number[]): ColumnData {
  if (!(column instanceof FixedColumn)) return rows.map((row) => decode(encode(column.data[row])));
  const stride = strideOf(column.type);
  const copy = allocate(column.type, rows.length);
  for (let i = 0; i < rows.length; i++) {
    for (let k = 0; k < stride; k++) copy[i * stride + k] = column.data[rows[i] * stride + k];
  }
  return copy;
}

function filled(array: TypedArray, values: readonly ValueType[]): TypedArray {
  array.set(values as never);
  return array;
}

/** True when the row's bytes change; lists and maps count as changed whenever they are written. */
function writeRow(
  column: AnyColumn,
  row: number,
  { data, from }: { data: ColumnData; from: number },
): boolean {
  if (!(column instanceof FixedColumn)) {
    const value = data[from] as ValueType;
    const differs = column.data[row] !== value;
    column.data[row] = value;
    return differs;
  }
  const stride = strideOf(column.type);
  const target = column.data.subarray(row * stride, (row + 1) * stride);
  const source = (data as TypedArray).subarray(from * stride, (from + 1) * stride);
  const bytes = bytesOf(source);
  if (bytesOf(target).every((byte, i) => byte === bytes[i])) return false;
  target.set(source as never);
  return true;
}

function bytesOf({ buffer, byteOffset, byteLength }: TypedArray): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function mark(
  store: ComponentColumns,
  column: AnyColumn,
  { row, changeTick }: { row: number; changeTick: number },
): void {
  markChanged(store, row, changeTick);
  column.changedLast = Math.max(column.changedLast, changeTick);
}
