/**
 * What the coordinator says of its world and its systems, where somebody asks.
 *
 * @module
 */
import type { Table } from "../lib/ecs/archetype.ts";
import type { Access } from "../lib/ecs/query.ts";
import type { World } from "../lib/ecs/world.ts";
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

/** The components, and the archetypes that have rows. */
export function describeSchema(world: World, name: string | undefined): MessageOf<"SchemaReply"> {
  const tables = world.tables().filter(({ count }) => count > 0)
    .toSorted((a, b) => b.count - a.count);
  return {
    ...(name !== undefined && { world: name }),
    components: Array.from(world.schema.values(), (component) => ({
      name: component.name,
      fields: component.fields.map((field) => ({
        name: field.name,
        type: field.type,
        default: encodeFieldValue(field.default),
      })),
    })),
    archetypes: listed(tables).map(({ components, count }) => ({
      components: components.map((component) => component.name),
      count,
    })),
    archetype_count: tables.length,
  };
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
