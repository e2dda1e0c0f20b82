/**
 * A replica is the state of a world as the log defines it. It is fed the log's
 * entries in their order and applies each committed tick as the engine did, down
 * to the change marks. Recovery, a standby and every kind of replay are a replica
 * that reads the log so far or so fast; the systems' manifests play no part.
 *
 * @module
 */
import type { LogEntry } from "../lib/bus/log.ts";
import type { Table } from "../lib/ecs/archetype.ts";
import type { Command } from "../lib/ecs/command.ts";
import { digestHex } from "../lib/ecs/digest.ts";
import type { World } from "../lib/ecs/world.ts";
import { decodeResult, decodeSelection, mergeResult } from "../lib/wire/chunk.ts";
import { decodePayload } from "../lib/wire/codec.ts";
import type { RowSelection } from "../lib/wire/column.ts";
import { parseCommands } from "../lib/wire/command.ts";
import type { WorldImage } from "../lib/snapshot/world_image.ts";
import type { Chunk, MessageOf, MessageType } from "../lib/wire/messages.ts";
import { parseQuery } from "../lib/wire/query.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { type StepRun, TickStep } from "./tick_step.ts";
import type { WorldState } from "./world_state.ts";

type Result = MessageOf<"ComponentShard">;
type Commit = MessageOf<"TickCommit">;

/** The log cannot be what led to the world: it lacks something, or is another's. */
export class ReplayError extends Error {
  override readonly name: string = "ReplayError";
  /** The newest tick that it leads to. */
  readonly reached: number;

  constructor(
    tick: number,
    { reached, reason, cause }: { reached: number; reason: string; cause?: Error },
  ) {
    super(`Cannot replay tick ${tick}: ${reason}`, { cause });
    this.reached = reached;
  }
}

/** The log goes on in other components than the replica's. */
export class ComponentsChangedError extends ReplayError {
  override readonly name = "ComponentsChangedError";
  /** Their digest. */
  readonly components: bigint;

  constructor(
    tick: number,
    { reached, epoch, components }: { reached: number; epoch: number; components: bigint },
  ) {
    super(tick, { reached, reason: `the components changed as term ${epoch} began` });
    this.components = components;
  }
}

/** The next tick needs a snapshot; nothing has been applied of it. */
export class SnapshotNeededError extends Error {
  override readonly name = "SnapshotNeededError";

  constructor(readonly id: string) {
    super(`Cannot replay a tick without snapshot "${id}", which the world became in it`);
  }
}

/** While a commit is on its way, the results of the tick after it are stored already. */
const TICKS_AHEAD_MAX = 2;
/** Results that wait for their commit. A tick's have to fit; what is beyond is not kept. */
const HELD_RESULTS_MAX = 262_144;
const HELD_BYTES_MAX = 4 * 1024 ** 3;

interface HeldResult {
  readonly result: Result;
  readonly bytes: number;
}

/** What the log has of one system's run in a tick. */
export interface ReplayedRun {
  readonly tick: number;
  /** Simulated time in seconds. */
  readonly dt: number;
  readonly system: string;
  /** What the rows that it writes are marked with. */
  readonly changeTick: number;
  /** By shard; undefined for one without a result. */
  readonly results: readonly (Result | undefined)[];
  /** False when shards were lost. */
  readonly isWhole: boolean;
}

export interface ReplicaOptions {
  /** Where the log goes on from; the replica's from now on. */
  readonly state: WorldState;
  /** The newest term as of that state; 0: none has begun. */
  readonly epoch: number;
  /** The subject that terms and commits are appended to. */
  readonly commitSubject: string;
  /** Sequence of that subject's newest entry as of that state; 0: there is none. */
  readonly sequence: number;
  /** Digest of the components that the log behind that state is to be written in; absent: of any. */
  readonly components?: bigint;
}

export class Replica {
  readonly state: WorldState;
  readonly #commitSubject: string;
  #components: bigint | undefined;
  /** Digest of those that the newest term's ticks are written in, as far as it says. */
  #termComponents: bigint | undefined;
  #epoch: number;
  #sequence: number;
  #termSequence = 0;
  /** By attempt; the first result of one that the log has. */
  readonly #held = new Map<string, HeldResult>();
  #heldBytes = 0;

