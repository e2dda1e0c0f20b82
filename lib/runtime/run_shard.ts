/**
 * Runs a script over one shard. Pure but for the script: the same schedule and
 * sets give the same result on every instance.
 *
 * @module
 */
import type { Schema } from "../ecs/component.ts";
import type { SystemManifest } from "../manifest/manifest.ts";
import {
  type ColumnData,
  columnKey,
  decodeChunkEntities,
  decodeColumns,
  decodeSelection,
  encodeColumnData,
} from "../wire/chunk.ts";
import type { Chunk, MessageOf, WireColumn, WireCommand } from "../wire/messages.ts";
import { Commands } from "./commands.ts";
import { type BroadcastSet, Rows } from "./rows.ts";
import type { SystemFunction } from "./system.ts";

export interface ShardInput {
  readonly schedule: MessageOf<"SystemSchedule">;
  readonly sets: Readonly<Record<string, BroadcastSet>>;
}

/** What a shard's run gave: the written columns of each chunk, and the commands. */
export interface ShardOutput {
  readonly chunks: Chunk[];
  readonly commands: WireCommand[];
  readonly rows: number;
}

/** A chunk whose columns are decoded; the written ones are the script's own copies. */
interface DecodedChunk {
  readonly chunk: Chunk;
  readonly rows: Rows;
  readonly columns: ReadonlyMap<string, ColumnData>;
}

export class ShardRunner {
  readonly #schema: Schema;
  readonly #manifest: SystemManifest;
  readonly #run: SystemFunction;

  constructor(
    { schema, manifest, run }: { schema: Schema; manifest: SystemManifest; run: SystemFunction },
  ) {
    this.#schema = schema;
    this.#manifest = manifest;
    this.#run = run;
  }

  /**
   * Decodes every chunk before any is run, so that a malformed schedule has no effect.
   * @throws {WireError} when a chunk is malformed.
   */
  decode({ chunks }: MessageOf<"SystemSchedule">): DecodedChunk[] {
    const { query, file } = this.#manifest;
    return chunks.map((chunk) => {
      decodeSelection(chunk);
      const columns = new Map([
        ...decodeColumns(chunk, query.read, query.optional),
        ...owned(decodeColumns(chunk, query.write)),
      ]);
      const entities = query.entities ? decodeChunkEntities(chunk) : undefined;
      const rows = new Rows({
        source: `${file}, query`,
        schema: this.#schema,
        query,
        count: chunk.count,
        columns,
        entities,
      });
      return { chunk, rows, columns };
    });
  }

  /** Runs the script over the chunks, in order. Rejects with what the script throws. */
  async run(chunks: readonly DecodedChunk[], { schedule, sets }: ShardInput): Promise<ShardOutput> {
    const commands = new Commands();
    const { dt, tick_id: tick } = schedule;
    let count = 0;
    for (const { rows } of chunks) {
      const pending = this.#run({ rows, dt, tick, broadcast: sets, commands });
      if (pending) await pending;
      count += rows.count;
    }
    const results = chunks.map((chunk) => this.#result(chunk));
    return { chunks: results, commands: [...commands.buffer], rows: count };
  }

  #result({ chunk, columns }: DecodedChunk): Chunk {
    const written: Record<string, WireColumn> = {};
    for (const { component, fields } of this.#manifest.query.write) {
      for (const field of fields) {
        const key = columnKey(component, field);
        written[key] = encodeColumnData(field, columns.get(key) ?? [], chunk.count);
      }
    }
    const { archetype, first, count, rows } = chunk;
    return { archetype, first, count, columns: written, ...(rows && { rows }) };
  }
}

/** Copies, since a decoded column may be a view of a message that others hold as well. */
function owned(columns: Map<string, ColumnData>): Map<string, ColumnData> {
  for (const [key, data] of columns) columns.set(key, data.slice() as ColumnData);
  return columns;
}
