import { assert, assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { componentType, type Field } from "../lib/ecs/component.ts";
import { FIELD_TYPES, type FieldType, isFixed, rowBytesOf, zeroOf } from "../lib/ecs/field_type.ts";
import type { ValueType } from "@std/msgpack";
import {
  decodeChunkEntities,
  decodeColumns,
  decodeResult,
  decodeSelection,
  encodeChunk,
  mergeResult,
} from "../lib/wire/chunk.ts";
import { type ColumnData, decodeColumn, encodeColumn } from "../lib/wire/column.ts";
import type { Chunk, WireColumn } from "../lib/wire/messages.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { KEY, rowsOf, sample, selectionOf, sent, storable, tableOf } from "./wire_table.ts";

const OFFSET_MAX = 8;

function fieldOf(type: FieldType): Field {
  return { name: "value", type, default: zeroOf(type) };
}

/** A column's content in a form that compares to the bit. */
function content(field: Field, data: ColumnData, count: number): WireColumn {
  const column = encodeColumn(field, data, count);
  return column instanceof Uint8Array ? new Uint8Array(column) : column;
}

const sampleAndSelection = sample().chain((thing) =>
  fc.record({ thing: fc.constant(thing), selection: selectionOf(thing.values.length) })
);

Deno.test("decodeColumns() gives back the selected rows of every field type, at any offset", () => {
  const offsets = fc.nat(OFFSET_MAX);
  fc.assert(fc.property(sampleAndSelection, offsets, ({ thing, selection }, offset) => {
    const { table, access } = tableOf(thing);
    const chunk = encodeChunk(table, selection, { accesses: [access], entities: true });
    const received = sent(chunk, offset);
    const data = decodeColumns(received, [access]).get(KEY) ?? [];
    const expected = tableOf({
      ...thing,
      values: rowsOf(selection).map((row) => thing.values[row]),
    });
    const whole = { first: 0, count: selection.count };
    const { columns } = encodeChunk(expected.table, whole, {
      accesses: [expected.access],
      entities: false,
    });
    assertEquals(
      content(fieldOf(thing.type), data, selection.count),
      columns[KEY] instanceof Uint8Array ? new Uint8Array(columns[KEY]) : columns[KEY],
    );
  }));
});

Deno.test("decodeSelection() and decodeChunkEntities() give back which rows a chunk has", () => {
  fc.assert(fc.property(sampleAndSelection, fc.nat(OFFSET_MAX), ({ thing, selection }, offset) => {
    const { table, access } = tableOf(thing);
    const chunk = encodeChunk(table, selection, { accesses: [access], entities: true });
    const received = sent(chunk, offset);
    assertEquals(rowsOf(decodeSelection(received)), rowsOf(selection));
    assertEquals(
      [...decodeChunkEntities(received)],
      rowsOf(selection).map((row) => row + 1),
    );
    assertEquals(received.archetype, table.id);
  }));
});

Deno.test("encodeChunk() leaves out entities that are not read, and components that are not there", () => {
  const { table, access } = tableOf({ type: "f32", values: [1] });
  const other = componentType("Other", [fieldOf("f32")]);
  const accesses = [access, { component: other, fields: other.fields }];
  const chunk = encodeChunk(table, { first: 0, count: 1 }, { accesses, entities: false });
  assertEquals(Object.keys(chunk.columns), [KEY]);
  assertEquals([chunk.entities, chunk.rows, chunk.patches], [undefined, undefined, undefined]);
});

Deno.test("decodeColumn() refuses bytes of any other length than the rows take", () => {
  const types = fc.constantFrom(...FIELD_TYPES.filter(isFixed));
  fc.assert(fc.property(types, fc.nat(9), fc.nat(200), (type, count, length) => {
    fc.pre(length !== count * rowBytesOf(type));
    const column = new Uint8Array(length);
    assertThrows(() => decodeColumn(fieldOf(type), column, count), WireError, type);
  }));
});

Deno.test("decodeColumn() refuses a list for a fixed type, and bytes or another length for a list", () => {
  for (const type of FIELD_TYPES) {
    const wrong = isFixed(type) ? [zeroOf(type) as ValueType] : new Uint8Array(1);
    assertThrows(() => decodeColumn(fieldOf(type), wrong, 1), WireError, type);
    if (isFixed(type)) continue;
    const twice = [zeroOf(type), zeroOf(type)] as ValueType[];
    assertThrows(() => decodeColumn(fieldOf(type), twice, 1), WireError, type);
  }
});

Deno.test("decodeColumn() refuses values that a list's type does not take, and entities beyond 2^53", () => {
  const bad: [FieldType, WireColumn][] = [
    ["string", [1]],
    ["bytes", ["x"]],
    ["any", [new Date(0) as unknown as ValueType]],
    ["entity", Uint8Array.of(0, 0, 0, 0, 0, 0, 32, 0)],
  ];
  for (const [type, column] of bad) {
    assertThrows(() => decodeColumn(fieldOf(type), column, 1), WireError);
  }
});

Deno.test("decodeColumns() refuses a chunk that lacks a column, and takes one without an optional component", () => {
  const component = componentType("Pair", [
    { name: "a", type: "f32", default: 0 },
    { name: "b", type: "f32", default: 0 },
  ]);
  const access = { component, fields: component.fields };
  const half = { count: 1, columns: { "Pair.a": new Uint8Array(4) } };
  const none = { count: 1, columns: { "Other.x": new Uint8Array(4) } };
  assertThrows(() => decodeColumns(half, [access]), WireError, `"Pair.b" is missing`);
  assertThrows(() => decodeColumns(none, [access]), WireError, `"Pair.a" is missing`);
  assertThrows(() => decodeColumns(half, [], { optional: [access] }), WireError, "Pair.b");
  assertEquals(decodeColumns(none, [], { optional: [access] }).size, 0);
});

Deno.test("decodeSelection() and decodeChunkEntities() refuse other lengths than the count's", () => {
  const chunk: Chunk = { archetype: 1n, first: 0, count: 2, columns: {} };
  for (const length of [0, 7, 9, 12]) {
    const bytes = new Uint8Array(length);
    assertThrows(() => decodeSelection({ ...chunk, rows: bytes }), WireError);
    assertThrows(() => decodeChunkEntities({ ...chunk, entities: bytes }), WireError);
  }
  assertThrows(() => decodeChunkEntities(chunk), WireError);
  const tooLarge = new Uint8Array(16).fill(255);
  assertThrows(() => decodeChunkEntities({ ...chunk, entities: tooLarge }), WireError);
});

/** A table, rows of it, and a new value for each of these; some are as they were. */
const merge = sampleAndSelection.chain(({ thing, selection }) =>
  fc.record({
    thing: fc.constant(thing),
    selection: fc.constant(selection),
    values: fc.tuple(
      ...rowsOf(selection).map((row) =>
        fc.oneof(fc.constant(thing.values[row]), storable(thing.type))
      ),
    ),
  })
);

/** Whether two values of a field differ to the bit, as far as columns can tell. */
function differs(field: Field, before: unknown, after: unknown): boolean {
  if (!isFixed(field.type)) return before !== after;
  const [a, b] = [before, after].map((value) => {
    const { table, access } = tableOf({ type: field.type, values: [value as never] });
    const chunk = encodeChunk(table, { first: 0, count: 1 }, {
      accesses: [access],
      entities: false,
    });
    return [...chunk.columns[KEY] as Uint8Array].join();
  });
  return a !== b;
}

Deno.test("mergeResult() writes the selected rows, and marks exactly those whose value differs", () => {
  fc.assert(fc.property(merge, ({ thing, selection, values }) => {
    const { table, access } = tableOf(thing);
    const source = tableOf({ ...thing, values });
    const whole = { first: 0, count: values.length };
    const { columns } = encodeChunk(source.table, whole, {
      accesses: [source.access],
      entities: false,
    });
    const result = decodeResult({ columns, count: values.length }, [access]);
    mergeResult(table, selection, { accesses: [access], result, tick: 5 });

    const [field] = access.fields;
    const changed = rowsOf(selection).filter((row, i) =>
      differs(field, thing.values[row], values[i])
    );
    const store = table.store(access.component);
    assert(store);
    const marked = thing.values.flatMap((_, row) => store.changed[row] === 5 ? [row] : []);
    assertEquals(marked, changed);
    assertEquals(store.changedLast, changed.length > 0 ? 5 : 1);
    const expected = thing.values.map((value, row) => {
      const place = rowsOf(selection).indexOf(row);
      return place < 0 ? value : values[place];
    });
    assertEquals(
      columnBytes(tableOf({ ...thing, values: expected })),
      columnBytes({ table, access }),
    );
  }));
});

function columnBytes({ table, access }: ReturnType<typeof tableOf>): WireColumn {
  const whole = { first: 0, count: table.count };
  const chunk = encodeChunk(table, whole, { accesses: [access], entities: false });
  const column = chunk.columns[KEY];
  return column instanceof Uint8Array ? new Uint8Array(column) : column;
}

/** An f32 column of one row with these bits, merged into one with those; true when it is a change. */
function isChange(bitsBefore: number, bitsAfter: number): boolean {
  const { table, access } = tableOf({ type: "f32", values: [0] });
  const mergeBits = (bits: number, tick: number) => {
    const column = new Uint8Array(Uint32Array.of(bits).buffer);
    const result = decodeResult({ columns: { [KEY]: column }, count: 1 }, [access]);
    mergeResult(table, { first: 0, count: 1 }, { accesses: [access], result, tick });
  };
  mergeBits(bitsBefore, 2);
  mergeBits(bitsAfter, 3);
  assertEquals(columnBytes({ table, access }), new Uint8Array(Uint32Array.of(bitsAfter).buffer));
  return table.store(access.component)?.changed[0] === 3;
}

Deno.test("mergeResult() tells -0 from 0 and one NaN from another, to the bit", () => {
  const [zero, minusZero, nan, otherNan] = [0, 0x8000_0000, 0x7fc0_0000, 0x7fc0_1234];
  assertEquals(isChange(zero, minusZero), true);
  assertEquals(isChange(nan, otherNan), true);
  assertEquals(isChange(otherNan, otherNan), false);
  assertEquals(isChange(minusZero, minusZero), false);
});
