import { assert, assertEquals, assertThrows } from "@std/assert";
import { decode, encode, type ValueType } from "@std/msgpack";
import * as fc from "fast-check";
import { bytesOfRows, decodeEntities, rowsOfBytes } from "../lib/ecs/column_bytes.ts";
import {
  allocate,
  FIELD_TYPES,
  type FieldType,
  type FixedFieldType,
  isFieldType,
  isFixed,
  rowBytesOf,
  strideOf,
  zeroOf,
} from "../lib/ecs/field_type.ts";
import { parseFieldValue } from "../lib/ecs/field_value.ts";
import { archetypeId } from "../lib/ecs/archetype.ts";
import { FixedColumn } from "../lib/ecs/column.ts";
import { componentType, createSchema } from "../lib/ecs/component.ts";
import { createDigest, digest64, digestHex } from "../lib/ecs/digest.ts";
import { fieldValue } from "./ecs_model.ts";

const FIXED_TYPES = FIELD_TYPES.filter(isFixed);
const INTEGER_BITS = { i8: 8, i16: 16, i32: 32, i64: 64, u8: 8, u16: 16, u32: 32, u64: 64 };
/** The encoder's limit on nesting is 100, and messages wrap values in lists and maps. */
const NESTING_MAX = 32;

function nested(levels: number): unknown {
  let value: unknown = "x";
  for (let i = 0; i < levels; i++) value = i % 2 ? [value] : { value };
  return value;
}

/** A column of the type that holds `values`, one per row. */
function columnOf(type: FixedFieldType, values: readonly unknown[]): FixedColumn {
  const column = new FixedColumn({ name: "x", type, default: zeroOf(type) }, type);
  column.reserve(values.length);
  values.forEach((value, row) => column.set(row, parseFieldValue(type, value)));
  return column;
}

const fixedRows = fc.constantFrom(...FIXED_TYPES).chain((type) => {
  const isStorable = (value: unknown) => type !== "entity" || Number(value) >= 0;
  const values = fc.array(fieldValue(type).filter(isStorable), { minLength: 1, maxLength: 20 });
  return fc.tuple(fc.constant(type), values);
});

Deno.test("parseFieldValue() takes what a field of any type can hold, and its zero", () => {
  const typeAndValue = fc.constantFrom(...FIELD_TYPES).chain((type) =>
    fc.tuple(fc.constant(type), fieldValue(type))
  );
  fc.assert(fc.property(typeAndValue, ([type, value]) => {
    fc.pre(type !== "entity" || Number(value) >= 0);
    assertEquals(parseFieldValue(type, value), value);
  }));
  for (const type of FIELD_TYPES) assertEquals(parseFieldValue(type, zeroOf(type)), zeroOf(type));
});

Deno.test("parseFieldValue() takes integers up to their range's ends, as number or bigint", () => {
  for (const [type, bits] of Object.entries(INTEGER_BITS) as [FieldType, number][]) {
    const isSigned = type.startsWith("i");
    const min = isSigned ? -(2n ** BigInt(bits - 1)) : 0n;
    const max = 2n ** BigInt(isSigned ? bits - 1 : bits) - 1n;
    const kept = bits === 64 ? BigInt : Number;
    for (const value of [min, max]) assertEquals(parseFieldValue(type, value), kept(value));
    assertEquals(parseFieldValue(type, 5), kept(5));
    for (const value of [min - 1n, max + 1n]) {
      const message = `${type} takes an integer from ${min} to ${max}, not ${value}`;
      assertEquals(assertThrows(() => parseFieldValue(type, value), TypeError).message, message);
    }
  }
});

