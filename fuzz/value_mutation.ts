/**
 * Mutations of values: what is well-formed MessagePack and yet not what the
 * receiver expects, or only just.
 *
 * @module
 */
import { decode, encode, type ValueMap, type ValueType } from "@std/msgpack";
import type { Draw } from "../sim/draw.ts";

const MUTATIONS_MAX = 3;
const NESTING = 2000;
const LONG = 20_000;

const ODD_NUMBERS: readonly (number | bigint)[] = [
  0,
  -0,
  1,
  -1,
  0.5,
  255,
  256,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  1e308,
  -1e308,
  5e-324,
  NaN,
  Infinity,
  -Infinity,
  0n,
  -1n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
  -(2n ** 63n),
];

const ODD_TEXTS: readonly string[] = [
  "",
  " ",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "Entity",
  "a.b",
  ".",
  "*",
  ">",
  "C0",
  "C0.a",
  "C0.b.c",
  "\u0000",
  "\ud800",
  "é".repeat(300),
  "x".repeat(LONG),
];

/** One to a few mutations of what the MessagePack in `bytes` says; as it is where that is none. */
export function mutateValue(bytes: Uint8Array, draw: Draw): Uint8Array {
  let value = tryToDecode(bytes);
  if (value === undefined) return bytes;
  for (let count = draw.between(1, MUTATIONS_MAX); count > 0; count--) value = mutate(value, draw);
  return tryToEncode(value) ?? bytes;
}

function tryToDecode(bytes: Uint8Array): ValueType | undefined {
  try {
    return decode(bytes);
  } catch {
    return undefined;
  }
}

/** Undefined for what the encoder itself does not take, such as what is nested too deep. */
function tryToEncode(value: ValueType): Uint8Array | undefined {
  try {
    return encode(value);
  } catch {
    return undefined;
  }
}

/** The value with one node of it changed. */
function mutate(value: ValueType, draw: Draw): ValueType {
  if (isList(value) && value.length > 0 && draw.chance(0.8)) return mutateList(value, draw);
  if (isMap(value) && Object.keys(value).length > 0 && draw.chance(0.9)) {
    return mutateMap(value, draw);
  }
  return replace(value, draw);
}

function mutateList(list: readonly ValueType[], draw: Draw): ValueType {
  const at = draw.below(list.length);
  switch (draw.below(6)) {
    case 0:
      return list.toSpliced(at, 1);
    case 1:
      return list.toSpliced(at, 0, list[draw.below(list.length)]);
    case 2:
      return list.toReversed();
    default:
      return list.with(at, mutate(list[at], draw));
  }
}

function mutateMap(map: ValueMap, draw: Draw): ValueType {
  const entries = Object.entries(map);
  const at = draw.below(entries.length);
  const [key, value] = entries[at];
  switch (draw.below(8)) {
    case 0:
      return Object.fromEntries(entries.toSpliced(at, 1));
    case 1:
      return fromEntries(entries.with(at, [draw.pick(ODD_TEXTS), value]));
    case 2:
      return fromEntries([...entries, [draw.pick(ODD_TEXTS), value]]);
    case 3:
      return fromEntries(entries.with(at, [key, entries[draw.below(entries.length)][1]]));
    default:
      return fromEntries(entries.with(at, [key, mutate(value, draw)]));
  }
}

/** With own keys only, whatever they are called. */
function fromEntries(entries: readonly (readonly [string, ValueType])[]): ValueMap {
  const map: ValueMap = Object.create(null);
  for (const [key, value] of entries) map[key] = value;
  return map;
}

function replace(value: ValueType, draw: Draw): ValueType {
  if (draw.chance(0.3)) return oddValue(draw);
  if (typeof value === "number") {
    return draw.pick([
      value + 1,
      value - 1,
      -value,
      value * 2,
      value / 2,
      BigInt(toInteger(value)),
    ]);
  }
  if (typeof value === "bigint") return draw.pick([value ^ 1n, value + 1n, Number(value)]);
  if (typeof value === "string") return draw.pick([value + value, value.slice(1), `${value}x`]);
  if (typeof value === "boolean") return !value;
  if (value instanceof Uint8Array) return mutateBinary(value, draw);
  return oddValue(draw);
}

function toInteger(value: number): number {
  return Number.isFinite(value) ? Math.trunc(value) % 2 ** 53 : 0;
}

function mutateBinary(bytes: Uint8Array, draw: Draw): Uint8Array {
  switch (draw.below(4)) {
    case 0:
      return bytes.slice(0, draw.below(bytes.length + 1));
    case 1:
      return Uint8Array.from([...bytes, ...bytes.slice(0, draw.below(9))]);
    case 2:
      return bytes.map(() => 0xff);
    default: {
      const changed = bytes.slice();
      if (changed.length > 0) changed[draw.below(changed.length)] = draw.below(256);
      return changed;
    }
  }
}

function oddValue(draw: Draw): ValueType {
  switch (draw.below(8)) {
    case 0:
    case 1:
      return draw.pick(ODD_NUMBERS);
    case 2:
      return draw.pick(ODD_TEXTS);
    case 3:
      return draw.pick([null, true, false]);
    case 4:
      return Uint8Array.from({ length: draw.below(40) }, () => draw.below(256));
    case 5:
      return nested(draw.between(1, draw.chance(0.2) ? NESTING : 40));
    case 6:
      return Array.from({ length: draw.chance(0.1) ? LONG : draw.below(9) }, () => 0);
    default:
      return { [draw.pick(ODD_TEXTS)]: draw.pick(ODD_NUMBERS) };
  }
}

function nested(depth: number): ValueType {
  let value: ValueType = [];
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

function isList(value: ValueType): value is readonly ValueType[] {
  return Array.isArray(value);
}

function isMap(value: ValueType): value is ValueMap {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Uint8Array);
}
