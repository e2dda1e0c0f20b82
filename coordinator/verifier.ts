/**
 * The verifier runs systems again over what the log says they ran over, and
 * compares what they give with what was logged. A script that depends on
 * anything but its arguments, or has changed since, is found out here.
 *
 * @module
 */
import { encode, type ValueType } from "@std/msgpack";
import type { Table } from "../lib/ecs/archetype.ts";
import type { Field } from "../lib/ecs/component.ts";
import type { Entity } from "../lib/ecs/entity.ts";
import { isFixed, strideOf } from "../lib/ecs/field_type.ts";
import type { World } from "../lib/ecs/world.ts";
import { errorMessage } from "../lib/error_message.ts";
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import { Broadcasts } from "../lib/runtime/broadcasts.ts";
import type { BroadcastSet } from "../lib/runtime/rows.ts";
import { ShardRunner } from "../lib/runtime/run_shard.ts";
import type { SystemFunction } from "../lib/runtime/system.ts";
import { decodeColumns, decodeSelection, encodeChunk } from "../lib/wire/chunk.ts";
import { decodePayload, encodeMessage } from "../lib/wire/codec.ts";
import {
  type ColumnData,
  columnKey,
  differingRows,
  type RowSelection,
} from "../lib/wire/column.ts";
import type { Chunk, MessageOf } from "../lib/wire/messages.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { Broadcaster } from "./broadcaster.ts";
import type { ReplayedRun } from "./replica.ts";
import { planShards, type ShardChunk } from "./shards.ts";

type Result = MessageOf<"ComponentShard">;

/** The first thing that a system gives otherwise than it is logged. */
export interface Mismatch {
  readonly tick: number;
  readonly system: string;
  /** What is the matter, in words. */
  readonly what: string;
  /** Where the matter is a value. */
  readonly value?: {
    readonly component: string;
    readonly field: string;
    readonly entity: Entity;
    readonly logged: ValueType;
    readonly rerun: ValueType;
  };
}

export interface VerifiedSystem {
  readonly manifest: SystemManifest;
  readonly run: SystemFunction;
}

export interface VerifierOptions {
  /** The replica's, which has the manifests' schema. */
  readonly world: World;
  /** Change tick of each system's last run that missed no shard, by name. */
  readonly lastRuns: ReadonlyMap<string, number>;
  readonly systems: ReadonlyMap<string, VerifiedSystem>;
}

/** Sets and schedules go through no server, but are cut as if they did. */
const PAYLOAD_BYTES_MAX = 8 * 1024 * 1024;
/** All that a verifier makes is of one term. */
const EPOCH = 0;
const MESSAGE_LENGTH_MAX = 500;

/** A system with what an instance of it has. */
interface Instance extends VerifiedSystem {
  readonly runner: ShardRunner;
  readonly broadcasts: Broadcasts;
}

export class Verifier {
  readonly #options: VerifierOptions;
  readonly #instances = new Map<string, Instance>();
  readonly #broadcaster: Broadcaster;
  /** Shards that have been run again. */
  shards = 0;

