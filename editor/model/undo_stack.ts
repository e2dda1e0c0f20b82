/**
 * What was done and can be undone, and what was undone and can be done again. An
 * entity that comes back has another number than before: it is called by that from
 * then on, in whatever else the stack holds.
 *
 * @module
 */
import type { WireCommand } from "../../lib/wire/messages.ts";
import { type EntityState, type Inverse, invert, rename } from "./inverse.ts";

/** Steps that can be undone. */
const STEPS_MAX = 200;

export interface Step {
  /** Such as `Set Velocity.linear of 3 entities`. */
  readonly label: string;
  readonly commands: readonly WireCommand[];
  /** The entities that the commands' spawns bring back, if they do. */
  readonly revives: readonly number[];
}

/** What came of a step's commands. */
export interface Outcome {
  readonly before: ReadonlyMap<number, EntityState>;
  readonly spawned: readonly number[];
}

export class UndoStack {
  #done: readonly Step[] = [];
  #undone: readonly Step[] = [];

  /** The step that undoes what was done last; undefined when there is none. */
  get undo(): Step | undefined {
    return this.#done.at(-1);
  }

  get redo(): Step | undefined {
    return this.#undone.at(-1);
  }

  /** Notes that commands were carried out that nobody had undone before. */
  note(label: string, commands: readonly WireCommand[], outcome: Outcome): void {
    this.#undone = [];
    this.#push(label, invert(commands, outcome));
  }

  /** Notes that the step of {@linkcode undo} was carried out. */
  noteUndone(outcome: Outcome): void {
    const step = this.undo;
    if (step === undefined) return;
    this.#done = this.#done.slice(0, -1);
    const { commands, revives } = invert(step.commands, outcome);
    this.#undone = [...this.#undone, { label: step.label, commands, revives }];
    this.#revive(step, outcome);
  }

  /** Notes that the step of {@linkcode redo} was carried out. */
  noteRedone(outcome: Outcome): void {
    const step = this.redo;
    if (step === undefined) return;
    this.#undone = this.#undone.slice(0, -1);
    this.#push(step.label, invert(step.commands, outcome));
    this.#revive(step, outcome);
  }

  /** Drops the step of {@linkcode undo} or {@linkcode redo}, which cannot be carried out. */
  drop(which: "undo" | "redo"): void {
    if (which === "undo") this.#done = this.#done.slice(0, -1);
    else this.#undone = this.#undone.slice(0, -1);
  }

  #push(label: string, { commands, revives }: Inverse): void {
    if (commands.length === 0) return;
    this.#done = [...this.#done, { label, commands, revives }].slice(-STEPS_MAX);
  }

  #revive({ revives }: Step, { spawned }: Outcome): void {
    const names = new Map<number, number>();
    for (const [i, entity] of revives.entries()) {
      if (spawned[i] > 0) names.set(entity, spawned[i]);
    }
    if (names.size === 0) return;
    const renamed = ({ label, commands, revives }: Step): Step => ({
      label,
      commands: commands.map((command) => rename(command, names)),
      revives: revives.map((entity) => names.get(entity) ?? entity),
    });
    this.#done = this.#done.map(renamed);
    this.#undone = this.#undone.map(renamed);
  }
}
