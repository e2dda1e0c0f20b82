/**
 * Components and systems for the tests of the schedule graph.
 *
 * @module
 */
import { type ComponentType, componentType } from "../lib/ecs/component.ts";
import { type Access, createQuery, type Query } from "../lib/ecs/query.ts";
import type { SystemManifest } from "../lib/manifest/manifest.ts";

export const Position = tuple("Position", ["x", "y"]);
export const Velocity = tuple("Velocity", ["x", "y"]);
export const Mass = tuple("Mass", ["value"]);
export const Frozen = tuple("Frozen", []);
export const COMPONENTS = [Position, Velocity, Mass, Frozen];

function tuple(name: string, fields: readonly string[]): ComponentType {
  return componentType(name, fields.map((field) => ({ name: field, type: "f32", default: 0 })));
}

/** Access to one field, or to the whole component. */
export function access(component: ComponentType, field?: string): Access {
  return {
    component,
    fields: component.fields.filter(({ name }) => field === undefined || name === field),
  };
}

export function query(parts: Partial<Query>): Query {
  return createQuery(parts);
}

export interface Parts extends Partial<Query> {
  readonly broadcast?: Query;
  readonly after?: readonly string[];
  readonly before?: readonly string[];
}

/** A manifest that has only what the test is about. */
export function system(
  name: string,
  { broadcast, after = [], before = [], ...parts }: Parts = {},
): SystemManifest {
  return {
    name,
    queue: `q.${name}`,
    query: query(parts),
    broadcast: new Map(broadcast ? [["all", broadcast]] : []),
    after,
    before,
    deadlineMs: 50,
    onMiss: "skip",
    instances: 1,
    script: `/systems/${name}.ts`,
    file: `manifests/${name}.yaml`,
  };
}
