/**
 * Queries as text: what {@linkcode parseQueryText} makes a query of again.
 *
 * @module
 */
import type { Condition, Scalar } from "../wire/condition.ts";
import type { QuerySpec } from "./spec.ts";

/** How tightly conditions bind; what binds less than its surroundings gets parentheses. */
const BINDING = { or: 0, and: 1, not: 2 } as const;

export function formatQueryText({ query, where, sort, limit }: QuerySpec): string {
  const terms = [
    ...query.read ?? [],
    ...(query.optional ?? []).map((name) => name === "*" ? name : `?${name}`),
    ...(query.with ?? []).map((name) => `+${name}`),
    ...(query.without ?? []).map((name) => `!${name}`),
  ];
  const keys = sort?.map(({ by, descending }) => descending ? `${by} desc` : by) ?? [];
  return [
    terms.join(", ") || "*",
    ...(where ? [`where ${formatCondition(where)}`] : []),
    ...(keys.length > 0 ? [`sort by ${keys.join(", ")}`] : []),
    ...(limit === undefined ? [] : [`limit ${limit}`]),
  ].join(" ");
}

function formatCondition(condition: Condition): string {
  if (!("of" in condition)) {
    return `${condition.path} ${condition.op} ${formatScalar(condition.value)}`;
  }
  const { op, of } = condition;
  const parts = of.map((inner) => {
    const isBound = !("of" in inner) || BINDING[inner.op] > BINDING[op] ||
      (op === "not" && inner.op === "not");
    return isBound ? formatCondition(inner) : `(${formatCondition(inner)})`;
  });
  return op === "not" ? `not ${parts[0]}` : parts.join(` ${op} `);
}

function formatScalar(value: Scalar): string {
  if (typeof value === "string") return JSON.stringify(value);
  // All digits of a large integer would say that it is exact.
  const isInexact = typeof value === "number" && Number.isInteger(value) &&
    !Number.isSafeInteger(value);
  return isInexact ? value.toExponential() : `${value}`;
}
