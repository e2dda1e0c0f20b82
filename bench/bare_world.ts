/**
 * A world as one would write it by hand: the systems' scripts are called one
 * after the other in this process, straight over the tables' typed arrays,
 * without a bus, an encoding or a copy. It is a floor, and it is the truth that
 * every other way to run the same world is held against.
 *
 * @module
 */
import type { ValueType } from "@std/msgpack";
import { delay, systemClock } from "../lib/clock.ts";
import type { Table } from "../lib/ecs/archetype.ts";
import { FixedColumn } from "../lib/ecs/column.ts";
import type { ComponentType, Field, Schema } from "../lib/ecs/component.ts";
import {
  allocate,
  type FieldType,
  isFixed,
  rowBytesOf,
  strideOf,
  type TypedArray,
} from "../lib/ecs/field_type.ts";
import type { Query } from "../lib/ecs/query.ts";
import type { World } from "../lib/ecs/world.ts";
import { worldDigest } from "../lib/ecs/world_digest.ts";
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import { Commands } from "../lib/runtime/commands.ts";
import { loadScript } from "../lib/runtime/load_script.ts";
import { BroadcastSet, Rows, type RowsInit } from "../lib/runtime/rows.ts";
import type { SystemFunction } from "../lib/runtime/system.ts";
import { type ColumnData, columnKey } from "../lib/wire/column.ts";
import { buildGraph } from "../coordinator/graph.ts";
import { initialState } from "../coordinator/world_state.ts";
import { HZ, type Setting } from "./setting.ts";

interface BareSystem {
  readonly manifest: SystemManifest;
  readonly run: SystemFunction;
  readonly rows: readonly Rows[];
}

export class BareWorld {
  readonly #world: World;
  readonly #systems: readonly BareSystem[];
  #tick = 0;

  /** Spawns the entities of `population` and loads the scripts of all of the manifests' systems. */
  static async open({ manifests, population }: Setting): Promise<BareWorld> {
    const { world } = initialState(manifests.schema, population);
    const archetypes = world.tables().map(({ components }) => new Set(components));
    const systems = buildGraph(manifests.systems, archetypes).nodes.map(async ({ system }) => {
      const { run } = await loadScript(system);
      const { query } = system;
      const rows = world.match(query).filter(({ count }) => count > 0)
        .map((table) => new Rows(init(manifests.schema, query, [table])));
      return { manifest: system, run, rows };
    });
    return new BareWorld(world, await Promise.all(systems));
  }

  private constructor(world: World, systems: readonly BareSystem[]) {
    this.#world = world;
    this.#systems = systems;
  }

  /** Runs `ticks` ticks, and resolves with the milliseconds that each of them took. */
  async run(ticks: number): Promise<number[]> {
    const times: number[] = [];
    for (let i = 0; i < ticks; i++) {
      const startedAt = performance.now();
      await this.#runTick(++this.#tick);
      times.push(performance.now() - startedAt);
      // Whoever else is in this process gets to hear of the others in between.
      await delay(systemClock, 0);
    }
    return times;
  }

  /** What the values of all rows take; the entities' own column is not among them. */
  get columnBytes(): number {
    const bytesOf = ({ count, stores }: Table) =>
      stores.flatMap(({ columns }) => columns)
        .reduce((sum, { field }) => sum + count * rowBytesOf(field.type), 0);
    return this.#world.tables().reduce((sum, table) => sum + bytesOf(table), 0);
  }

  /** Copies the columns and change marks of all rows, and returns the ms that takes. */
  copy(): number {
    const startedAt = performance.now();
    const copies = this.#world.tables().flatMap(({ entities, count, stores }) => [
      entities.slice(0, count),
      ...stores.flatMap(({ changed, columns }) => [
        changed.slice(0, count),
        ...columns.map((column) =>
          column.data.slice(0, count * (column instanceof FixedColumn ? column.stride : 1))
        ),
      ]),
    ]);
    const copyMs = performance.now() - startedAt;
    if (copies.length === 0) throw new Error("Cannot copy a world without tables");
    return copyMs;
  }

  digest(): bigint {
    return worldDigest(this.#world);
  }

  async #runTick(tick: number): Promise<void> {
    const commands = new Commands();
    for (const { manifest, run, rows: all } of this.#systems) {
      const broadcast = this.#sets(manifest);
      for (const rows of all) {
        const pending = run({ rows, dt: 1 / HZ, tick, broadcast, commands });
        if (pending) await pending;
      }
    }
    if (commands.buffer.length === 0) return;
    throw new Error("Cannot run a bare world whose systems spawn or despawn");
  }

  #sets({ broadcast }: SystemManifest): Record<string, BroadcastSet> {
    const sets: Record<string, BroadcastSet> = {};
    for (const [name, query] of broadcast) {
      const tables = this.#world.match(query).filter(({ count }) => count > 0);
      sets[name] = new BroadcastSet(init(this.#world.schema, query, tables));
    }
    return sets;
  }
}

/** The tables' own columns where there is one table; several are joined. */
function init(schema: Schema, query: Query, tables: readonly Table[]): RowsInit {
  const columns = new Map<string, ColumnData>();
  for (const { component, fields } of [...query.read, ...query.write, ...query.optional]) {
    const isThere = tables.some((table) => table.has(component));
    if (!isThere && query.optional.some((access) => access.component === component)) continue;
    for (const field of fields) {
      const parts = tables.map((table) => columnOf(table, component, field));
      columns.set(columnKey(component, field), join(field.type, parts));
    }
  }
  const count = tables.reduce((sum, table) => sum + table.count, 0);
  return { source: "a bare world", schema, query, count, columns };
}

function columnOf(table: Table, component: ComponentType, field: Field): ColumnData {
  const column = table.store(component)?.columns.find((column) => column.field === field);
  if (column instanceof FixedColumn) return column.data.subarray(0, table.count * column.stride);
  return column?.data ?? [];
}

function join(type: FieldType, parts: readonly ColumnData[]): ColumnData {
  if (parts.length === 1) return parts[0];
  if (!isFixed(type)) return parts.flatMap((part) => part as ValueType[]);
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const joined = allocate(type, length / strideOf(type));
  let at = 0;
  for (const part of parts as readonly TypedArray[]) {
    joined.set(part as never, at);
    at += part.length;
  }
  return joined;
}
