import { assert, assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import {
  collectChanges,
  decodeColumns,
  decodeResult,
  encodeChunk,
  mergeResult,
} from "../lib/wire/chunk.ts";
import { type ColumnData, decodeColumn, encodeColumn } from "../lib/wire/column.ts";
import type { Chunk } from "../lib/wire/messages.ts";
import { decodePatch, encodeDifference } from "../lib/wire/patch.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { KEY, type Sample, sample, sent, storable, tableOf } from "./wire_table.ts";

const ROWS_MAX = 24;
const OFFSET_MAX = 8;

/** Two versions of a column, of which a few rows differ. */
const versions = sample({ rowsMax: ROWS_MAX }).chain((before) =>
  fc.record({
    before: fc.constant(before),
    values: fc.tuple(
      ...before.values.map((value) =>
        fc.oneof({ weight: 4, arbitrary: fc.constant(value) }, storable(before.type))
      ),
    ),
    offset: fc.nat(OFFSET_MAX),
  })
);

function wholeChunk(thing: Sample): Chunk {
  const { table, access } = tableOf(thing);
  const whole = { first: 0, count: table.count };
  return encodeChunk(table, whole, { accesses: [access], entities: false });
}

/** The only column of a sample, in memory and owned. */
function dataOf(thing: Sample): ColumnData {
  const { access } = tableOf(thing);
  const { columns, count } = wholeChunk(thing);
  return decodeColumn(access.fields[0], columns[KEY], count).slice();
}

function wireForm(thing: Sample, data: ColumnData) {
  const [field] = tableOf(thing).access.fields;
  const column = encodeColumn(field, data, thing.values.length);
  return column instanceof Uint8Array ? new Uint8Array(column) : column;
}

Deno.test("encodeChunk() sends a holder of rows what makes them current, and nothing when they are", () => {
  fc.assert(fc.property(versions, ({ before, values, offset }) => {
    const { table, access } = tableOf(before);
    const whole = { first: 0, count: table.count };
    const options = { accesses: [access], entities: true, since: 1 };
    const base = new Map([[KEY, dataOf(before)]]);
    assertEquals(encodeChunk(table, whole, options).columns, {});

    const result = decodeResult(wholeChunk({ ...before, values }), [access]);
    mergeResult(table, whole, { accesses: [access], result, tick: 2 });
    const chunk = sent(encodeChunk(table, whole, options), offset);
    const current = decodeColumns(chunk, [access], { base }).get(KEY) ?? [];
    assertEquals(wireForm(before, current), wireForm(before, dataOf({ ...before, values })));
    assertEquals(chunk.entities, undefined);
  }));
});

Deno.test("mergeResult() makes of a difference what it was taken of", () => {
  fc.assert(fc.property(versions, ({ before, values, offset }) => {
    const { table, access } = tableOf(before);
    const after = { ...before, values };
    const count = values.length;
    const change = encodeDifference(
      access.fields[0],
      { before: dataOf(before), after: dataOf(after) },
      count,
    );
    const changes = collectChanges(new Map([[KEY, change]]));
    const chunk = sent({ archetype: table.id, first: 0, count, ...changes }, offset);
    const result = decodeResult(chunk, [access]);
    mergeResult(table, { first: 0, count }, { accesses: [access], result, tick: 2 });
    const { columns } = encodeChunk(table, { first: 0, count }, {
      accesses: [access],
      entities: false,
    });
    const merged = decodeColumn(access.fields[0], columns[KEY], count);
    assertEquals(wireForm(before, merged), wireForm(before, dataOf(after)));
  }));
});

Deno.test("encodeDifference() sends few changed rows as a patch, many as a column, and none as nothing", () => {
  const values = new Array<number>(ROWS_MAX).fill(1);
  const [field] = tableOf({ type: "f32", values }).access.fields;
  const before = Float32Array.from(values);
  const differing = (rows: number) =>
    encodeDifference(field, { before, after: before.map((v, i) => i < rows ? 2 : v) }, ROWS_MAX);
  assertEquals(differing(0), {});
  const { patch, column } = differing(2);
  assertEquals(column, undefined);
  assertEquals(new Uint8Array(patch?.rows ?? []), Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0));
  const many = differing(ROWS_MAX - 1);
  assert(many.column !== undefined && many.patch === undefined);
});

Deno.test("mergeResult() marks the rows of the table that a patch's places stand for", () => {
  const { table, access } = tableOf({ type: "u8", values: [10, 11, 12, 13, 14, 15] });
  const rows = Uint32Array.of(1, 3, 5);
  const patches = { [KEY]: { rows: Uint8Array.of(2, 0, 0, 0), values: Uint8Array.of(99) } };
  const result = decodeResult({ count: 3, columns: {}, patches }, [access]);
  mergeResult(table, { first: 0, count: 3, rows }, { accesses: [access], result, tick: 7 });
  const store = table.store(access.component);
  assertEquals([...store?.changed.subarray(0, 6) ?? []], [1, 1, 1, 1, 1, 7]);
  assertEquals([...Array(6).keys()].map((row) => store?.columns[0].get(row)), [
    10,
    11,
    12,
    13,
    14,
    99,
  ]);
});

Deno.test("decodePatch() refuses rows that are no u32s, do not ascend or are not in the chunk", () => {
  const [field] = tableOf({ type: "u8", values: [0] }).access.fields;
  const decodeRows = (...rows: number[]) => {
    const bytes = new Uint8Array(Uint32Array.from(rows).buffer);
    return decodePatch(field, { rows: bytes, values: new Uint8Array(rows.length) }, 4);
  };
  assertEquals([...decodeRows(0, 2, 3).rows], [0, 2, 3]);
  for (const rows of [[4], [0, 2 ** 32 - 1], [1, 1], [2, 1]]) {
    assertThrows(() => decodeRows(...rows), WireError);
  }
  const values = new Uint8Array(1);
  assertThrows(() => decodePatch(field, { rows: new Uint8Array(3), values }, 4), WireError);
});

Deno.test("decodePatch() refuses another number of values than of rows", () => {
  const [field] = tableOf({ type: "f32", values: [0] }).access.fields;
  for (const values of [new Uint8Array(0), new Uint8Array(8), [1]]) {
    assertThrows(() => decodePatch(field, { rows: new Uint8Array(4), values }, 4), WireError);
  }
});

Deno.test("decodeColumns() refuses a patch of a column that the receiver does not have", () => {
  const { access } = tableOf({ type: "u8", values: [0] });
  const patches = { [KEY]: { rows: new Uint8Array(4), values: new Uint8Array(1) } };
  const chunk = { count: 1, columns: {}, patches };
  assertThrows(() => decodeColumns(chunk, [access]), WireError, `"${KEY}" is missing`);
});
