/**
 * Checks that a value from outside (a manifest, a command, an editor) is one
 * that a field can hold.
 *
 * @module
 */
import type { ValueType } from "@std/msgpack";
import { type FieldType, type FieldValue, strideOf } from "./field_type.ts";

/** Lists and maps inside one another in an `any` value; the encoder's own limit is 100. */
const NESTING_MAX = 32;

/** The integers that are numbers in memory, and what they range over. */
const INTEGER_RANGES: Partial<Record<FieldType, readonly [min: number, max: number]>> = {
  i8: [-(2 ** 7), 2 ** 7 - 1],
  i16: [-(2 ** 15), 2 ** 15 - 1],
  i32: [-(2 ** 31), 2 ** 31 - 1],
  u8: [0, 2 ** 8 - 1],
  u16: [0, 2 ** 16 - 1],
  u32: [0, 2 ** 32 - 1],
  entity: [0, Number.MAX_SAFE_INTEGER],
};

/** Those that are bigints in memory. */
const BIGINT_RANGES: Partial<Record<FieldType, readonly [min: bigint, max: bigint]>> = {
  i64: [-(2n ** 63n), 2n ** 63n - 1n],
  u64: [0n, 2n ** 64n - 1n],
};

/**
 * The field value that `value` stands for. Integers may come as number or
 * bigint whatever the field's width, since MessagePack does not tell them apart.
 *
 * @throws {TypeError} when a field of `type` cannot hold it; the message says
 * what the type takes.
 */
export function parseFieldValue(type: FieldType, value: unknown): FieldValue {
  switch (type) {
    case "f32":
    case "f64":
      return parseNumber(type, value);
    case "vec2":
    case "vec3":
    case "vec4":
    case "quat":
    case "mat4":
      return parseVector(type, value);
    case "bool":
      if (typeof value === "boolean") return value;
      break;
    case "string":
      if (typeof value === "string") return value;
      break;
    case "bytes":
      if (value instanceof Uint8Array) return value;
      break;
    case "any":
      return parseAny(value, NESTING_MAX);
    case "i64":
    case "u64":
      return parseBigint(type, value);
    default:
      return parseInteger(type, value);
  }
  const taken = type === "bool" ? "a boolean" : type === "string" ? "a string" : "bytes";
  throw new TypeError(`${type} takes ${taken}, not ${show(value)}`);
}

function parseNumber(type: FieldType, value: unknown): number {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  throw new TypeError(`${type} takes a number, not ${show(value)}`);
}

function parseInteger(type: FieldType, value: unknown): number {
  const [min, max] = INTEGER_RANGES[type] ?? [NaN, NaN];
  // A bigint that has no number of its own is beyond any of these ranges, and so is that number.
  const integer = typeof value === "bigint" ? Number(value) : value;
  if (Number.isSafeInteger(integer)) {
    const number = integer as number;
    if (number >= min && number <= max) return number;
  }
  throw new TypeError(`${type} takes an integer from ${min} to ${max}, not ${show(value)}`);
}

function parseBigint(type: FieldType, value: unknown): bigint {
  const [min, max] = BIGINT_RANGES[type] ?? [0n, 0n];
  if (typeof value === "bigint" || Number.isSafeInteger(value)) {
    const integer = BigInt(value as number | bigint);
    if (integer >= min && integer <= max) return integer;
  }
  throw new TypeError(`${type} takes an integer from ${min} to ${max}, not ${show(value)}`);
}

function parseVector(type: FieldType, value: unknown): number[] {
  const length = strideOf(type);
  const items = ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value;
  if (!Array.isArray(items) || items.length !== length) {
    throw new TypeError(`${type} takes a list of ${length} numbers, not ${show(value)}`);
  }
  return items.every(isNumber) ? items : items.map((item) => parseNumber(type, item));
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

/** @throws {TypeError} for what MessagePack cannot carry, or carries but not back. */
function parseAny(value: unknown, nestingMax: number): ValueType {
  if (nestingMax < 0) {
    throw new TypeError(`any takes at most ${NESTING_MAX} lists or maps inside one another`);
  }
  switch (typeof value) {
    case "string":
    case "number":
    case "boolean":
      return value;
    case "bigint":
      if (BigInt.asIntN(64, value) === value || BigInt.asUintN(64, value) === value) return value;
      break;
    case "object":
      if (value === null || value instanceof Uint8Array) return value;
      if (!Array.isArray(value) && !isPlain(value)) break;
      // Decoders refuse it, since it would not become a key of its own.
      if (Object.hasOwn(value, "__proto__")) break;
      for (const item of Object.values(value)) parseAny(item, nestingMax - 1);
      return value as ValueType;
  }
  throw new TypeError(`any takes what MessagePack can carry, not ${show(value)}`);
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

const SHOWN_LENGTH_MAX = 60;

function show(value: unknown): string {
  const isJson = typeof value === "string" || typeof value === "object";
  const text = isJson ? JSON.stringify(value, bigintAsText) : String(value);
  return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text;
}

function bigintAsText(_key: string, item: unknown): unknown {
  return typeof item === "bigint" ? String(item) : item;
}