  constructor({ state, epoch, commitSubject, sequence, components }: ReplicaOptions) {
    this.state = state;
    this.#commitSubject = commitSubject;
    this.#components = components;
    this.#termComponents = components;
    this.#epoch = epoch;
    this.#sequence = sequence;
  }

  /** The newest term that has begun. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Sequence of that term's beginning; 0: it began before the state that the replica began with. */
  get termSequence(): number {
    return this.#termSequence;
  }

  /** Sequence of the newest entry on the commits' subject; 0: there is none. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Results that wait for their commit. */
  get heldCount(): number {
    return this.#held.size;
  }

  /** Goes on in other components, as whoever led did: `world` is what its world is in them. */
  migrate(world: World, components: bigint): void {
    this.state.world = world;
    this.#components = components;
  }

  /**
   * Takes the log's next entry; true when it was a tick's commit and has been applied.
   * @param image of the snapshot that a {@linkcode SnapshotNeededError} has asked for
   * @throws {SnapshotNeededError} when the world became a snapshot in this tick;
   * call it again with that.
   * @throws {ComponentsChangedError} when the tick is written in other components.
   * @throws {ReplayError} when the tick cannot be applied, or leads to another
   * digest than its commit has. The replica is of no use then.
   */
  apply(entry: LogEntry, image?: WorldImage): boolean {
    const steps = this.steps(entry, image);
    let step = steps.next();
    while (!step.done) step = steps.next();
    return step.value;
  }

