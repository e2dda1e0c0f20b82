/**
 * Snapshots and their differences as text for people and as plain values for programs.
 *
 * @module
 */
import { formatBytes } from "../lib/byte_size.ts";
import { formatDate } from "../lib/clock.ts";
import { digestHex } from "../lib/ecs/digest.ts";
import type { FieldValue } from "../lib/ecs/field_type.ts";
import { describeDifferences, type SchemaDifference } from "../lib/snapshot/schema_difference.ts";
import type { SnapshotInfo, SnapshotManifest } from "../lib/snapshot/snapshot_manifest.ts";
import type { EntitySample, WorldDifference } from "../lib/snapshot/world_difference.ts";
import { toJson } from "../lib/plain_json.ts";
import { formatTable } from "../lib/text_table.ts";
import type { ListedSnapshot, SnapshotList } from "./snapshot_commands.ts";

/** Renders a table's head; nothing else is ever styled. */
export type Heading = (text: string) => string;

const VALUE_LENGTH_MAX = 60;

export function listText({ snapshots, damaged }: SnapshotList, heading: Heading): string {
  if (snapshots.length + damaged.length === 0) return "There are no snapshots.";
  const [head, ...rows] = formatTable({
    head: ["id", "kind", "tick", "entities", "size", "taken", "log", "note"],
    rows: snapshots.map(listRow),
    right: [2, 3, 4],
  });
  const damages = damaged.map(({ id, reason }) => `${id} is damaged: ${reason}`);
  return [heading(head), ...rows, ...damages].join("\n");
}

function listRow({ meta, entities, bytes, isGoneOnFrom }: ListedSnapshot): string[] {
  return [
    meta.id,
    meta.kind,
    `${meta.tick}`,
    `${entities}`,
    formatBytes(bytes),
    formatDate(meta.createdAt),
    isGoneOnFrom ? "goes on" : "-",
    meta.note ?? "",
  ];
}

/** Such as `t120: 6026 entities at tick 120, 1.3 MB`. */
export function infoText({ meta, entities, bytes }: SnapshotInfo): string {
  return `${meta.id}: ${entities} entities at tick ${meta.tick}, ${formatBytes(bytes)}`;
}

export function manifestText(manifest: SnapshotManifest, heading: Heading): string {
  const { parts, tables, components } = manifest;
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  const facts: [string, string][] = [
    ["snapshot", manifest.snapshot],
    ["kind", manifest.kind],
    ["taken", formatDate(manifest.created_ms)],
    ["tick", `${manifest.tick_id}, of term ${manifest.epoch}`],
    ["digest", digestHex(manifest.digest)],
    ["entities", `${manifest.entities}, the next is ${manifest.next_entity}`],
    ["size", `${formatBytes(bytes)} in ${parts.length} parts`],
    ["log from", `${manifest.sequence}`],
  ];
  if (manifest.restored_in !== undefined) facts.push(["restored in", `${manifest.restored_in}`]);
  if (manifest.note !== undefined) facts.push(["note", manifest.note]);
  const width = Math.max(...facts.map(([name]) => name.length));
  const archetypes = formatTable({
    head: ["rows", "archetype"],
    rows: tables.filter(({ count }) => count > 0).map((table) => [
      `${table.count}`,
      table.components.map(({ name }) => name).join(" ") || "(no components)",
    ]),
    right: [0],
  });
  const layouts = formatTable({
    head: ["component", "fields"],
    rows: components.map(({ name, fields }) => [
      name,
      fields.map((field) => `${field.name}:${field.type}`).join(" ") || "(a tag)",
    ]),
  });
  return [
    ...facts.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
    "",
    heading(archetypes[0]),
    ...archetypes.slice(1),
    "",
    heading(layouts[0]),
    ...layouts.slice(1),
  ].join("\n");
}

/** Two snapshots, and in what they differ. */
export interface SnapshotDifference {
  readonly schema: readonly SchemaDifference[];
  readonly world: WorldDifference;
}

export function differenceText({ schema, world }: SnapshotDifference, heading: Heading): string {
  const { created, destroyed, components } = world;
  const lines: string[] = [];
  if (schema.length > 0) lines.push(heading("layouts"), describeDifferences(schema), "");
  if (created.count > 0) lines.push(`created    ${entitiesText(created)}`);
  if (destroyed.count > 0) lines.push(`destroyed  ${entitiesText(destroyed)}`);
  if (components.length > 0) {
    const [head, ...rows] = formatTable({
      head: ["component", "changed", "added", "removed"],
      rows: components.map(({ name, changed, added, removed }) =>
        [name, changed, added, removed].map(String)
      ),
      right: [1, 2, 3],
    });
    lines.push(...(lines.length > 0 ? [""] : []), heading(head));
    for (const [i, row] of rows.entries()) {
      const examples = components[i].examples.map(({ entity, field, before, after }) =>
        `  entity ${entity} ${field}: ${valueText(before)} -> ${valueText(after)}`
      );
      lines.push(row, ...examples);
    }
  }
  return lines.length === 0 ? "There is no difference." : lines.join("\n");
}

function entitiesText({ count, first }: EntitySample): string {
  const more = count > first.length ? ", ..." : "";
  return `${count} ${count === 1 ? "entity" : "entities"}: ${first.join(", ")}${more}`;
}

export function valueText(value: FieldValue): string {
  const text = toJson(value);
  return text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX)}...` : text;
}

/** What a program gets to know of a snapshot. */
export function infoJson({ meta, entities, bytes, parts }: SnapshotInfo) {
  const { id, kind, tick, epoch, digest, sequence, createdAt, restoredIn, note } = meta;
  return {
    id,
    kind,
    tick,
    epoch,
    digest: digestHex(digest),
    sequence,
    created: formatDate(createdAt),
    restored_in: restoredIn,
    note,
    entities,
    bytes,
    parts,
  };
}
