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
import { type FixedColumn, ListColumn } from "./column.ts";
import { createDigest } from "./digest.ts";
import type { World } from "./world.ts";

const CHUNK_BYTES = 64 * 1024;
const WORD = 2 ** 32;

/** XXH64 over the canonical bytes of `world`. */
export function worldDigest(world: World): bigint {
  const feed = new Feed();
  const layouts = new Map(world.tables().map((table) => [table, rowLayout(table)]));
  let last: Table | undefined;
  let layout = NO_LAYOUT;
  world.visit((table, row) => {
    if (table !== last) layout = layouts.get(table) ?? NO_LAYOUT;
    last = table;
    feed.u64(table.entities[row]);
    feed.u32(layout.idLow);
    feed.u32(layout.idHigh);
    for (const field of layout.fields) appendField(feed, field, row);
  });
  return feed.digest();
}

/** How a table's rows are written. */
interface RowLayout {
  readonly idLow: number;
  readonly idHigh: number;
  readonly fields: readonly RowField[];
}

/** Where a field's bytes come from; `perRow` elements of an array, or one value to encode. */
type RowField =
  | { readonly kind: "words"; readonly data: Uint32Array; readonly perRow: number }
  | { readonly kind: "bytes"; readonly data: Uint8Array; readonly perRow: number }
  | { readonly kind: "entities"; readonly data: Float64Array }
  | { readonly kind: "list"; readonly data: ListColumn["data"] };

const NO_LAYOUT: RowLayout = { idLow: 0, idHigh: 0, fields: [] };

function rowLayout({ id, stores }: Table): RowLayout {
  return {
    idLow: Number(id & 0xffff_ffffn),
    idHigh: Number(id >> 32n),
    fields: stores.flatMap(({ columns }) => columns.map(rowField)),
  };
}

function rowField(column: FixedColumn | ListColumn): RowField {
  if (column instanceof ListColumn) return { kind: "list", data: column.data };
  if (column.type === "entity") return { kind: "entities", data: column.data as Float64Array };
  const { words: data, rowWords: perRow } = column;
  return data instanceof Uint32Array
    ? { kind: "words", data, perRow }
    : { kind: "bytes", data, perRow };
}

/** Fixed fields as their wire bytes; list fields as MessagePack. */
function appendField(feed: Feed, field: RowField, row: number): void {
  switch (field.kind) {
    case "words":
      for (let k = 0; k < field.perRow; k++) feed.u32(field.data[row * field.perRow + k]);
      break;
    case "bytes":
      for (let k = 0; k < field.perRow; k++) feed.u8(field.data[row * field.perRow + k]);
      break;
    case "entities":
      feed.u64(field.data[row]);
      break;
    case "list":
      feed.bytes(encode(field.data[row]));
  }
}

/** Bytes on their way into a digest, collected so that it is updated seldom. */
class Feed {
  readonly #digest = createDigest();
  readonly #chunk = new Uint8Array(CHUNK_BYTES);
  readonly #view = new DataView(this.#chunk.buffer);
  #used = 0;

  u8(value: number): void {
    if (this.#used === CHUNK_BYTES) this.#flush();
    this.#chunk[this.#used++] = value;
  }

  u32(value: number): void {
    if (this.#used + 4 > CHUNK_BYTES) this.#flush();
    this.#view.setUint32(this.#used, value, true);
    this.#used += 4;
  }

  /** A safe integer. */
  u64(value: number): void {
    this.u32(value % WORD);
    this.u32(Math.floor(value / WORD));
  }

  bytes(bytes: Uint8Array): void {
    if (this.#used + bytes.length > CHUNK_BYTES) this.#flush();
    if (bytes.length > CHUNK_BYTES) return this.#digest.update(bytes);
    this.#chunk.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  /** Of all that was fed. */
  digest(): bigint {
    this.#flush();
    return this.#digest.value();
  }

  #flush(): void {
    this.#digest.update(this.#chunk.subarray(0, this.#used));
    this.#used = 0;
  }
}
