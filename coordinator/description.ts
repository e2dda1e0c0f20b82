/**
 * What the coordinator says of its world and its systems, where somebody asks.
 *
 * @module
 */
import type { Table } from "../lib/ecs/archetype.ts";
import type { Access } from "../lib/ecs/query.ts";
import type { World } from "../lib/ecs/world.ts";
import type { Annotations } from "../lib/manifest/annotation.ts";
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import { encodeFieldValue } from "../lib/wire/command.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import { conflictFields } from "./conflict.ts";
import { type Graph, reducedEdges } from "./graph.ts";
import { levelsOf } from "./plan.ts";
import type { RegisteredInstance } from "./registry.ts";
import type { Stats } from "./stats.ts";
import type { TickTraces } from "./tick_traces.ts";

/** Archetypes that an answer lists, and components in all of them. */
const ARCHETYPES_MAX = 4096;
const ARCHETYPE_COMPONENTS_MAX = 16_384;
/** Ticks that the percentiles are of. */
const TICKS = 120;
/** Share of a message that units and descriptions take at the most; values are read without. */
const ANNOTATIONS_SHARE_MAX = 0.5;
/** An annotation's keys and lengths in a message, */
const ANNOTATION_BYTES = 32;
/** and at the most each UTF-16 unit of its texts. */
const CHARACTER_BYTES_MAX = 3;

export interface SchemaDescriptionOptions {
  /** The name in the world's manifest. */
  readonly worldName?: string | undefined;
  /** None by default. */
  readonly annotations?: Annotations;
  /** Of the message to answer with. */
  readonly payloadBytesMax?: number;
}

/** The components, annotated as far as there is room, and the archetypes that have rows. */
export function describeSchema(
  world: World,
  { worldName, annotations = new Map(), payloadBytesMax = Infinity }: SchemaDescriptionOptions = {},
): MessageOf<"SchemaReply"> {
  const told = annotationsWithin(annotations, payloadBytesMax * ANNOTATIONS_SHARE_MAX);
  const leftOut = annotations.size - told.size;
  const tables = world.tables().filter(({ count }) => count > 0)
    .toSorted((a, b) => b.count - a.count);
  return {
    ...(worldName !== undefined && { world: worldName }),
    components: Array.from(world.schema.values(), (component) => ({
      name: component.name,
      ...told.get(component.name),
      fields: component.fields.map((field) => ({
        name: field.name,
        type: field.type,
        default: encodeFieldValue(field.default),
        ...told.get(`${component.name}.${field.name}`),
      })),
    })),
    ...(leftOut > 0 && { annotations_left_out: leftOut }),
    archetypes: listed(tables).map(({ components, count }) => ({
      components: components.map((component) => component.name),
      count,
    })),
    archetype_count: tables.length,
  };
}

/** The first annotations, as many as take no more than so many bytes. */
function annotationsWithin(annotations: Annotations, bytesMax: number): Annotations {
  let bytes = 0;
  const end = [...annotations.values()].findIndex(({ description = "", unit = "" }) => {
    bytes += ANNOTATION_BYTES + CHARACTER_BYTES_MAX * (description.length + unit.length);
    return bytes > bytesMax;
  });
  return end < 0 ? annotations : new Map([...annotations].slice(0, end));
}

function listed(tables: readonly Table[]): readonly Table[] {
  let components = 0;
  const end = tables.findIndex((table, i) => {
    components += table.components.length;
    return i === ARCHETYPES_MAX || components > ARCHETYPE_COMPONENTS_MAX;
  });
  return end < 0 ? tables : tables.slice(0, end);
}

/** The systems in the order in which they would run one after the other. */
export function describeGraph(graph: Graph): MessageOf<"GraphReply"> {
  const edges = reducedEdges(graph);
  const levels = levelsOf(graph);
  return {
    systems: graph.nodes.map((node) => {
      const { name, queue, deadlineMs, onMiss } = node.system;
      const after = edges.filter(({ to }) => to === name).map(({ from }) => from);
      return {
        name,
        queue,
        deadline_ms: deadlineMs,
        on_miss: onMiss,
        ...accessesOf(node.system),
        after,
        rowwise: after.filter((before) => node.rowwise.has(before)),
        level: levels.findIndex((level) => level.includes(node)) + 1,
      };
    }),
    ambiguities: graph.ambiguities.map(({ from, to, conflicts }) => ({
      first: from,
      second: to,
      fields: conflictFields(conflicts),
    })),
  };
}

/** Fields as `Component.field`, and tags by their names. */
function accessesOf({ query, broadcast }: SystemManifest): { reads: string[]; writes: string[] } {
  const sets = [...broadcast.values()].flatMap(({ read, optional }) => [...read, ...optional]);
  const selecting = [...query.with, ...query.changed].map(({ name }) => name);
  const reads = [...query.read, ...query.optional, ...sets].flatMap(fieldNames);
  return {
    reads: [...new Set([...reads, ...selecting])],
    writes: [...new Set(query.write.flatMap(fieldNames))],
  };
}

function fieldNames({ component, fields }: Access): string[] {
  const names = fields.map((field) => `${component.name}.${field.name}`);
  return names.length === 0 ? [component.name] : names;
}

export interface SystemsView {
  readonly tick: number;
  readonly now: number;
  readonly stats: Stats;
  readonly traces: TickTraces;
  instancesOf(system: string): readonly RegisteredInstance[];
}

/** How systems and their instances fare. */
export function describeSystems(view: SystemsView): MessageOf<"SystemsReply"> {
  const { stats, traces, tick } = view;
  const systems = Array.from(stats.systems, ([name, counts]) => {
    const { errors, late, skipped, ticks, lastError } = counts;
    const instances = view.instancesOf(name).map((instance) => instanceOf(instance, view.now));
    const computeMs = traces.computeMs(name);
    return [name, {
      instances,
      errors,
      late,
      skipped,
      ticks,
      bytes_sent: counts.bytesSent,
      bytes_received: counts.bytesReceived,
      compute_ms_per_tick: computeMs,
      ...(lastError && { last_error: lastError }),
    }] as const;
  });
  return {
    tick_id: tick,
    systems: Object.fromEntries(systems),
    tick_ms_p50: stats.tickMs(0.5, TICKS),
    tick_ms_p99: stats.tickMs(0.99, TICKS),
  };
}

/** What the systems have done so far, as a status has it. */
export function describeCounts(
  { systems }: Stats,
  instancesOf: SystemsView["instancesOf"],
): MessageOf<"ControlReply">["systems"] {
  const counts = Array.from(systems, ([name, { shards, rows, errors, late, skipped }]) => {
    const instances = instancesOf(name);
    const load = instances.reduce((sum, { load }) => sum + load, 0) / (instances.length || 1);
    const system = { instances: instances.length, load, shards, rows, errors, late, skipped };
    return [name, system] as const;
  });
  return Object.fromEntries(counts);
}

function instanceOf(instance: RegisteredInstance, now: number) {
  const { id, sinceTick, seenAt, load, shards, rows, errors, refused, credits } = instance;
  return {
    instance_id: id,
    since_tick: sinceTick,
    load,
    shards,
    rows,
    errors,
    refused,
    credits,
    silent_ms: Math.max(0, now - seenAt),
  };
}