  /**
   * Does what {@linkcode apply} does, and stops before each system's results are
   * merged, when the world is as the system's instances had it.
   */
  *steps(
    { subject, sequence, data, headers }: LogEntry,
    image?: WorldImage,
  ): Generator<ReplayedRun, boolean> {
    if (subject === this.#commitSubject) this.#sequence = sequence;
    switch (headers["msg-type"]) {
      case "ComponentShard":
        this.#hold(data);
        return false;
      case "TermStart": {
        const term = decodeEntry("TermStart", data);
        if (term) this.#begin(term, sequence);
        return false;
      }
      case "TickCommit": {
        const commit = decodeEntry("TickCommit", data);
        return commit !== undefined && (yield* this.#take(commit, image));
      }
      default:
        return false;
    }
  }

  /** Keeps a result that a commit may name. */
  #hold(data: Uint8Array): void {
    const result = decodeEntry("ComponentShard", data);
    if (result === undefined) return;
    const ahead = result.tick_id - this.state.tick;
    if (result.epoch !== this.#epoch || ahead < 1 || ahead > TICKS_AHEAD_MAX) return;
    const isFull = this.#held.size >= HELD_RESULTS_MAX ||
      this.#heldBytes + data.length > HELD_BYTES_MAX;
    const key = attemptKey(result);
    if (isFull || this.#held.has(key)) return;
    this.#held.set(key, { result, bytes: data.length });
    this.#heldBytes += data.length;
  }

  /** What an older term has not committed will not be. */
  #begin({ epoch, components }: MessageOf<"TermStart">, sequence: number): void {
    if (epoch <= this.#epoch) return;
    this.#epoch = epoch;
    // Without a digest to compare with they are taken for the same.
    this.#termComponents = this.#components && (components ?? this.#components);
    this.#termSequence = sequence;
    this.#held.clear();
    this.#heldBytes = 0;
  }

  *#take(commit: Commit, image: WorldImage | undefined): Generator<ReplayedRun, boolean> {
    const { tick_id: tick, epoch } = commit;
    const { state } = this;
    const reached = state.tick;
    // In the state already, or of a coordinator that another one has followed.
    if (tick <= reached || epoch < this.#epoch) return false;
    if (epoch > this.#epoch) {
      const reason = `the log has no beginning of term ${epoch}, which committed it`;
      throw new ReplayError(tick, { reached, reason });
    }
    if (tick > reached + 1) {
      const reason = `the log lacks tick ${reached + 1}, which comes before`;
      throw new ReplayError(tick, { reached, reason });
    }
    const components = this.#termComponents;
    if (components !== undefined && components !== this.#components) {
      throw new ComponentsChangedError(tick, { reached: state.tick, epoch, components });
    }
    if (commit.restored !== undefined && !image) throw new SnapshotNeededError(commit.restored);
    try {
      yield* this.#applyTick(commit, image);
    } catch (cause) {
      if (!(cause instanceof WireError || cause instanceof RangeError)) throw cause;
      throw new ReplayError(tick, { reached, reason: cause.message, cause });
    }
    if (state.digest !== commit.digest) {
      const reason = `it leads to digest ${digestHex(state.digest)}, ` +
        `but ${digestHex(commit.digest)} was committed`;
      throw new ReplayError(tick, { reached, reason });
    }
    this.#dropUpTo(tick);
    return true;
  }

  *#applyTick(
    { restored, buffers, systems, ...tick }: Commit,
    image: WorldImage | undefined,
  ): Generator<ReplayedRun, void> {
    const { world } = this.state;
    const step = new TickStep(this.state);
    if (restored !== undefined && image) step.restore(image);
    for (const buffer of buffers) {
      const { id, commands } = decodePayload("EntityCommand", buffer);
      step.apply({ id, commands: parseCommands(world.schema, commands) });
    }
    const runs: StepRun[] = [];
    for (const [place, { system, missed, shards }] of systems.entries()) {
      const results = shards.map((accepted, shard) =>
        accepted?.changed ? this.#resultOf({ ...tick, system, shard, ...accepted }) : undefined
      );
      const isWhole = shards.every((accepted) => accepted !== null);
      const changeTick = step.changeTickOf(place);
      yield { tick: tick.tick_id, dt: tick.dt, system, changeTick, results, isWhole };
      const commands: Command[][] = [];
      for (const [shard, result] of results.entries()) {
        if (result === undefined) continue;
        for (const chunk of result.chunks) mergeChunk(world, chunk, changeTick);
        commands[shard] = parseCommands(world.schema, result.commands);
      }
      runs.push({ system, missed, commands });
    }
    step.finish(runs);
  }

  #resultOf(attempt: Attempt): Result {
    const held = this.#held.get(attemptKey(attempt));
    if (held !== undefined) return held.result;
    const { system, shard, attempt: number, instance_id } = attempt;
    throw new RangeError(
      `the log lacks the result of ${system}, shard ${shard}, attempt ${number}, by ${instance_id}`,
    );
  }

  #dropUpTo(tick: number): void {
    for (const [key, { result, bytes }] of this.#held) {
      if (result.tick_id > tick) continue;
      this.#held.delete(key);
      this.#heldBytes -= bytes;
    }
  }
}

type Attempt = Pick<
  Result,
  "epoch" | "tick_id" | "system" | "shard" | "attempt" | "instance_id"
>;

function attemptKey({ epoch, tick_id, system, shard, attempt, instance_id }: Attempt): string {
  return `${epoch} ${tick_id} ${system} ${shard} ${attempt} ${instance_id}`;
}

/** @throws {WireError} when it is no result over the world's rows. */
function mergeChunk(world: World, chunk: Chunk, changeTick: number): void {
  const table = world.tableById(chunk.archetype);
  const selection = decodeSelection(chunk);
  if (table === undefined || !hasRows(table, selection)) {
    throw new WireError("a result has rows that the world has not");
  }
  const keys = [...Object.keys(chunk.columns), ...Object.keys(chunk.patches ?? {})];
  const { write: accesses } = parseQuery(world.schema, { write: keys });
  const result = decodeResult(chunk, accesses);
  mergeResult(table, selection, { accesses, result, tick: changeTick });
}

function hasRows(table: Table, { first, count, rows }: RowSelection): boolean {
  return rows ? rows.every((row) => row < table.count) : first + count <= table.count;
}

/** The entry's message; undefined for what everybody refused when it was published. */
function decodeEntry<T extends MessageType>(type: T, data: Uint8Array): MessageOf<T> | undefined {
  try {
    return decodePayload(type, data);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return undefined;
  }
}
