/**
 * A patch carries new values for some rows of a column whose other values the
 * receiver has already.
 *
 * @module
 */
import type { AnyColumn } from "../ecs/column.ts";
import type { Field } from "../ecs/component.ts";
import { arrayOver, rowBytesOf } from "../ecs/field_type.ts";
import {
  type ColumnData,
  decodeColumn,
  differingRows,
  encodeColumn,
  encodeRows,
  gather,
} from "./column.ts";
import type { Patch, WireColumn } from "./messages.ts";
import { WireError } from "./wire_error.ts";

const ROW_NUMBER_BYTES = 4;
/** What a list value is reckoned to take, whatever it is. */
const LIST_VALUE_BYTES = 8;

/** A patch as it is in memory. */
export interface DecodedPatch {
  /** Places within the chunk. */
  readonly rows: Uint32Array;
  readonly values: ColumnData;
}

/** A column whole or as a patch, whichever is fewer bytes; neither when no row changed. */
export interface ColumnChange {
  readonly column?: WireColumn;
  readonly patch?: Patch;
}

/** The change of a table's column in `count` rows from `first` on, of which `rows` changed. */
export function encodeTableChange(
  column: AnyColumn,
  { first, count }: { first: number; count: number },
  rows: Uint32Array,
): ColumnChange {
  if (rows.length === 0) return {};
  if (!isPatchSmaller(column.field, rows.length, count)) {
    return { column: encodeRows(column, { first, count }) };
  }
  const tableRows = rows.map((row) => first + row);
  const values = encodeRows(column, { first: 0, count: rows.length, rows: tableRows });
  return { patch: { rows: bytesOfRowNumbers(rows), values } };
}

/** The change from one column in memory to another. */
export function encodeDifference(
  field: Field,
  { before, after }: { before: ColumnData; after: ColumnData },
  count: number,
): ColumnChange {
  const rows = differingRows(field, { before, after }, count);
  if (rows.length === 0) return {};
  if (!isPatchSmaller(field, rows.length, count)) {
    return { column: encodeColumn(field, after, count) };
  }
  const values = encodeColumn(field, gather(field, after, rows), rows.length);
  return { patch: { rows: bytesOfRowNumbers(rows), values } };
}

function isPatchSmaller({ type }: Field, rows: number, count: number): boolean {
  const rowBytes = rowBytesOf(type) || LIST_VALUE_BYTES;
  return rows * (ROW_NUMBER_BYTES + rowBytes) < count * rowBytes;
}

/** @throws {WireError} when it is malformed: its rows must ascend and be below `count`. */
export function decodePatch(field: Field, { rows, values }: Patch, count: number): DecodedPatch {
  if (rows.length % ROW_NUMBER_BYTES !== 0) {
    throw new WireError("Cannot decode a patch: its rows are not u32s");
  }
  const places = arrayOver("u32", rows) as Uint32Array;
  if (places.some((place, i) => place >= count || (i > 0 && place <= places[i - 1]))) {
    throw new WireError(
      `Cannot decode a patch: its rows do not ascend within the chunk's ${count}`,
    );
  }
  return { rows: places, values: decodeColumn(field, values, places.length) };
}

/** Row numbers as little-endian u32s. */
export function bytesOfRowNumbers({ buffer, byteOffset, byteLength }: Uint32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
