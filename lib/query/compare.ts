/**
 * How values compare: with what a condition holds, and with one another where
 * rows are sorted. The coordinator and whoever else evaluates queries agree here.
 *
 * @module
 */
import { UserError } from "../user_error.ts";
import type { Comparison, Scalar } from "../wire/condition.ts";
import type { ValueKind } from "./path.ts";

export type ComparisonOp = Comparison["op"];

const KIND_NAMES: Readonly<Record<ValueKind, string>> = {
  f32: "a number",
  number: "a number",
  integer: "a number",
  bool: "true or false",
  string: "a string",
  any: "a value",
};

/**
 * What a value of `kind` is compared with in place of `value`.
 * @throws {UserError} when the two do not compare, or not in this way.
 */
export function operandOf(kind: ValueKind, { op, path, value }: Comparison): Scalar {
  const type = typeof value === "bigint" ? "number" : typeof value;
  const isNumber = kind === "f32" || kind === "number" || kind === "integer";
  const expected = isNumber ? "number" : kind === "bool" ? "boolean" : kind;
  if (expected !== "any" && type !== expected) {
    throw new UserError(`"${path}" compares with ${KIND_NAMES[kind]}, not with ${show(value)}`);
  }
  const isOrdered = op === "<" || op === "<=" || op === ">" || op === ">=";
  if (type === "boolean" && isOrdered) {
    throw new UserError(`"${path}" takes = and != with ${value}, not ${op}`);
  }
  if (op === "contains" && (isNumber || kind === "bool")) {
    throw new UserError(
      `"${path}" is ${KIND_NAMES[kind]}, which contains nothing; it takes = and <`,
    );
  }
  // What is stored is no more precise: 0.1 is to be equal to 0.1.
  if (kind === "f32") return Math.fround(Number(value));
  return kind === "number" ? Number(value) : value;
}

function show(value: Scalar): string {
  return typeof value === "string" ? JSON.stringify(value) : `${value}`;
}

/** Whether `value op operand` is true; false where the two are of different types, but for `!=`. */
export function holds(op: ComparisonOp, value: unknown, operand: Scalar): boolean {
  switch (op) {
    case "=":
      return isEqual(value, operand);
    case "!=":
      return !isEqual(value, operand);
    case "contains":
      if (typeof value === "string") return typeof operand === "string" && value.includes(operand);
      return Array.isArray(value) && value.some((item) => isEqual(item, operand));
    default:
      return isOrderedAs(op, value, operand);
  }
}

function isOrderedAs(op: "<" | "<=" | ">" | ">=", value: unknown, operand: Scalar): boolean {
  if (!areComparable(value, operand)) return false;
  const [a, b] = [value as number, operand as number];
  if (op === "<") return a < b;
  if (op === "<=") return a <= b;
  return op === ">" ? a > b : a >= b;
}

/** Numbers are compared by value, whether or not they are bigints. */
function isEqual(value: unknown, operand: unknown): boolean {
  if (!areComparable(value, operand)) return value === operand;
  const [a, b] = [value as number, operand as number];
  return a <= b && a >= b;
}

function areComparable(a: unknown, b: unknown): boolean {
  return (isNumeric(a) && isNumeric(b)) || (typeof a === "string" && typeof b === "string");
}

function isNumeric(value: unknown): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

/** What rows are sorted by; undefined comes last, whichever way they are sorted. */
export type SortValue = number | bigint | string | undefined;

/** What a row is sorted by that has `value`; booleans count as 0 and 1. */
export function sortValue(value: unknown): SortValue {
  if (typeof value === "boolean") return Number(value);
  if (typeof value === "number") return Number.isNaN(value) ? undefined : value;
  return typeof value === "bigint" || typeof value === "string" ? value : undefined;
}

/** Below 0 where `a` comes before `b`: numbers ascending, then strings by code units, then nothing. */
export function compareSortValues(a: SortValue, b: SortValue, descending: boolean): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  const isString = typeof a === "string";
  const order = isString === (typeof b === "string")
    ? a < b ? -1 : a > b ? 1 : 0
    : isString
    ? 1
    : -1;
  return descending ? -order : order;
}
