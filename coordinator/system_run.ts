/**
 * One system's part in one tick: its shards go out to instances, what comes
 * back is checked and merged, until every shard is done or lost. Shards hold
 * different rows, so their results are merged as they come; commands are kept
 * and applied in shard order when the tick ends.
 *
 * @module
 */
import type { Clock, Timer } from "../lib/clock.ts";
import type { Command } from "../lib/ecs/command.ts";
import type { World } from "../lib/ecs/world.ts";
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import {
  type ColumnData,
  columnKey,
  decodeColumns,
  encodeChunk,
  mergeColumns,
} from "../lib/wire/chunk.ts";
import { type Encoded, encodeMessage } from "../lib/wire/codec.ts";
import { parseCommands } from "../lib/wire/command.ts";
import type { Chunk, MessageOf } from "../lib/wire/messages.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { type Attempt, Dispatcher } from "./dispatcher.ts";
import type { Shard, ShardChunk } from "./shards.ts";

/** The attempt whose result was taken, as the commit lists it; null: the shard is lost. */
export type AcceptedShard = { readonly attempt: number; readonly instance_id: string } | null;

export interface SystemRunPlan {
  readonly manifest: SystemManifest;
  readonly shards: readonly Shard[];
  /** Versions of the broadcast sets. */
  readonly sets: Readonly<Record<string, number>>;
  readonly epoch: number;
  readonly tick: number;
  readonly dt: number;
  /** What the rows that this run writes are marked with. */
  readonly changeTick: number;
}

/** What a run needs of its surroundings. */
export interface SystemRunPorts {
  readonly clock: Clock;
  readonly world: World;
  send(schedule: Encoded, attempt: Attempt): void;
  /** Shards that the system's instances can take now. */
  credits(): { total: number; perInstance: number };
  /** The shard cannot be sent at all and is lost. */
  onUnsendable(attempt: Attempt, error: RangeError): void;
  onFinished(run: SystemRun): void;
}

export class SystemRun {
  readonly plan: SystemRunPlan;
  /** By shard; undefined while it is open. */
  readonly accepted: (AcceptedShard | undefined)[];
  readonly commands: (readonly Command[])[] = [];
  /** Shards given up on because no instance took them. */
  missed = 0;
  readonly #ports: SystemRunPorts;
  readonly #dispatcher: Dispatcher;
  #timer: Timer | undefined;
  #isOver = false;

