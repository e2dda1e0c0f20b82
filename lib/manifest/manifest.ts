/**
 * What the YAML manifests say, validated and resolved against the schema. This
 * is all that the coordinator knows of a system: it never imports a script.
 *
 * @module
 */
import type { ComponentValue, Schema } from "../ecs/component.ts";
import type { Query } from "../ecs/query.ts";
import type { Annotations } from "./annotation.ts";

/** What a tick does about a system that no instance can run: go on without it, or wait. */
export type OnMiss = "skip" | "hold";

export interface SystemManifest {
  readonly name: string;
  /** NATS queue group of the system's instances. */
  readonly queue: string;
  readonly query: Query;
  /** Whole result sets that every instance is given, read-only, by name. */
  readonly broadcast: ReadonlyMap<string, Query>;
  /** Systems that run earlier, or later, in the tick where they have a conflict with this one. */
  readonly after: readonly string[];
  readonly before: readonly string[];
  /** Time that one attempt at a shard is given before another instance gets it. */
  readonly deadlineMs: number;
  readonly onMiss: OnMiss;
  /** Instances that the demo starts. */
  readonly instances: number;
  /** Absolute path of the script. */
  readonly script: string;
  /** Path of the manifest, as errors name it. */
  readonly file: string;
}

/** Component values of one entity to spawn, by component name; fields left out take defaults. */
export type EntityComponents = Readonly<Record<string, ComponentValue>>;

/** Entities with the same components, by component name. */
export interface EntityGroup {
  readonly components: readonly string[];
  readonly count: number;
}

export interface WorldManifest {
  readonly name: string;
  /** The entities in spawn order; the same ones every time it is called. */
  entities(): Iterable<EntityComponents>;
  /** How many of them have which components: what there is room for from the start. */
  readonly groups: readonly EntityGroup[];
  readonly file: string;
}

/** One folder of manifests. */
export interface Manifests {
  /** Absolute path of the folder. */
  readonly folder: string;
  readonly schema: Schema;
  readonly annotations: Annotations;
  /** In manifest order: by file name. */
  readonly systems: readonly SystemManifest[];
  readonly worlds: ReadonlyMap<string, WorldManifest>;
}
