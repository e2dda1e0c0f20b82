/**
 * Conditions on rows, evaluated on the columns of tables: for many rows at once,
 * or for single ones.
 *
 * @module
 */
import type { Table } from "../lib/ecs/archetype.ts";
import { ListColumn } from "../lib/ecs/column.ts";
import type { ComponentType, Schema } from "../lib/ecs/component.ts";
import { type ComparisonOp, holds, operandOf } from "../lib/query/compare.ts";
import { resolvePath } from "../lib/query/path.ts";
import { asWireError } from "../lib/wire/column.ts";
import type { Comparison, Condition, Scalar } from "../lib/wire/condition.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { RowValue } from "./row_value.ts";

/** A 1 for each row for which something holds. */
type Mask = Uint8Array;

/** Consecutive rows of a table. */
export interface RowRange {
  readonly first: number;
  readonly count: number;
}

/** Rows that are looked at in one piece, and numbers in them. */
const SLICE_ROWS_MAX = 16_384;
const SLICE_WORK_MAX = 250_000;

/** How many rows to look at in one piece, where each costs so much. */
export function sliceRows(workPerRow: number): number {
  return Math.min(SLICE_ROWS_MAX, Math.max(1, Math.floor(SLICE_WORK_MAX / (1 + workPerRow))));
}

export class RowFilter {
  readonly #node: Node;
  /** The components whose values it looks at. */
  readonly components: ReadonlySet<ComponentType>;

  /** @throws {WireError} when it names what is not there, or compares what does not. */
  constructor(schema: Schema, condition: Condition) {
    const components = new Set<ComponentType>();
    this.#node = nodeOf(schema, condition, components);
    this.components = components;
  }

  /** What a mask costs per row, in numbers compared. */
  work(table: Table): number {
    return this.#node.work(table);
  }

  mask(table: Table, range: RowRange): Mask {
    const mask = new Uint8Array(range.count);
    this.#node.fill(mask, table, range);
    return mask;
  }

  test(table: Table, row: number): boolean {
    return this.#node.test(table, row);
  }
}

interface Node {
  work(table: Table): number;
  /** Writes 0 or 1 for every row of the range. */
  fill(mask: Mask, table: Table, range: RowRange): void;
  test(table: Table, row: number): boolean;
}

function nodeOf(schema: Schema, condition: Condition, components: Set<ComponentType>): Node {
  if (!("of" in condition)) {
    const comparison = asWireError(() => new ComparisonNode(schema, condition));
    if (comparison.component) components.add(comparison.component);
    return comparison;
  }
  const of = condition.of.map((inner) => nodeOf(schema, inner, components));
  if (condition.op !== "not") return new JunctionNode(condition.op, of);
  if (of.length === 1) return new NegationNode(of[0]);
  throw new WireError(`Cannot query: "not" takes one condition, not ${of.length}`);
}

class JunctionNode implements Node {
  readonly #isAnd: boolean;
  readonly #of: readonly Node[];

  constructor(op: "and" | "or", of: readonly Node[]) {
    this.#isAnd = op === "and";
    this.#of = of;
  }

  work(table: Table): number {
    return this.#of.reduce((sum, node) => sum + node.work(table) + 1, -1);
  }

  fill(mask: Mask, table: Table, range: RowRange): void {
    this.#of[0].fill(mask, table, range);
    const other = new Uint8Array(this.#of.length > 1 ? range.count : 0);
    for (const node of this.#of.slice(1)) {
      node.fill(other, table, range);
      if (this.#isAnd) { for (let i = 0; i < mask.length; i++) mask[i] &= other[i]; }
      else for (let i = 0; i < mask.length; i++) mask[i] |= other[i];
    }
  }

  test(table: Table, row: number): boolean {
    return this.#isAnd
      ? this.#of.every((node) => node.test(table, row))
      : this.#of.some((node) => node.test(table, row));
  }
}

class NegationNode implements Node {
  readonly #of: Node;

  constructor(of: Node) {
    this.#of = of;
  }

  work(table: Table): number {
    return this.#of.work(table);
  }

  fill(mask: Mask, table: Table, range: RowRange): void {
    this.#of.fill(mask, table, range);
    for (let i = 0; i < mask.length; i++) mask[i] ^= 1;
  }

  test(table: Table, row: number): boolean {
    return !this.#of.test(table, row);
  }
}

class ComparisonNode implements Node {
  readonly #op: ComparisonOp;
  readonly #operand: Scalar;
  readonly #value: RowValue;

  constructor(schema: Schema, comparison: Comparison) {
    const path = resolvePath(schema, comparison.path);
    this.#op = comparison.op;
    this.#operand = operandOf(path.kind, comparison);
    this.#value = new RowValue(schema, path);
  }

  get component(): ComponentType | undefined {
    return this.#value.component;
  }

  work(table: Table): number {
    return this.#value.work(table);
  }

  fill(mask: Mask, table: Table, range: RowRange): void {
    const column = this.#value.columnIn(table);
    if (column === undefined) {
      mask.fill(0);
      return;
    }
    const { data, stride, lane } = column;
    const start = range.first * stride + lane;
    const isNumeric = !(column.source instanceof ListColumn) && typeof this.#operand === "number" &&
      !(data instanceof BigInt64Array || data instanceof BigUint64Array);
    if (isNumeric) {
      fillNumbers(mask, data as Float64Array, {
        start,
        stride,
        op: this.#op,
        operand: this.#operand as number,
      });
      return;
    }
    for (let i = 0; i < mask.length; i++) {
      mask[i] = Number(holds(this.#op, column.get(range.first + i), this.#operand));
    }
  }

  test(table: Table, row: number): boolean {
    const value = this.#value.at(table, row);
    return value !== undefined && holds(this.#op, value, this.#operand);
  }
}

interface Numbers {
  readonly start: number;
  readonly stride: number;
  readonly op: ComparisonOp;
  readonly operand: number;
}

/** One loop for each operator, without a branch in it. */
function fillNumbers(
  mask: Mask,
  data: Float64Array,
  { start, stride, op, operand }: Numbers,
): void {
  const { length } = mask;
  let at = start;
  switch (op) {
    case "=":
      for (let i = 0; i < length; i++, at += stride) mask[i] = data[at] === operand ? 1 : 0;
      break;
    case "!=":
      for (let i = 0; i < length; i++, at += stride) mask[i] = data[at] !== operand ? 1 : 0;
      break;
    case "<":
      for (let i = 0; i < length; i++, at += stride) mask[i] = data[at] < operand ? 1 : 0;
      break;
    case "<=":
      for (let i = 0; i < length; i++, at += stride) mask[i] = data[at] <= operand ? 1 : 0;
      break;
    case ">":
      for (let i = 0; i < length; i++, at += stride) mask[i] = data[at] > operand ? 1 : 0;
      break;
    case ">=":
      for (let i = 0; i < length; i++, at += stride) mask[i] = data[at] >= operand ? 1 : 0;
      break;
    default:
      mask.fill(0);
  }
}
