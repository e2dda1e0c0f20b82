/**
 * Rows as text for people and as plain values for programs.
 *
 * @module
 */
import type { Components } from "../lib/query/path.ts";
import type { ResultRow } from "../lib/query/rows.ts";
import { toJson } from "../lib/plain_json.ts";
import { formatTable } from "../lib/text_table.ts";

const CELL_LENGTH_MAX = 40;
/** Digits that an f32 has, about. */
const DIGITS = 7;

export interface RowOptions {
  /** Whether all components of each row were asked for. */
  readonly isEvery: boolean;
}

export interface TableOptions extends RowOptions {
  /** Those of the world, which know the units. */
  readonly components: Components;
  heading(text: string): string;
}

/** A table with a column for every field that a row has: `Velocity.linear (m/s)`. */
export function rowsText(
  rows: readonly ResultRow[],
  { heading, isEvery, components }: TableOptions,
): string[] {
  const keys = [...new Set(rows.flatMap(({ values }) => [...values.keys()]))].toSorted();
  const titles = keys.map((key) => columnTitle(components, key));
  const head = ["entity", ...isEvery ? ["components"] : [], ...titles];
  const [first, ...rest] = formatTable({
    head,
    rows: rows.map(({ entity, components, values }) => [
      `${entity}`,
      ...isEvery ? [(components ?? []).join(" ")] : [],
      ...keys.map((key) => values.has(key) ? cellText(values.get(key)) : "-"),
    ]),
    right: [0],
  });
  return [heading(first), ...rest];
}

/** One row on one line: `12 Health.hp=3 Label.text="ship"`. */
export function rowLine({ entity, values }: ResultRow): string {
  const fields = Array.from(values, ([key, value]) => `${key}=${cellText(value)}`);
  return [`${entity}`, ...fields].join(" ");
}

/** Field values by component: those that were read, or where everything was, tags as well. */
export function rowJson({ entity, components, values }: ResultRow, { isEvery }: RowOptions) {
  const byComponent: Record<string, Record<string, unknown>> = {};
  for (const name of isEvery ? components ?? [] : []) byComponent[name] = {};
  for (const [key, value] of values) {
    const [component, field] = key.split(".");
    (byComponent[component] ??= {})[field] = value;
  }
  return { entity, components: byComponent };
}

function columnTitle(components: Components, key: string): string {
  const [component, field] = key.split(".");
  const unit = components.get(component)?.fields.find(({ name }) => name === field)?.unit;
  return unit === undefined ? key : `${key} (${unit})`;
}

function cellText(value: unknown): string {
  const text = plainText(value);
  return text.length > CELL_LENGTH_MAX ? `${text.slice(0, CELL_LENGTH_MAX - 1)}…` : text;
}

function plainText(value: unknown): string {
  if (typeof value === "number") return numberText(value);
  if (typeof value === "bigint" || typeof value === "boolean") return `${value}`;
  const isNumbers = Array.isArray(value) && value.every((item) => typeof item === "number");
  return isNumbers ? `[${value.map(numberText).join(" ")}]` : toJson(value);
}

function numberText(value: number): string {
  return Number.isInteger(value) ? `${value}` : `${Number(value.toPrecision(DIGITS))}`;
}
