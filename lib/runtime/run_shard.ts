/**
 * Runs a script over one shard. Pure but for the script: the same schedule and
 * sets give the same result on every instance.
 *
 * @module
 */
import type { Schema } from "../ecs/component.ts";
import type { SystemManifest } from "../manifest/manifest.ts";
import {
  collectChanges,
  decodeChunkEntities,
  decodeColumns,
  decodeSelection,
} from "../wire/chunk.ts";
import { type ColumnData, columnKey, encodeColumn } from "../wire/column.ts";
import type { Chunk, MessageOf, WireCommand } from "../wire/messages.ts";
import { type ColumnChange, encodeDifference } from "../wire/patch.ts";
import { WireError } from "../wire/wire_error.ts";
import { Commands } from "./commands.ts";
import { type ResidentChunk, Residents } from "./residents.ts";
import { type BroadcastSet, Rows } from "./rows.ts";
import type { SystemFunction } from "./system.ts";

type Schedule = MessageOf<"SystemSchedule">;
type Columns = ReadonlyMap<string, ColumnData>;

/** What a shard's run gave: the changed columns of each chunk, and the commands. */
export interface ShardOutput {
  readonly chunks: Chunk[];
  readonly commands: WireCommand[];
  readonly rows: number;
  /** True when the columns are kept for the next tick. */
  readonly kept: boolean;
}

/** A schedule that is ready to run. */
export interface DecodedShard {
  readonly schedule: Schedule;
  readonly chunks: readonly DecodedChunk[];
}

/** All columns of a chunk; the script changes the written ones in place. */
interface DecodedChunk extends ResidentChunk {
  readonly chunk: Chunk;
  readonly rows: Rows;
}

export interface ShardRunnerOptions {
  readonly schema: Schema;
  readonly manifest: SystemManifest;
  readonly run: SystemFunction;
}

export class ShardRunner {
  readonly #options: ShardRunnerOptions;
  readonly #residents = new Residents();

  constructor(options: ShardRunnerOptions) {
    this.#options = options;
  }

  /** Drops the columns that are kept, which another coordinator knows nothing of. */
  forget(): void {
    this.#residents.clear();
  }

  /**
   * Decodes every chunk before any is run, so that a malformed schedule has no effect.
   * @throws {WireError} when a chunk is malformed, or its range is not resident here.
   */
  decode(schedule: Schedule): DecodedShard {
    const { epoch, base, range } = schedule;
    const resident = base !== undefined && range !== undefined
      ? this.#residents.take(range, { epoch, tick: base })
      : undefined;
    if (base !== undefined && resident === undefined) {
      throw new WireError(`Cannot run: its rows as of tick ${base} are not resident here`);
    }
    const chunks = schedule.chunks.map((chunk, i) =>
      this.#decodeChunk(chunk, { base: resident?.chunks[i], isKept: range !== undefined })
    );
    return { schedule, chunks };
  }

  /** Runs the script over the chunks, in order. Rejects with what the script throws. */
  async run(
    { schedule, chunks }: DecodedShard,
    sets: Readonly<Record<string, BroadcastSet>>,
  ): Promise<ShardOutput> {
    const commands = new Commands();
    const { dt, tick_id: tick, epoch, range } = schedule;
    let count = 0;
    for (const { rows } of chunks) {
      const pending = this.#options.run({ rows, dt, tick, broadcast: sets, commands });
      if (pending) await pending;
      count += rows.count;
    }
    const results = chunks.map((chunk) => this.#result(chunk));
    if (range !== undefined) {
      this.#residents.keep(range, { epoch, tick, chunks: chunks.map(residentOf) });
    }
    const kept = range !== undefined;
    return { chunks: results, commands: [...commands.buffer], rows: count, kept };
  }

  #decodeChunk(
    chunk: Chunk,
    { base, isKept }: { base: ResidentChunk | undefined; isKept: boolean },
  ): DecodedChunk {
    const { manifest: { query, file }, schema } = this.#options;
    decodeSelection(chunk);
    const known = base?.columns;
    const read = decodeColumns(chunk, query.read, { optional: query.optional, base: known });
    const written = own(decodeColumns(chunk, query.write, { base: known }), chunk);
    const columns = new Map([...(isKept ? own(read, chunk) : read), ...written]);
    const entities = query.entities ? base?.entities ?? decodeChunkEntities(chunk) : undefined;
    const source = `${file}, query`;
    const rows = new Rows({ source, schema, query, count: chunk.count, columns, entities });
    return {
      chunk,
      rows,
      columns,
      entities,
      before: isKept ? copy(written, base?.before) : undefined,
    };
  }

  #result({ chunk, columns, before }: DecodedChunk): Chunk {
    const { archetype, first, count, rows } = chunk;
    const changes = new Map<string, ColumnChange>();
    for (const { component, fields } of this.#options.manifest.query.write) {
      for (const field of fields) {
        const key = columnKey(component, field);
        const [old, after] = [before?.get(key), columns.get(key) ?? []];
        changes.set(
          key,
          old === undefined
            ? { column: encodeColumn(field, after, count) }
            : encodeDifference(field, { before: old, after }, count),
        );
      }
    }
    return { archetype, first, count, ...collectChanges(changes), ...(rows && { rows }) };
  }
}

/** Copies the columns that are still views of the message, which others hold as well. */
function own(columns: Map<string, ColumnData>, chunk: Chunk): Map<string, ColumnData> {
  for (const [key, data] of columns) {
    const source = chunk.columns[key];
    const isView = ArrayBuffer.isView(data) && ArrayBuffer.isView(source) &&
      data.buffer === source.buffer;
    const isList = !ArrayBuffer.isView(data) && source !== undefined;
    if (isView || isList) columns.set(key, data.slice() as ColumnData);
  }
  return columns;
}

/** Copies columns, over earlier copies of the same where there are any. */
function copy(columns: Columns, over: Columns | undefined): Columns {
  return new Map(Array.from(columns, ([key, data]) => {
    const target = over?.get(key);
    if (!ArrayBuffer.isView(data) || !ArrayBuffer.isView(target)) {
      return [key, data.slice() as ColumnData];
    }
    target.set(data as never);
    return [key, target];
  }));
}

function residentOf({ columns, entities, before }: DecodedChunk): ResidentChunk {
  return { columns, entities, before };
}