Deno.test("parseFieldValue() refuses what a field cannot hold, and says what it takes", () => {
  const refusals: readonly (readonly [FieldType, unknown, string])[] = [
    ["i32", 1.5, "i32 takes an integer from -2147483648 to 2147483647, not 1.5"],
    ["i32", NaN, "i32 takes an integer from -2147483648 to 2147483647, not NaN"],
    ["u8", "1", 'u8 takes an integer from 0 to 255, not "1"'],
    ["u64", 2 ** 53, "u64 takes an integer from 0 to 18446744073709551615, not 9007199254740992"],
    ["entity", -1, "entity takes an integer from 0 to 9007199254740991, not -1"],
    [
      "entity",
      2n ** 53n,
      "entity takes an integer from 0 to 9007199254740991, not 9007199254740992",
    ],
    ["f32", "1", 'f32 takes a number, not "1"'],
    ["f64", null, "f64 takes a number, not null"],
    ["bool", 1, "bool takes a boolean, not 1"],
    ["string", undefined, "string takes a string, not undefined"],
    ["bytes", [1, 2], "bytes takes bytes, not [1,2]"],
    ["vec3", [1, 2], "vec3 takes a list of 3 numbers, not [1,2]"],
    ["vec3", 1, "vec3 takes a list of 3 numbers, not 1"],
    ["vec3", [1, 2, "3"], 'vec3 takes a number, not "3"'],
    ["vec2", [1n, [2n]], 'vec2 takes a number, not ["2"]'],
    ["any", undefined, "any takes what MessagePack can carry, not undefined"],
    ["any", [new Map()], "any takes what MessagePack can carry, not {}"],
    [
      "any",
      JSON.parse('[{"__proto__":1}]'),
      'any takes what MessagePack can carry, not {"__proto__":1}',
    ],
    ["any", { a: 2n ** 64n }, "any takes what MessagePack can carry, not 18446744073709551616"],
    ["string", [..."a".repeat(99)], `string takes a string, not ${'["a'.padEnd(60, '","a')}…`],
  ];
  for (const [type, value, message] of refusals) {
    assertEquals(assertThrows(() => parseFieldValue(type, value), TypeError).message, message);
  }
});

Deno.test("parseFieldValue() takes vectors as lists, typed arrays and bigints", () => {
  assertEquals(parseFieldValue("vec3", Float32Array.of(1, 2, 3)), [1, 2, 3]);
  assertEquals(parseFieldValue("vec2", [1n, 2]), [1, 2]);
});

Deno.test("parseFieldValue() takes no value that would make a digest or message fail", () => {
  const deepest = parseFieldValue("any", nested(NESTING_MAX)) as ValueType;
  assertEquals(decode(encode(deepest)), deepest);
  const tooDeep = () => parseFieldValue("any", nested(NESTING_MAX + 1));
  assertThrows(tooDeep, TypeError, `any takes at most ${NESTING_MAX} lists or maps`);
  const cycle: unknown[] = [];
  cycle.push(cycle);
  assertThrows(() => parseFieldValue("any", cycle), TypeError, "any takes at most");
});

Deno.test("isFieldType() knows the field types and no other names", () => {
  assert(FIELD_TYPES.every(isFieldType));
  assert(!["", "f16", "toString", "__proto__", "Vec3"].some(isFieldType));
});

Deno.test("rowsOfBytes() gives back what bytesOfRows() took, at any byte offset", () => {
  fc.assert(fc.property(fixedRows, fc.nat(9), ([type, values], offset) => {
    const column = columnOf(type, values);
    const bytes = bytesOfRows(type, column.data, { first: 0, count: values.length });
    assertEquals(bytes.length, values.length * rowBytesOf(type));
    const shifted = new Uint8Array(bytes.length + offset);
    shifted.set(bytes, offset);
    column.data = rowsOfBytes(type, shifted.subarray(offset));
    assertEquals(column.data.length, values.length * strideOf(type));
    assertEquals(values.map((_, row) => column.get(row)), values);
  }));
});

Deno.test("bytesOfRows() gives the bytes of the rows that were asked for", () => {
  fc.assert(fc.property(fixedRows, fc.nat(19), ([type, values], first) => {
    fc.pre(first < values.length);
    const { data } = columnOf(type, values);
    const count = values.length - first;
    const rest = columnOf(type, values.slice(first));
    assertEquals(
      Uint8Array.from(bytesOfRows(type, data, { first, count })),
      Uint8Array.from(bytesOfRows(type, rest.data, { first: 0, count })),
    );
  }));
});

