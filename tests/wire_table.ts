/**
 * Tables with one field of any type, and random values for it: what the tests of
 * chunks, columns and patches work on.
 *
 * @module
 */
import { decode, encode, type ValueType } from "@std/msgpack";
import * as fc from "fast-check";
import type { Table } from "../lib/ecs/archetype.ts";
import { componentType, createSchema } from "../lib/ecs/component.ts";
import { FIELD_TYPES, type FieldType, type FieldValue, zeroOf } from "../lib/ecs/field_type.ts";
import { World } from "../lib/ecs/world.ts";
import type { Access } from "../lib/ecs/query.ts";
import { decodePayload, encodeMessage } from "../lib/wire/codec.ts";
import type { RowSelection } from "../lib/wire/column.ts";
import type { Chunk } from "../lib/wire/messages.ts";
import { fieldValue } from "./ecs_model.ts";

/** The key of the only column. */
export const KEY = "Thing.value";

export interface Sample {
  readonly type: FieldType;
  /** One per row. */
  readonly values: readonly FieldValue[];
}

/** A field type, and up to `rowsMax` values that a column of it can hold. */
export function sample({ rowsMax = 12 } = {}): fc.Arbitrary<Sample> {
  return fc.constantFrom(...FIELD_TYPES).chain((type) =>
    fc.record({
      type: fc.constant(type),
      values: fc.array(storable(type), { minLength: 1, maxLength: rowsMax }),
    })
  );
}

/** Values that a column can hold; commands also know references to entities yet to be spawned. */
export function storable(type: FieldType): fc.Arbitrary<FieldValue> {
  const values = fieldValue(type).filter((value) => type !== "entity" || Number(value) >= 0);
  return type === "any" ? values.map(carried) : values;
}

/** What MessagePack makes of a value: the sign of a -0 is lost. */
export function carried<V>(value: V): V {
  return decode(encode(value as ValueType)) as V;
}

/** A table of entities from 1 on, all changed in tick 1, and the access to its column. */
export function tableOf({ type, values }: Sample): { table: Table; access: Access } {
  const component = componentType("Thing", [{ name: "value", type, default: zeroOf(type) }]);
  const world = new World(createSchema([component]));
  world.changeTick = 1;
  for (const value of values) world.spawn(new Map([[component, { value }]]));
  return { table: world.locate(1).table, access: { component, fields: component.fields } };
}

/** Consecutive rows of a table, or any of them. */
export function selectionOf(rowCount: number): fc.Arbitrary<RowSelection> {
  const row = fc.nat(rowCount - 1);
  const range = fc.tuple(row, row).map(([a, b]) => ({
    first: Math.min(a, b),
    count: Math.abs(a - b) + 1,
  }));
  const places = Array.from({ length: rowCount }, (_, place) => place);
  const listed = fc.subarray(places, { minLength: 1 })
    .map((rows) => ({ first: 0, count: rows.length, rows: Uint32Array.from(rows) }));
  return fc.oneof(range, listed);
}

/** The numbers of the selected rows. */
export function rowsOf({ first, count, rows }: RowSelection): number[] {
  return rows ? [...rows] : Array.from({ length: count }, (_, i) => first + i);
}

/** The chunk as it comes out of a message whose bytes start at any offset of a buffer. */
export function sent(chunk: Chunk, offset: number): Chunk {
  const { data } = encodeMessage("QueryResponse", { tick_id: 1, chunks: [chunk] });
  const buffer = new Uint8Array(data.length + offset);
  buffer.set(data, offset);
  return decodePayload("QueryResponse", buffer.subarray(offset)).chunks[0];
}
