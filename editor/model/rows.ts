/**
 * Rows as the page shows them, out of the chunks of an answer.
 *
 * @module
 */
import type { ValueType } from "@std/msgpack";
import { decodeEntities, rowsOfBytes } from "../../lib/ecs/column_bytes.ts";
import { isFixed, strideOf, type TypedArray } from "../../lib/ecs/field_type.ts";
import type { Chunk, WireColumn } from "../../lib/wire/messages.ts";
import { WireError } from "../../lib/wire/wire_error.ts";
import { type FieldInfo, fieldOf, type WorldSchema } from "./schema.ts";

/** One entity with the values that were asked for, by `Component.field`. */
export interface Row {
  readonly entity: number;
  readonly archetype: bigint;
  /** All components of its archetype, where the answer says so. */
  readonly components: readonly string[];
  readonly values: ReadonlyMap<string, ValueType>;
}

/**
 * The rows of an answer, in `order` where it gives one.
 * @throws {WireError} when a chunk is malformed.
 */
export function rowsOf(
  { chunks, order }: { chunks: readonly Chunk[]; order?: Uint8Array | undefined },
  schema: WorldSchema,
): Row[] {
  const rows = chunks.flatMap((chunk) => rowsOfChunk(chunk, schema));
  if (order === undefined) return rows;
  const byEntity = new Map(rows.map((row) => [row.entity, row]));
  return Array.from(decodeEntities(order)).flatMap((entity) => byEntity.get(entity) ?? []);
}

function rowsOfChunk(chunk: Chunk, schema: WorldSchema): Row[] {
  const entities = entitiesOf(chunk);
  const columns = Object.entries(chunk.columns).flatMap(([key, column]) => {
    const field = fieldOf(schema, key);
    return field ? [{ key, at: valueReader(field, column, chunk.count) }] : [];
  });
  return Array.from(entities, (entity, row) => ({
    entity,
    archetype: chunk.archetype,
    components: chunk.components ?? [],
    values: new Map(columns.map(({ key, at }) => [key, at(row)])),
  }));
}

/** @throws {WireError} unless there is one for each of the chunk's rows. */
export function entitiesOf({ entities, count }: Chunk): Float64Array {
  if (entities?.length !== count * 8) {
    throw new WireError(`Cannot show a chunk: its entities are not ${count} u64s`);
  }
  return decodeEntities(entities);
}

/** The numbers of a column of vectors; undefined where the chunk has no such column. */
export function vectorColumn(
  { columns, count }: Chunk,
  key: string,
  field: FieldInfo,
): TypedArray | undefined {
  const column = Object.hasOwn(columns, key) ? columns[key] : undefined;
  return column === undefined ? undefined : fixedColumn(field, column, count);
}

function fixedColumn({ name, type }: FieldInfo, column: WireColumn, count: number): TypedArray {
  if (!isFixed(type) || !(column instanceof Uint8Array)) {
    throw new WireError(`Cannot show "${name}": it is not a column of ${type}`);
  }
  const numbers = rowsOfBytes(type, column);
  if (numbers.length !== count * strideOf(type)) {
    throw new WireError(`Cannot show "${name}": its column is not of ${count} rows`);
  }
  return numbers;
}

function valueReader(
  field: FieldInfo,
  column: WireColumn,
  count: number,
): (row: number) => ValueType {
  const { type } = field;
  if (!isFixed(type)) {
    if (Array.isArray(column) && column.length === count) return (row) => column[row];
    throw new WireError(`Cannot show "${field.name}": its column is not ${count} values`);
  }
  const numbers = fixedColumn(field, column, count);
  const stride = strideOf(type);
  if (stride > 1) {
    return (row) => Array.from(numbers.subarray(row * stride, (row + 1) * stride), Number);
  }
  return type === "bool" ? (row) => numbers[row] !== 0 : (row) => numbers[row];
}