Deno.test("bytesOfRows() writes little-endian, and entities as u64", () => {
  const bytesOf = (type: FixedFieldType, value: unknown) =>
    Array.from(bytesOfRows(type, columnOf(type, [value]).data, { first: 0, count: 1 }));
  assertEquals(bytesOf("u32", 0x01020304), [4, 3, 2, 1]);
  assertEquals(bytesOf("i16", -2), [0xfe, 0xff]);
  assertEquals(bytesOf("f32", 1), [0, 0, 0x80, 0x3f]);
  assertEquals(bytesOf("bool", true), [1]);
  assertEquals(bytesOf("vec2", [1, -2]), [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
  assertEquals(bytesOf("entity", 2 ** 32 + 258), [2, 1, 0, 0, 1, 0, 0, 0]);
  assertEquals(bytesOf("entity", 2 ** 53 - 1), [255, 255, 255, 255, 255, 255, 31, 0]);
});

Deno.test("bytesOfRows() refuses entities that are none", () => {
  for (const entity of [-1, 0.5, NaN, 2 ** 53]) {
    const encode = () => bytesOfRows("entity", Float64Array.of(1, entity), { first: 0, count: 2 });
    assertThrows(encode, RangeError, `Cannot encode entities: number 1 is ${entity}`);
  }
});

Deno.test("decodeEntities() refuses entities beyond 2^53 - 1", () => {
  for (const entity of [2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
    const bytes = new Uint8Array(BigUint64Array.of(1n, entity).buffer);
    assertThrows(() => decodeEntities(bytes), RangeError, "number 1 is beyond 2^53 - 1");
    assertThrows(() => rowsOfBytes("entity", bytes), RangeError, "number 1");
  }
});

Deno.test("rowsOfBytes() refuses bytes that are not whole rows", () => {
  for (const type of FIXED_TYPES.filter((type) => rowBytesOf(type) > 1)) {
    const bytes = new Uint8Array(2 * rowBytesOf(type) - 1);
    assertThrows(() => rowsOfBytes(type, bytes), RangeError, `Cannot decode rows of ${type}`);
  }
});

Deno.test("allocate() makes arrays that rowBytesOf() and strideOf() describe", () => {
  for (const type of FIXED_TYPES) {
    const array = allocate(type, 3);
    assertEquals(array.length, 3 * strideOf(type));
    assertEquals(array.byteLength, 3 * rowBytesOf(type));
  }
});

Deno.test("archetypeId() is independent of the components' order", () => {
  const components = fc.uniqueArray(fc.string({ maxLength: 8 }), { maxLength: 8 })
    .map((names) => names.map((name) => componentType(name, [])));
  const twoOrders = components.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))
  );
  fc.assert(fc.property(twoOrders, ([some, shuffled]) => {
    assertEquals(archetypeId(shuffled), archetypeId(some));
    assert(some.length === 0 || archetypeId(some.slice(1)) !== archetypeId(some));
  }));
});

Deno.test("digests and ids stay what they are, in every version and language", () => {
  const [transform, velocity] = ["Transform3D", "Velocity"].map((name) => componentType(name, []));
  assertEquals(digestHex(transform.id), "41ecbd9b4c9bbbf5");
  assertEquals(digestHex(velocity.id), "549aa9b09b5f6bca");
  assertEquals(digestHex(archetypeId([])), "ef46db3751d8e999");
  const velocityBytes = new Uint8Array(BigUint64Array.of(velocity.id).buffer);
  assertEquals(archetypeId([velocity]), digest64(velocityBytes));
  assertEquals(digestHex(archetypeId([velocity])), "cbe894b7d7e6fdcc");
  assertEquals(digestHex(archetypeId([transform, velocity])), "1624b0123fcd4dc4");
});

/** Source: vectors that the ports of xxHash share, such as those of Zig and of Rust's twox-hash. */
Deno.test("digest64() is XXH64 with seed 0", () => {
  assertEquals(digestHex(digest64("")), "ef46db3751d8e999");
  assertEquals(digestHex(digest64("a")), "d24ec4f1a98c6e5b");
  assertEquals(digestHex(digest64("abc")), "44bc2cf5ad770999");
  const sentence = "Nobody inspects the spammish repetition";
  assertEquals(digestHex(digest64(sentence)), "fbcea83c8a378bf1");
  assertEquals(digest64(new TextEncoder().encode("é")), digest64("é"));
});

Deno.test("createDigest() gives the same digest however the data is cut", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 100 })), (pieces) => {
    const digest = createDigest();
    const other = createDigest();
    for (const piece of pieces) {
      digest.update(piece);
      other.update(Uint8Array.of(1));
    }
    assertEquals(digest.value(), digest64(Uint8Array.from(pieces.flatMap((p) => [...p]))));
  }));
});

Deno.test("digestHex() pads to 16 digits", () => {
  assertEquals(digestHex(0xabcn), "0000000000000abc");
  assertEquals(digestHex(2n ** 64n - 1n), "ffffffffffffffff");
});

Deno.test("createSchema() refuses a second component of the same id", () => {
  const again = [componentType("A", []), componentType("A", [])];
  assertThrows(() => createSchema(again), RangeError, 'Cannot use component "A"');
});
