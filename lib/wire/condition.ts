/**
 * What a query asks of the rows that it selects: conditions on their values, and
 * the order in which they are wanted. Paths are `Entity`, `Component.field`, or
 * `Component.field.lane` for one number of a vector.
 *
 * @module
 */
import * as z from "zod";
import { name, scalar } from "./values.ts";

/** Conditions inside one another. */
export const CONDITION_DEPTH_MAX = 32;
/** Conditions in all, whatever they are made of. */
export const CONDITIONS_MAX = 128;
export const SORT_KEYS_MAX = 8;

const COMPARISONS = ["=", "!=", "<", "<=", ">", ">=", "contains"] as const;

/** A number, boolean or string; entities are numbers. */
export type Scalar = z.output<typeof scalar>;

export interface Comparison {
  readonly op: (typeof COMPARISONS)[number];
  readonly path: string;
  readonly value: Scalar;
}

/** `not` takes exactly one. */
export interface Junction {
  readonly op: "and" | "or" | "not";
  readonly of: readonly Condition[];
}

export type Condition = Comparison | Junction;

const nested: z.ZodType<Condition> = z.lazy(() => variants);

const variants = z.discriminatedUnion("op", [
  z.object({ op: z.enum(["and", "or", "not"]), of: z.array(nested).min(1) }),
  z.object({ op: z.enum(COMPARISONS), path: name, value: scalar }),
]);

/** Checked before anything walks down it. */
const bounded = z.custom<Condition>(
  isBounded,
  `expected at most ${CONDITIONS_MAX} conditions, at most ${CONDITION_DEPTH_MAX} inside one another`,
);

export const condition = bounded.pipe(variants as z.ZodType<Condition, Condition>);

const sortKey = z.object({
  by: name,
  /** Largest first. */
  descending: z.boolean().optional(),
});

export const sort = z.array(sortKey).min(1).max(SORT_KEYS_MAX);

function isBounded(value: unknown): boolean {
  const open: { item: unknown; depth: number }[] = [{ item: value, depth: 1 }];
  for (let i = 0; i < open.length; i++) {
    const { item, depth } = open[i];
    if (typeof item !== "object" || item === null || !("of" in item)) continue;
    const { of } = item;
    if (!Array.isArray(of)) continue;
    if (depth === CONDITION_DEPTH_MAX || open.length + of.length > CONDITIONS_MAX) return false;
    for (const inner of of) open.push({ item: inner, depth: depth + 1 });
  }
  return true;
}
