/**
 * The digest of a whole world in canonical order: entities ascending, each with
 * its archetype id and then its components by name, fields in layout order.
 * Neither the rows' order nor the history of the tables shows in it, so two
 * worlds have the same digest when, and (but for collisions) only when, they
 * hold the same entities with the same values.
 *
 * @module
 */
import { encode } from "@std/msgpack";
import type { Table } from "./archetype.ts";
import { FixedColumn } from "./column.ts";
import { bytesOfRows } from "./column_bytes.ts";
import { createDigest } from "./digest.ts";
import type { World } from "./world.ts";

const CHUNK_BYTES = 64 * 1024;

/** XXH64 over the canonical bytes of `world`. */
export function worldDigest(world: World): bigint {
  const digest = createDigest();
  const chunk = new Uint8Array(CHUNK_BYTES);
  let used = 0;
  const append = (bytes: Uint8Array) => {
    if (used + bytes.length > chunk.length) {
      digest.update(chunk.subarray(0, used));
      used = 0;
    }
    if (bytes.length > chunk.length) return digest.update(bytes);
    chunk.set(bytes, used);
    used += bytes.length;
  };
  const head = new BigUint64Array(2);
  for (const entity of world.entities()) {
    const { table, row } = world.locate(entity);
    head[0] = BigInt(entity);
    head[1] = table.id;
    append(new Uint8Array(head.buffer));
    appendRow(table, row, append);
  }
  digest.update(chunk.subarray(0, used));
  return digest.value();
}

/** Fixed fields as their wire bytes; list fields as MessagePack. */
function appendRow(table: Table, row: number, append: (bytes: Uint8Array) => void): void {
  for (const { columns } of table.stores) {
    for (const column of columns) {
      append(
        column instanceof FixedColumn
          ? bytesOfRows(column.type, column.data, { first: row, count: 1 })
          : encode(column.data[row]),
      );
    }
  }
}
