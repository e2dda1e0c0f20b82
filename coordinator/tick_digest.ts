/**
 * The digest that a commit carries: chained over the ticks, and of all that a
 * tick changed, so that two runs with equal digests have equal worlds. It is
 * taken from the tables and not from messages, and so does not depend on how
 * the rows were cut into shards.
 *
 * @module
 */
import { encode } from "@std/msgpack";
import { type AnyColumn, FixedColumn } from "../lib/ecs/column.ts";
import { bytesOfRows, encodeEntities } from "../lib/ecs/column_bytes.ts";
import { createDigest } from "../lib/ecs/digest.ts";
import type { World } from "../lib/ecs/world.ts";

/**
 * XXH64 of `previous`, then of every archetype in which something changed after
 * change tick `since`, by ascending id: the id, the number of its rows, 1 or 0
 * for whether rows came, went or moved and then its entities, and the components
 * that changed, by name: each one's id, and the columns of it that changed, each
 * behind its place.
 */
export function tickDigest(
  world: World,
  { previous, since }: { previous: bigint; since: number },
): bigint {
  const digest = createDigest();
  digest.update(u64s(previous));
  for (const table of world.tables()) {
    const isMoved = table.structureChangedLast > since;
    const changed = table.stores.filter(({ changedLast }) => changedLast > since);
    if (!isMoved && changed.length === 0) continue;
    digest.update(u64s(table.id, BigInt(table.count), isMoved ? 1n : 0n));
    if (isMoved) digest.update(encodeEntities(table.entities.subarray(0, table.count)));
    for (const { component, columns } of changed) {
      digest.update(u64s(component.id));
      for (const [place, column] of columns.entries()) {
        if (column.changedLast <= since) continue;
        digest.update(u64s(BigInt(place)));
        digest.update(bytesOf(column, table.count));
      }
    }
  }
  return digest.value();
}

function bytesOf(column: AnyColumn, count: number): Uint8Array {
  return column instanceof FixedColumn
    ? bytesOfRows(column.type, column.data, { first: 0, count })
    : encode(column.data);
}

function u64s(...values: bigint[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(values).buffer);
}
