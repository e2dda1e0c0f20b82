/**
 * Checks a YAML source against a zod shape and goes on past mistakes: every one
 * of them is reported at its place, and what is left out of the result is only
 * what was wrong. The same shapes make the editors' JSON Schemas.
 *
 * A shape's error text says what is taken there: `a list of components`.
 *
 * @module
 */
import { z } from "zod";
import { suggestion } from "./nearest.ts";
import type { Path, YamlSource } from "./yaml_source.ts";

/** A `T` from which any part may be missing, because it was wrong. */
export type Lenient<T> = T extends readonly (infer Item)[] ? (Lenient<Item> | undefined)[]
  : T extends object ? { [K in keyof T]?: Lenient<T[K]> | undefined }
  : T;

/** The source's value as far as it has the shape; the rest is reported to the source. */
export function checkShape<S extends z.ZodType>(
  source: YamlSource,
  shape: S,
): Lenient<z.output<S>> | undefined {
  return check(source, shape, { path: [], value: source.value }) as
    | Lenient<z.output<S>>
    | undefined;
}

/** `value` as messages show it. */
export function showValue(value: unknown): string {
  const text = JSON.stringify(value, (_, item) => typeof item === "bigint" ? `${item}` : item) ??
    String(value);
  return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text;
}

const SHOWN_LENGTH_MAX = 60;

interface Part {
  readonly path: Path;
  readonly value: unknown;
}

function check(source: YamlSource, shape: z.core.$ZodType, part: Part): unknown {
  const inner = chooseShape(shape, part.value);
  if (inner instanceof z.ZodObject && isMap(part.value)) {
    return checkMap(source, inner, { path: part.path, value: part.value });
  }
  if (inner instanceof z.ZodRecord && isMap(part.value)) {
    return checkRecord(source, inner, { path: part.path, value: part.value });
  }
  if (inner instanceof z.ZodArray && Array.isArray(part.value)) {
    const { element } = inner;
    return part.value.map((value, i) => check(source, element, { path: [...part.path, i], value }));
  }
  return checkLeaf(source, inner, part);
}

function checkMap(
  source: YamlSource,
  shape: z.ZodObject,
  { path, value }: { path: Path; value: Record<string, unknown> },
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const keys = Object.keys(shape.shape);
  for (const key of Object.keys(value)) {
    const keyShape = Object.hasOwn(shape.shape, key) ? shape.shape[key] : shape.def.catchall;
    if (keyShape === undefined || keyShape instanceof z.ZodNever) {
      source.report([...path, key], `unknown key "${key}"${suggestion(key, keys)}`, "key");
    } else {
      result[key] = check(source, keyShape, { path: [...path, key], value: value[key] });
    }
  }
  for (const key of keys.filter((key) => !Object.hasOwn(value, key))) {
    const absent = z.safeParse(shape.shape[key] as z.ZodType, undefined);
    if (absent.success) result[key] = absent.data;
    else source.report(path, `"${key}" is missing`);
  }
  return result;
}

function checkRecord(
  source: YamlSource,
  shape: z.ZodRecord,
  { path, value }: { path: Path; value: Record<string, unknown> },
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const keyPath = [...path, key];
    const { success, error } = z.safeParse(shape.keyType, key);
    if (success) {
      result[key] = check(source, shape.valueType, { path: keyPath, value: value[key] });
    } else source.report(keyPath, `"${key}" is not ${error.issues[0]?.message}`, "key");
  }
  return result;
}

function checkLeaf(source: YamlSource, shape: z.core.$ZodType, part: Part): unknown {
  const { success, data, error } = z.safeParse(shape, part.value);
  if (success) return data;
  const taken = error.issues[0]?.message ?? "something else";
  const where = part.path.findLast((step) => typeof step === "string");
  const subject = where === undefined ? "the file" : `"${where}"`;
  const meant = typeof part.value === "string" ? suggestion(part.value, optionsOf(shape)) : "";
  source.report(part.path, `${subject} takes ${taken}, not ${showValue(part.value)}${meant}`);
  return undefined;
}

/** The texts that an enumeration takes, or a union with one in it. */
function optionsOf(shape: z.core.$ZodType): string[] {
  if (shape instanceof z.ZodUnion) return shape.options.flatMap(optionsOf);
  return shape instanceof z.ZodEnum ? shape.options.map(String) : [];
}

/** Looks through defaults and optionals, and takes the option of a union that fits best. */
function chooseShape(shape: z.core.$ZodType, value: unknown): z.core.$ZodType {
  if (shape instanceof z.ZodOptional || shape instanceof z.ZodDefault) {
    return chooseShape(shape.unwrap(), value);
  }
  if (!(shape instanceof z.ZodUnion)) return shape;
  const option = shape.options.find((option) => isMap(value) && option instanceof z.ZodObject);
  return option ?? shape;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Uint8Array);
}
