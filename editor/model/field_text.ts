/**
 * Field values as text, for cells and text boxes, and back.
 *
 * @module
 */
import type { ValueType } from "@std/msgpack";
import type { FieldType } from "../../lib/ecs/field_type.ts";
import { parseFieldValue } from "../../lib/ecs/field_value.ts";
import { errorMessage } from "../../lib/error_message.ts";

/** What an f32 can tell apart. */
const F32_DIGITS = 7;
const CELL_BYTES_MAX = 16;
/** A 64-bit integer in JSON text, which has no such numbers: `{"$int":"123"}`. */
const INT_KEY = "$int";
const BYTES_KEY = "$hex";

const F32_TYPES: readonly FieldType[] = ["f32", "vec2", "vec3", "vec4", "quat", "mat4"];

/** A number as it is typed: no more digits than its type can tell apart. */
export function numberText(value: number, type: FieldType = "f64"): string {
  if (!F32_TYPES.includes(type) || !Number.isFinite(value)) return String(value);
  return String(Number(value.toPrecision(F32_DIGITS)));
}

/** A value in a cell, on one line. */
export function cellText(value: ValueType | undefined, type: FieldType): string {
  if (value === undefined) return "";
  if (typeof value === "number") return shortNumber(value, type);
  if (typeof value === "bigint") return String(value);
  if (typeof value === "boolean") return value ? "true" : "false";
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return bytesText(value);
  if (Array.isArray(value) && type !== "any") {
    return value.map((part) => shortNumber(Number(part), type)).join("  ");
  }
  return toJson(value, undefined);
}

function shortNumber(value: number, type: FieldType): string {
  if (Number.isInteger(value) || !Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(3);
  return numberText(value, type).includes(".") ? value.toFixed(3) : String(value);
}

function bytesText(bytes: Uint8Array): string {
  const rest = bytes.length > CELL_BYTES_MAX ? `… (${bytes.length} bytes)` : "";
  return hexOf(bytes.subarray(0, CELL_BYTES_MAX)) + rest;
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** A value as it is edited in a text box. */
export function editText(value: ValueType, type: FieldType): string {
  if (type === "any") return toJson(value, 2);
  if (value instanceof Uint8Array) return hexOf(value);
  if (typeof value === "number") return numberText(value, type);
  return String(value);
}

/**
 * The value that text in a box stands for.
 * @throws {TypeError} when it stands for none that the field can hold.
 */
export function parseText(text: string, type: FieldType): ValueType {
  switch (type) {
    case "string":
      return text;
    case "any":
      return parseFieldValue(type, fromJson(text)) as ValueType;
    case "bytes":
      return parseHex(text);
    case "i64":
    case "u64":
      return parseFieldValue(type, parseBigint(text)) as ValueType;
    default:
      return parseFieldValue(type, parseNumber(text)) as ValueType;
  }
}

/**
 * A number as people type it: also as a sum or product of numbers.
 * @throws {TypeError} when it is none.
 */
export function parseNumber(text: string): number {
  const trimmed = text.trim().replace(",", ".");
  const sum = /^([-+]?[\d.]+(?:e[-+]?\d+)?)\s*([-+*/])\s*([-+]?[\d.]+)$/i.exec(trimmed);
  if (sum !== null) return calculate(Number(sum[1]), sum[2], Number(sum[3]));
  const value = trimmed === "" ? NaN : Number(trimmed);
  if (!Number.isNaN(value) || trimmed.toLowerCase() === "nan") return value;
  throw new TypeError(`"${text}" is no number`);
}

function calculate(a: number, operator: string, b: number): number {
  if (operator === "+") return a + b;
  if (operator === "-") return a - b;
  return operator === "*" ? a * b : a / b;
}

function parseBigint(text: string): bigint {
  if (/^[-+]?\d+$/.test(text.trim())) return BigInt(text.trim());
  throw new TypeError(`"${text}" is no integer`);
}

function parseHex(text: string): Uint8Array {
  const digits = text.replaceAll(/[\s,]|0x/g, "");
  if (!/^([0-9a-f]{2})*$/i.test(digits)) {
    throw new TypeError("bytes are written as pairs of hex digits, such as 0a ff");
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function toJson(value: ValueType, space: number | undefined): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === "bigint") return { [INT_KEY]: String(item) };
    return item instanceof Uint8Array ? { [BYTES_KEY]: hexOf(item) } : item;
  }, space) ?? "null";
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text, (_key, item) => {
      if (typeof item !== "object" || item === null) return item;
      const [key, ...others] = Object.keys(item);
      if (others.length > 0) return item;
      if (key === INT_KEY) return parseBigint(String(item[key]));
      return key === BYTES_KEY ? parseHex(String(item[key])) : item;
    });
  } catch (cause) {
    throw new TypeError(errorMessage(cause), { cause });
  }
}