  constructor(options: VerifierOptions) {
    const { world, systems } = options;
    const { schema } = world;
    this.#options = options;
    for (const [name, { manifest, run }] of systems) {
      const runner = new ShardRunner({ schema, manifest, run });
      const broadcasts = new Broadcasts(schema, manifest);
      this.#instances.set(name, { manifest, run, runner, broadcasts });
    }
    this.#broadcaster = new Broadcaster({
      world,
      epoch: EPOCH,
      payloadBytesMax: PAYLOAD_BYTES_MAX,
      publish: ({ data }, { system }) =>
        this.#instances.get(system)?.broadcasts.receive(decodePayload("ComponentSet", data)),
    });
  }

  /** Runs a system again, before its logged results are merged; undefined when all is the same. */
  async check(run: ReplayedRun): Promise<Mismatch | undefined> {
    try {
      return await this.#check(run);
    } catch (error) {
      // What is logged is malformed.
      if (!(error instanceof WireError || error instanceof RangeError)) throw error;
      return { tick: run.tick, system: run.system, what: error.message };
    }
  }

  async #check(run: ReplayedRun): Promise<Mismatch | undefined> {
    const instance = this.#instances.get(run.system);
    const mismatch = (what: string) => ({ tick: run.tick, system: run.system, what });
    if (instance === undefined) return mismatch("the manifests have no such system");
    const selected = this.#select(instance.manifest);
    const results = run.results.flatMap((result) => result ?? []);
    const left = subtract(selected, results);
    if (left === undefined) {
      return mismatch("the log has results for rows that its manifest does not select");
    }
    const sets = selected.length === 0 ? {} : this.#takeSets(instance, run);
    for (const result of results) {
      const found = await this.#checkResult(instance, { run, sets, result });
      if (found) return found;
    }
    if (!run.isWhole) return undefined;
    for (const chunk of left) {
      const found = await this.#checkUnchanged(instance, { run, sets, chunk });
      if (found) return found;
    }
    return undefined;
  }

  /** The rows that the system ran over. */
  #select({ name, query }: SystemManifest): ShardChunk[] {
    const { world, lastRuns } = this.#options;
    const changedSince = lastRuns.get(name) ?? 0;
    const limits = { payloadBytesMax: PAYLOAD_BYTES_MAX, changedSince };
    return planShards(world.match(query), query, limits).flat();
  }

  #takeSets(
    { manifest, broadcasts }: Instance,
    { tick, changeTick }: ReplayedRun,
  ): Record<string, BroadcastSet> {
    const versions = this.#broadcaster.publish(manifest, { tick, changeTick });
    return Object.fromEntries(
      Object.entries(versions).flatMap(([name, version]) => {
        const set = broadcasts.get(name, { epoch: EPOCH, version });
        return set ? [[name, set] as const] : [];
      }),
    );
  }

  async #checkResult(
    instance: Instance,
    { run, sets, result }: {
      run: ReplayedRun;
      sets: Record<string, BroadcastSet>;
      result: Result;
    },
  ): Promise<Mismatch | undefined> {
    const { world } = this.#options;
    const selections = result.chunks.map((chunk) => ({
      table: tableOf(world, chunk),
      ...decodeSelection(chunk),
    }));
    const before = selections.map((chunk) => this.#encode(instance, chunk));
    const output = await this.#run(instance, { run, sets, chunks: before, shard: result.shard });
    const at = { tick: run.tick, system: run.system };
    if ("what" in output) return { ...at, what: output.what };
    for (const [i, logged] of result.chunks.entries()) {
      const pair = { logged, rerun: output.chunks[i], before: before[i] };
      const found = compareChunk(instance.manifest, selections[i], pair);
      if (found) return { ...at, ...found };
    }
    const command = firstDifference(result.commands, output.commands);
    if (command === undefined) return undefined;
    return { ...at, what: `its command ${command} of shard ${result.shard} is another` };
  }

  /** Rows without a logged result: the script must not have anything to say of them. */
  async #checkUnchanged(
    instance: Instance,
    { run, sets, chunk }: {
      run: ReplayedRun;
      sets: Record<string, BroadcastSet>;
      chunk: ShardChunk;
    },
  ): Promise<Mismatch | undefined> {
    const before = this.#encode(instance, chunk);
    const output = await this.#run(instance, { run, sets, chunks: [before], shard: 0 });
    const at = { tick: run.tick, system: run.system };
    if ("what" in output) return { ...at, what: output.what };
    const [rerun] = output.chunks;
    const unchanged = { ...rerun, columns: {}, patches: {} };
    const found = compareChunk(instance.manifest, chunk, { logged: unchanged, rerun, before });
    if (found) return { ...at, ...found };
    return output.commands.length === 0
      ? undefined
      : { ...at, what: "it has commands for rows that are logged without any" };
  }

  #encode({ manifest: { query } }: Instance, chunk: ShardChunk): Chunk {
    const accesses = [...query.read, ...query.write, ...query.optional];
    return encodeChunk(chunk.table, chunk, { accesses, entities: query.entities });
  }

  /** By way of a message, so that the script cannot reach into the world. */
  async #run(
    { runner, manifest }: Instance,
    { run, sets, chunks, shard }: {
      run: ReplayedRun;
      sets: Record<string, BroadcastSet>;
      chunks: readonly Chunk[];
      shard: number;
    },
  ): Promise<Pick<Result, "chunks" | "commands"> | { readonly what: string }> {
    this.shards++;
    const { data } = encodeMessage("SystemSchedule", {
      epoch: EPOCH,
      tick_id: run.tick,
      system: manifest.name,
      shard,
      attempt: 0,
      dt: run.dt,
      sets: {},
      chunks: [...chunks],
    });
    const decoded = runner.decode(decodePayload("SystemSchedule", data));
    try {
      return await runner.run(decoded, sets);
    } catch (error) {
      const reason = errorMessage(error);
      return { what: `its script throws: ${reason.slice(0, MESSAGE_LENGTH_MAX)}` };
    }
  }
}

