/**
 * A query as people write it: which rows, of which some are left out, in which
 * order, and how many. This is what a request carries, by the same names.
 *
 * @module
 */
import type { Condition } from "../wire/condition.ts";
import type { WireQuery } from "../wire/messages.ts";

export interface SortKey {
  /** `Entity`, `Component.field` or `Component.field.lane`. */
  readonly by: string;
  readonly descending?: boolean | undefined;
}

export interface QuerySpec {
  readonly query: Pick<WireQuery, "read" | "optional" | "with" | "without">;
  readonly where?: Condition | undefined;
  readonly sort?: readonly SortKey[] | undefined;
  /** Rows in all, over all pages. */
  readonly limit?: number | undefined;
}

/** Stands for every component, in `optional`. */
export const EVERYTHING = "*";
