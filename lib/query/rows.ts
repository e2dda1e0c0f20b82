/**
 * Rows as queries are answered with, one by one rather than column by column.
 *
 * @module
 */
import { decodeEntities } from "../ecs/column_bytes.ts";
import { type FieldType, isFieldType, strideOf } from "../ecs/field_type.ts";
import { decodeChunkEntities } from "../wire/chunk.ts";
import { asWireError, decodeColumn } from "../wire/column.ts";
import type { Chunk, MessageOf } from "../wire/messages.ts";
import { WireError } from "../wire/wire_error.ts";
import type { Components } from "./path.ts";

export interface ResultRow {
  readonly entity: number;
  /** All components of the row's archetype, where they were asked for. */
  readonly components?: readonly string[] | undefined;
  /** By `Component.field`; numbers of a vector as a list. */
  readonly values: ReadonlyMap<string, unknown>;
}

/**
 * The rows of a page, in their order if they have one.
 * @throws {WireError} when the page is not what the components say.
 */
export function rowsOfPage(
  { chunks, order }: Pick<MessageOf<"QueryResponse">, "chunks" | "order">,
  components: Components,
): ResultRow[] {
  const rows = chunks.flatMap((chunk) => rowsOfChunk(chunk, components));
  if (order === undefined) return rows;
  const byEntity = new Map(rows.map((row) => [row.entity, row]));
  return Array.from(asWireError(() => decodeEntities(order)), (entity) => {
    const row = byEntity.get(entity);
    if (row === undefined) throw new WireError(`Cannot decode a page: entity ${entity} is missing`);
    return row;
  });
}

function rowsOfChunk(chunk: Chunk, components: Components): ResultRow[] {
  const entities = decodeChunkEntities(chunk);
  const columns = Object.keys(chunk.columns).map((key) => {
    const type = typeOf(key, components);
    const field = { name: key, type, default: null };
    const data = decodeColumn(field, chunk.columns[key], chunk.count);
    const stride = strideOf(type);
    const valueAt = stride > 1
      ? (row: number) =>
        Array.from(data.slice(row * stride, (row + 1) * stride) as ArrayLike<number>)
      : (row: number) => type === "bool" ? data[row] !== 0 : data[row];
    return { key, valueAt };
  });
  return Array.from(entities, (entity, row) => ({
    entity,
    ...(chunk.components && { components: chunk.components }),
    values: new Map(columns.map(({ key, valueAt }) => [key, valueAt(row)])),
  }));
}

function typeOf(key: string, components: Components): FieldType {
  const [component, field] = key.split(".");
  const type = components.get(component)?.fields.find(({ name }) => name === field)?.type;
  if (type !== undefined && isFieldType(type)) return type;
  throw new WireError(`Cannot decode column "${key}": there is no such field`);
}