/** @throws {RangeError} when the world has no such table. */
function tableOf(world: World, { archetype }: Chunk): Table {
  const table = world.tableById(archetype);
  if (table === undefined) throw new RangeError("a result has rows that the world has not");
  return table;
}

/** The selected rows that no result covers; undefined where one covers others. */
function subtract(
  selected: readonly ShardChunk[],
  results: readonly Result[],
): ShardChunk[] | undefined {
  const open = new Map<bigint, { table: Table; isOpen: Uint8Array }>();
  for (const chunk of selected) {
    const { table } = chunk;
    const entry = open.get(table.id) ?? { table, isOpen: new Uint8Array(table.count) };
    open.set(table.id, entry);
    turn(entry.isOpen, chunk, 1);
  }
  for (const chunk of results.flatMap(({ chunks }) => chunks)) {
    const isOpen = open.get(chunk.archetype)?.isOpen ?? new Uint8Array(0);
    if (!turn(isOpen, decodeSelection(chunk), 0)) return undefined;
  }
  return [...open.values()].flatMap(({ table, isOpen }) => {
    const rows: number[] = [];
    for (let row = isOpen.indexOf(1); row >= 0; row = isOpen.indexOf(1, row + 1)) rows.push(row);
    return rows.length === 0
      ? []
      : [{ table, first: 0, count: rows.length, rows: Uint32Array.from(rows) }];
  });
}

/** Sets the flag of each selected row; false when one has it already, or there is no such row. */
function turn(flags: Uint8Array, { first, count, rows }: RowSelection, to: 0 | 1): boolean {
  for (let i = 0; i < count; i++) {
    const row = rows ? rows[i] : first + i;
    if (row >= flags.length || flags[row] === to) return false;
    flags[row] = to;
  }
  return true;
}

interface ChunkPair {
  readonly logged: Chunk;
  readonly rerun: Chunk;
  /** The rows as they were before. */
  readonly before: Chunk;
}

/** The first row, and in it the first field, that differs. */
function compareChunk(
  { query: { write } }: SystemManifest,
  { table, first, rows }: ShardChunk,
  { logged, rerun, before }: ChunkPair,
): Pick<Mismatch, "what" | "value"> | undefined {
  const declared = new Set(
    write.flatMap(({ component, fields }) => fields.map((field) => columnKey(component, field))),
  );
  const keys = [...Object.keys(logged.columns), ...Object.keys(logged.patches ?? {})];
  const undeclared = keys.find((key) => !declared.has(key));
  if (undeclared) return { what: `its manifest does not say that it writes ${undeclared}` };
  const own = decodeColumns(before, write);
  const base = new Map(Array.from(own, ([key, data]) => [key, data.slice() as ColumnData]));
  const expected = decodeColumns(logged, write, { base });
  const actual = decodeColumns(rerun, write, { base: own });
  let found: { row: number; component: string; field: Field; key: string } | undefined;
  for (const { component, fields } of write) {
    for (const field of fields) {
      const key = columnKey(component, field);
      const row = firstRow(field, expected.get(key), actual.get(key));
      if (row === undefined || (found && found.row <= row)) continue;
      found = { row, component: component.name, field, key };
    }
  }
  if (found === undefined) return undefined;
  const { row, component, field, key } = found;
  const entity = table.entities[rows ? rows[row] : first + row];
  const value = {
    component,
    field: field.name,
    entity,
    logged: valueAt(field, expected.get(key), row),
    rerun: valueAt(field, actual.get(key), row),
  };
  return { what: `${component}.${field.name} of entity ${entity} is another`, value };
}

function firstRow(field: Field, a: ColumnData = [], b: ColumnData = []): number | undefined {
  const count = a.length / strideOf(field.type);
  const rows = differingRows(field, { before: a, after: b }, count);
  if (isFixed(field.type)) return rows[0];
  return rows.find((row) => !isSameValue(a[row] as ValueType, b[row] as ValueType));
}

function valueAt({ type }: Field, data: ColumnData = [], row: number): ValueType {
  const stride = strideOf(type);
  if (stride === 1) return data[row] as ValueType;
  return Array.from(data.slice(row * stride, (row + 1) * stride) as ArrayLike<number>);
}

/** Place of the first that differs, or that only one of the lists has. */
function firstDifference(a: readonly ValueType[], b: readonly ValueType[]): number | undefined {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if (i >= a.length || i >= b.length || !isSameValue(a[i], b[i])) return i;
  }
  return undefined;
}

function isSameValue(a: ValueType, b: ValueType): boolean {
  if (a === b) return true;
  const left = encode(a);
  const right = encode(b);
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}
