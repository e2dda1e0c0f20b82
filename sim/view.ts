/**
 * A view: one component of every entity that has it, each row as text, so that
 * what a query is answered can be compared with what the world held.
 *
 * @module
 */
import { encode, type ValueType } from "@std/msgpack";
import { FixedColumn } from "../lib/ecs/column.ts";
import { bytesOfRows, decodeEntities } from "../lib/ecs/column_bytes.ts";
import type { ComponentType } from "../lib/ecs/component.ts";
import { rowBytesOf } from "../lib/ecs/field_type.ts";
import type { World } from "../lib/ecs/world.ts";
import { columnKey } from "../lib/wire/column.ts";
import type { Chunk } from "../lib/wire/messages.ts";

/** Rows by entity. */
export type View = ReadonlyMap<number, string>;

export function viewOfWorld(world: World, component: ComponentType): View {
  const view = new Map<number, string>();
  for (const table of world.tables()) {
    const columns = table.store(component)?.columns;
    for (let row = 0; columns !== undefined && row < table.count; row++) {
      const fields = columns.map((column) =>
        column instanceof FixedColumn
          ? bytesOfRows(column.type, column.data, { first: row, count: 1 })
          : encode(column.data[row])
      );
      view.set(table.entities[row], fields.join(";"));
    }
  }
  return view;
}

/** @throws {TypeError} when a chunk lacks its entities. */
export function viewOfChunks(chunks: readonly Chunk[], component: ComponentType): View {
  const view = new Map<number, string>();
  for (const { entities, columns } of chunks) {
    if (entities === undefined) throw new TypeError("Cannot view a chunk without its entities");
    for (const [row, entity] of decodeEntities(entities).entries()) {
      const fields = component.fields.map((field) => {
        const column = columns[columnKey(component, field)];
        if (Array.isArray(column)) return encode(column[row] as ValueType);
        const rowBytes = rowBytesOf(field.type);
        return column.subarray(row * rowBytes, (row + 1) * rowBytes);
      });
      view.set(entity, fields.join(";"));
    }
  }
  return view;
}
