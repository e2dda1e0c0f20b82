/**
 * A signature tells whether two processes read the same manifest: what a system
 * is sent and may send back, and how the components in it are laid out.
 *
 * @module
 */
import type { ComponentType, Field } from "../ecs/component.ts";
import { digest64, digestHex } from "../ecs/digest.ts";
import type { Access, Query } from "../ecs/query.ts";
import type { SystemManifest } from "./manifest.ts";

/**
 * The XXH64 (seed 0), as 16 lower-case hex digits, of the system's
 * {@linkcode signatureText} in UTF-8.
 */
export function systemSignature(system: SystemManifest): string {
  return digestHex(digest64(signatureText(system)));
}

/**
 * The text that a signature is the digest of. Every line ends with `\n`:
 *
 * 1. the query's lines: `read Entity` if it reads entities, then per list, in
 *    the order `read`, `write`, `optional`, `with`, `without`, `changed`, a line
 *    per entry. In the first three that is `read Velocity.linear:vec3` for each
 *    field accessed, in the layout's order (a whole component is all of its
 *    fields); in the others `with Boid`. What is
 *    both read and written is in `write` only. Components come in the order in
 *    which the manifest's list first names them;
 * 2. per broadcast, by name in code unit order, `broadcast obstacles` and then
 *    the lines of its query;
 * 3. per component named in 1 or 2, by name in code unit order, its whole
 *    layout: `component Mesh asset:string extent:vec3`, or `component Boid`.
 */
export function signatureText({ query, broadcast }: SystemManifest): string {
  const broadcasts = [...broadcast].toSorted(([a], [b]) => compare(a, b));
  const queries = [query, ...broadcasts.map(([, query]) => query)];
  const components = new Set(queries.flatMap(componentsOf));
  const lines = [
    ...queryLines(query),
    ...broadcasts.flatMap(([name, query]) => [`broadcast ${name}`, ...queryLines(query)]),
    ...[...components].toSorted((a, b) => compare(a.name, b.name)).map(layoutLine),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function queryLines(query: Query): string[] {
  return [
    ...(query.entities ? ["read Entity"] : []),
    ...accessLines("read", query.read),
    ...accessLines("write", query.write),
    ...accessLines("optional", query.optional),
    ...query.with.map((component) => `with ${component.name}`),
    ...query.without.map((component) => `without ${component.name}`),
    ...query.changed.map((component) => `changed ${component.name}`),
  ];
}

function accessLines(list: string, accesses: readonly Access[]): string[] {
  return accesses.flatMap(({ component, fields }) =>
    fields.map((field) => `${list} ${component.name}.${fieldText(field)}`)
  );
}

function layoutLine({ name, fields }: ComponentType): string {
  return ["component", name, ...fields.map(fieldText)].join(" ");
}

function fieldText({ name, type }: Field): string {
  return `${name}:${type}`;
}

function componentsOf(query: Query): ComponentType[] {
  const accesses = [...query.read, ...query.write, ...query.optional];
  return [
    ...accesses.map((access) => access.component),
    ...query.with,
    ...query.without,
    ...query.changed,
  ];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