  constructor(plan: SystemRunPlan, ports: SystemRunPorts) {
    const { deadlineMs, onMiss } = plan.manifest;
    this.plan = plan;
    this.#ports = ports;
    this.accepted = new Array(plan.shards.length).fill(undefined);
    this.#dispatcher = new Dispatcher(plan.shards.length, {
      deadlineMs,
      onMiss,
      now: ports.clock.now(),
    });
  }

  /** Sends what can be sent now. Call it once to start, and whenever credits may have come. */
  advance(): void {
    if (this.#isOver) return;
    this.#timer?.cancel();
    const { clock, credits } = this.#ports;
    const now = clock.now();
    const { send, lost, wakeAt } = this.#dispatcher.decide(now, credits());
    for (const attempt of send) this.#trySend(attempt);
    for (const shard of lost) this.accepted[shard] = null;
    this.missed += lost.length;
    if (this.#dispatcher.isFinished) return this.#finish();
    if (wakeAt !== undefined) {
      this.#timer = clock.after(Math.max(0, wakeAt - now), () => this.advance());
    }
  }

  /** Stops without finishing, as when the coordinator shuts down. */
  abandon(): void {
    this.#timer?.cancel();
    this.#isOver = true;
  }

  /** An attempt found no taker, or its taker refused it. */
  bounce(attempt: Attempt): void {
    this.#dispatcher.bounce(attempt, this.#ports.clock.now());
    this.advance();
  }

  /** A credit of the system may have come free. */
  creditFreed(): void {
    this.#dispatcher.creditFreed();
    this.advance();
  }

  /**
   * Takes a result, unless its shard is done already (then it is late: false).
   * @throws {WireError} when it is not what the attempt may return; the shard is then lost.
   */
  acceptResult(result: MessageOf<"ComponentShard">): boolean {
    if (!this.#dispatcher.isOpen(result)) return false;
    let outcome: AcceptedShard = null;
    try {
      this.#merge(this.plan.shards[result.shard], result);
      outcome = { attempt: result.attempt, instance_id: result.instance_id };
    } finally {
      this.#close(result.shard, outcome);
    }
    return true;
  }

  /** Takes the end of a shard that had no result: nothing written, or the script threw. */
  acceptEnd(ack: MessageOf<"TickAck">): boolean {
    if (!this.#dispatcher.isOpen(ack)) return false;
    const isDone = ack.error === undefined;
    const { attempt, instance_id } = ack;
    this.#close(ack.shard, isDone ? { attempt, instance_id } : null);
    return true;
  }

  /** A row that does not fit into a message is lost, rather than the coordinator. */
  #trySend(attempt: Attempt): void {
    try {
      this.#ports.send(this.#schedule(attempt), attempt);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.accepted[attempt.shard] = null;
      this.#dispatcher.finish(attempt.shard, this.#ports.clock.now());
      this.#ports.onUnsendable(attempt, error);
    }
  }

  #close(shard: number, outcome: AcceptedShard): void {
    this.accepted[shard] = outcome;
    this.#dispatcher.finish(shard, this.#ports.clock.now());
    this.advance();
  }

  #finish(): void {
    this.#isOver = true;
    this.#ports.onFinished(this);
  }

  #schedule({ shard, attempt }: Attempt): Encoded {
    const { manifest, epoch, tick, dt, sets, shards } = this.plan;
    const { query } = manifest;
    const accesses = [...query.read, ...query.write, ...query.optional];
    const chunks = shards[shard].map((chunk) =>
      encodeChunk(chunk.table, chunk, { accesses, entities: query.entities })
    );
    return encodeMessage("SystemSchedule", {
      epoch,
      tick_id: tick,
      system: manifest.name,
      shard,
      attempt,
      dt,
      sets,
      chunks,
    }, { epoch, tick, shard, attempt });
  }

  /** Everything is decoded and checked before anything is written. */
  #merge(shard: Shard, { shard: number, chunks, commands }: MessageOf<"ComponentShard">): void {
    const { manifest, changeTick } = this.plan;
    const accesses = manifest.query.write;
    const columns = checkChunks(shard, chunks, manifest);
    this.commands[number] = parseCommands(this.#ports.world.schema, commands);
    for (const [i, chunk] of shard.entries()) {
      mergeColumns(chunk.table, chunk, { accesses, columns: columns[i], tick: changeTick });
    }
  }
}

/**
 * The decoded columns of a result's chunks.
 * @throws {WireError} when they are not the shard's rows, or not the declared columns.
 */
function checkChunks(
  shard: Shard,
  chunks: readonly Chunk[],
  { name, query }: SystemManifest,
): Map<string, ColumnData>[] {
  const declared = new Set(
    query.write.flatMap(({ component, fields }) =>
      fields.map((field) => columnKey(component, field))
    ),
  );
  if (declared.size === 0 && chunks.length === 0) return [];
  if (chunks.length !== shard.length) {
    throw new WireError(`Cannot merge: ${chunks.length} chunks came for ${shard.length}`);
  }
  return chunks.map((chunk, i) => {
    checkRows(shard[i], chunk);
    const undeclared = Object.keys(chunk.columns).find((key) => !declared.has(key));
    if (undeclared !== undefined) {
      throw new WireError(`Cannot merge "${undeclared}": "${name}" does not declare to write it`);
    }
    return decodeColumns(chunk, query.write);
  });
}

function checkRows({ table, first, count, rows }: ShardChunk, chunk: Chunk): void {
  const isSame = chunk.archetype === table.id && chunk.first === first && chunk.count === count &&
    (chunk.rows === undefined
      ? rows === undefined
      : rows !== undefined && areSameRows(rows, chunk.rows));
  if (!isSame) throw new WireError("Cannot merge: a chunk has other rows than were assigned");
}

function areSameRows(rows: Uint32Array, bytes: Uint8Array): boolean {
  const own = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
  return own.length === bytes.length && own.every((byte, i) => byte === bytes[i]);
}
