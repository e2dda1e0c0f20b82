/**
 * An image as parts: rows of one table each, small enough for a message, in the
 * order of the tables and their rows. Each is encoded only when its turn comes, so
 * that a snapshot of any size takes the memory of a few parts beside its image.
 *
 * @module
 */
import type { Table } from "../ecs/archetype.ts";
import { ListColumn } from "../ecs/column.ts";
import { encodeEntities } from "../ecs/column_bytes.ts";
import { rowBytesOf } from "../ecs/field_type.ts";
import { encodeMessage } from "../wire/codec.ts";
import { columnKey, encodeRows, type RowSelection } from "../wire/column.ts";
import { listValueBytes } from "../wire/list_value.ts";
import type { MessageOf } from "../wire/messages.ts";
import type { WorldImage } from "./world_image.ts";

/** Large enough that the cost per message does not matter, small enough to be encoded between two ticks. */
const PART_BYTES_TARGET = 512 * 1024;
/** Room in a part for everything but its rows and the names of its columns. */
const ENVELOPE_BYTES = 4096;
/** Room for the header of a key and its value, and for a key's characters in UTF-8. */
const KEY_BYTES = 16;
const KEY_UNIT_BYTES = 3;
const ENTITY_BYTES = 8;
const MARK_BYTES = 8;

/**
 * The parts in order, encoded. They stay below `payloadBytesMax` unless a single
 * row does not.
 */
export function* encodeParts(
  image: WorldImage,
  { snapshot, payloadBytesMax }: { snapshot: string; payloadBytesMax: number },
): Generator<Uint8Array> {
  const bytesMax = Math.min(PART_BYTES_TARGET, payloadBytesMax);
  let part = 0;
  for (const [number, table] of image.tables.entries()) {
    for (const selection of cutRows(table, bytesMax)) {
      const rows = encodePartRows(table, selection);
      yield encodeMessage("SnapshotPart", { snapshot, part, table: number, ...rows }).data;
      part++;
    }
  }
}

/** Cuts a table's rows into runs that take at most `bytesMax`; each has a row at least. */
function* cutRows(table: Table, bytesMax: number): Generator<RowSelection> {
  const room = bytesMax - ENVELOPE_BYTES - namesBytes(table);
  const columns = table.stores.flatMap((store) => store.columns);
  const lists = columns.filter((column) => column instanceof ListColumn);
  const fixedBytes = columns.reduce((sum, { field }) => sum + rowBytesOf(field.type), 0) +
    ENTITY_BYTES + table.stores.length * MARK_BYTES;
  const rowsMax = Math.max(1, Math.floor(room / fixedBytes));
  for (let first = 0; first < table.count;) {
    const available = Math.min(rowsMax, table.count - first);
    let count = lists.length === 0 ? available : 0;
    let bytes = 0;
    for (; count < available; count++) {
      const row = first + count;
      bytes += lists.reduce((sum, { data }) => sum + listValueBytes(data[row]), fixedBytes);
      if (bytes > room) break;
    }
    count = Math.max(1, count);
    yield { first, count };
    first += count;
  }
}

function namesBytes({ stores }: Table): number {
  let bytes = 0;
  for (const { component, columns } of stores) {
    bytes += KEY_BYTES + component.name.length * KEY_UNIT_BYTES;
    for (const { field } of columns) {
      bytes += KEY_BYTES + columnKey(component, field).length * KEY_UNIT_BYTES;
    }
  }
  return bytes;
}

function encodePartRows(
  table: Table,
  selection: RowSelection,
): Omit<MessageOf<"SnapshotPart">, "snapshot" | "part" | "table"> {
  const { first, count } = selection;
  const columns: MessageOf<"SnapshotPart">["columns"] = {};
  const changed: Record<string, number> = {};
  const marks: Record<string, Uint8Array> = {};
  for (const store of table.stores) {
    const { component } = store;
    for (const column of store.columns) {
      columns[columnKey(component, column.field)] = encodeRows(column, selection);
    }
    const mark = commonMark(store.changed, selection);
    if (mark !== undefined) changed[component.name] = mark;
    else marks[component.name] = encodeMarks(store.changed, selection);
  }
  const entities = encodeEntities(table.entities.subarray(first, first + count));
  return { first, count, entities, columns, changed, marks };
}

function encodeMarks(marks: Float64Array, { first, count }: RowSelection): Uint8Array {
  return new Uint8Array(marks.buffer, marks.byteOffset + first * MARK_BYTES, count * MARK_BYTES);
}

/** The mark of all selected rows, or undefined where they differ. */
function commonMark(marks: Float64Array, { first, count }: RowSelection): number | undefined {
  const mark = marks[first];
  for (let row = first + 1; row < first + count; row++) {
    if (marks[row] !== mark) return undefined;
  }
  return mark;
}
