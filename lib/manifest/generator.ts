/**
 * A generator is a field value in a world's manifest that differs from entity
 * to entity: `{ uniform: [lo, hi] }` or `{ sphere: radius }`.
 *
 * @module
 */
import { type FieldType, type FieldValue, strideOf } from "../ecs/field_type.ts";
import { parseFieldValue } from "../ecs/field_value.ts";

/** Draws one value; `random` gives uniform numbers in [0, 1). */
export type Generator = (random: () => number) => FieldValue;

/** True for a map with a generator's name as its only key, where the type has generators. */
export function isGenerator(type: FieldType, value: unknown): boolean {
  if (kindOf(type) === undefined || typeof value !== "object" || value === null) return false;
  const keys = Object.keys(value);
  return keys.length === 1 && (keys[0] === "uniform" || keys[0] === "sphere");
}

/**
 * The generator that `value` describes for a field of `type`.
 * @throws {TypeError} when it describes none; the message says what it takes.
 */
export function parseGenerator(type: FieldType, value: unknown): Generator {
  const { uniform, sphere } = value as { uniform?: unknown; sphere?: unknown };
  if (sphere !== undefined) return parseSphere(type, sphere);
  if (!Array.isArray(uniform) || uniform.length !== 2) {
    throw new TypeError(`"uniform" takes a list of the least and the greatest ${type}`);
  }
  const [lo, hi] = uniform;
  switch (kindOf(type)) {
    case "vector":
      return uniformVector(parseBound(type, lo), parseBound(type, hi));
    case "integer":
      return uniformInteger(parseFieldValue(type, lo), parseFieldValue(type, hi));
    default:
      return uniformNumber(parseFinite(type, lo), parseFinite(type, hi));
  }
}

function kindOf(type: FieldType): "vector" | "integer" | "number" | undefined {
  switch (type) {
    case "vec2":
    case "vec3":
    case "vec4":
      return "vector";
    case "f32":
    case "f64":
      return "number";
    default:
      return /^[iu]\d+$/.test(type) ? "integer" : undefined;
  }
}

function parseFinite(type: FieldType, value: unknown): number {
  const number = parseFieldValue(type === "f32" ? "f32" : "f64", value);
  if (Number.isFinite(number)) return number as number;
  throw new TypeError(`"uniform" takes finite numbers, not ${number}`);
}

/** A vector's bound: a list, or one number for all elements. */
function parseBound(type: FieldType, value: unknown): number[] {
  const length = strideOf(type);
  const items = Array.isArray(value) ? value : new Array<unknown>(length).fill(value);
  return Array.from(parseFieldValue(type, items) as number[], (item) => parseFinite(type, item));
}

function checkOrder(lo: number | bigint, hi: number | bigint): void {
  if (lo > hi) throw new TypeError(`"uniform" takes the least value first, not [${lo}, ${hi}]`);
}

function uniformNumber(lo: number, hi: number): (random: () => number) => number {
  checkOrder(lo, hi);
  return (random) => lo + (hi - lo) * random();
}

function uniformVector(lo: readonly number[], hi: readonly number[]): Generator {
  const elements = lo.map((element, i) => uniformNumber(element, hi[i] ?? element));
  return (random) => elements.map((element) => element(random));
}

/** Both ends included; 64-bit ranges take two draws, so that every integer can come up. */
function uniformInteger(lo: FieldValue, hi: FieldValue): Generator {
  checkOrder(lo as number, hi as number);
  if (typeof lo === "bigint" && typeof hi === "bigint") {
    const count = hi - lo + 1n;
    return (random) => lo + (draw32(random) * 2n ** 32n + draw32(random)) % count;
  }
  const least = Number(lo);
  const count = Number(hi) - least + 1;
  return (random) => least + Math.floor(random() * count);
}

function draw32(random: () => number): bigint {
  return BigInt(Math.floor(random() * 2 ** 32));
}

/**
 * Points in a ball by rejection: points in the cube around it until one is
 * inside, 1.9 on average. It takes exact arithmetic only, so that the result is
 * the same on every machine, unlike with sines and roots.
 */
function parseSphere(type: FieldType, value: unknown): Generator {
  if (type !== "vec3") throw new TypeError(`${type} has no "sphere", only vec3 has`);
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) {
    throw new TypeError(`"sphere" takes a radius from 0 upwards`);
  }
  return (random) => {
    for (;;) {
      const [x, y, z] = [random() * 2 - 1, random() * 2 - 1, random() * 2 - 1];
      if (x * x + y * y + z * z <= 1) return [x * value, y * value, z * value];
    }
  };
}
