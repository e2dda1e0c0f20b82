/**
 * A step: what one tick does to a world's state. The engine takes it as results
 * come in, a replica from the log, and both end with the same state, change
 * marks included, because the change ticks depend on nothing but the order:
 * commands from outside have the first one, each system the one of its place in
 * the graph's order, and the systems' own commands the last.
 *
 * @module
 */
import {
  applyCommands,
  type Command,
  type CommandAnswer,
  type CommandOutcome,
} from "../lib/ecs/command.ts";
import { answerOf } from "./command_answers.ts";
import type { WorldImage } from "../lib/snapshot/world_image.ts";
import { tickDigest } from "./tick_digest.ts";
import type { WorldState } from "./world_state.ts";

/** A buffer from outside, and by which name its sender may repeat it. */
export interface StepBuffer {
  readonly id?: string | undefined;
  readonly commands: readonly Command[];
}

export interface AppliedBuffer {
  readonly answer: CommandAnswer;
  /** Absent for a buffer that was applied before. */
  readonly outcome?: CommandOutcome;
}

/** A system's part in a tick, once it is done. */
export interface StepRun {
  readonly system: string;
  /** Shards that no instance took. */
  readonly missed: number;
  /** By shard; a shard without any may be left out. */
  readonly commands: readonly (readonly Command[])[];
}

export class TickStep {
  /** The tick's number. */
  readonly tick: number;
  readonly #state: WorldState;
  readonly #since: number;

  constructor(state: WorldState) {
    this.tick = state.tick + 1;
    this.#state = state;
    this.#since = state.world.changeTick;
    state.world.changeTick = this.#since + 1;
  }

  /** Applies a buffer from outside, unless one of its id has been applied. All come before the systems run. */
  apply({ id, commands }: StepBuffer): AppliedBuffer {
    const { world, answers } = this.#state;
    const known = id === undefined ? undefined : answers.get(id);
    if (known !== undefined) return { answer: known };
    const outcome = applyCommands(world, commands);
    const answer = answerOf(this.tick, outcome);
    if (id !== undefined) answers.add(id, answer);
    return { answer, outcome };
  }

  /**
   * Replaces the world, in a tick in which nothing else happens.
   * @param image renewed for the change tick that the world has now
   * @throws {RangeError} when it does not fit the schema.
   */
  restore(image: WorldImage): void {
    this.#state.world.load(image);
  }

  /** What the rows are marked with that the system at this place, from 0, writes. */
  changeTickOf(place: number): number {
    return this.#since + 2 + place;
  }

  /**
   * Ends the tick: applies the systems' commands, in the graph's order and then
   * by shard, and takes the digest.
   * @param runs every system, in the graph's order
   */
  finish(runs: readonly StepRun[]): { system: string; outcome: CommandOutcome }[] {
    const state = this.#state;
    const { world } = state;
    world.changeTick = this.changeTickOf(runs.length);
    const outcomes = runs.flatMap(({ system, commands }) =>
      commands.map((buffer) => ({ system, outcome: applyCommands(world, buffer) }))
    );
    for (const [place, { system, missed }] of runs.entries()) {
      // What a `changed` query missed is to come again.
      if (missed === 0) state.lastRuns.set(system, this.changeTickOf(place));
    }
    state.digest = tickDigest(world, { previous: state.digest, since: this.#since });
    state.tick = this.tick;
    return outcomes;
  }
}
