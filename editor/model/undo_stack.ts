/**
 * What was done and can be undone, and what was undone and can be done again. An
 * entity that comes back has another number than before: it is called by that from
 * then on, in whatever else the stack holds.
 *
 * @module
 */
import type { WireCommand } from "../../lib/wire/messages.ts";
import type { GestureMark } from "./gesture.ts";
import { type EntityState, invert, rename } from "./inverse.ts";

/** Steps that can be undone. */
const STEPS_MAX = 200;

export interface Step {
  /** Such as `Set Velocity.linear of 3 entities`. */
  readonly label: string;
  readonly commands: readonly WireCommand[];
  /** The entities that the commands' spawns bring back, if they do. */
  readonly revives: readonly number[];
  /** What it is a part of, where several edits are one step. */
  readonly gesture?: GestureMark | undefined;
  /** What could be done again before the gesture, and can be when all of it is taken back. */
  readonly redoable?: readonly Step[] | undefined;
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

  /** Whether the step of {@linkcode undo} is that of a gesture. */
  isLast(gesture: GestureMark | undefined): boolean {
    return gesture !== undefined && this.undo?.gesture === gesture;
  }

  /**
   * Those of a gesture's commands that change what it has not changed before. Only these
   * are to be noted: the others are undone by what was noted then.
   */
  fresh(
    commands: readonly WireCommand[],
    gesture: GestureMark | undefined,
  ): readonly WireCommand[] {
    if (!this.isLast(gesture)) return commands;
    const known = new Set(this.undo?.commands.flatMap(fieldsOf));
    return commands.filter((command) => {
      const fields = fieldsOf(command);
      return fields.length === 0 || fields.some((field) => !known.has(field));
    });
  }

  /** Notes that commands were carried out that nobody had undone before; a gesture's are one step. */
  note(
    label: string,
    commands: readonly WireCommand[],
    { gesture, ...outcome }: Outcome & { readonly gesture?: GestureMark | undefined },
  ): void {
    const inverse = invert(commands, outcome);
    const begun = this.isLast(gesture) ? this.undo : undefined;
    const redoable = this.#undone;
    this.#undone = [];
    if (begun === undefined) {
      this.#push({ label, ...inverse, ...(gesture && { gesture, redoable }) });
      return;
    }
    this.drop("undo");
    this.#push({
      ...begun,
      commands: [...inverse.commands, ...begun.commands],
      revives: [...inverse.revives, ...begun.revives],
    });
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
    this.#push({ label: step.label, ...invert(step.commands, outcome) });
    this.#revive(step, outcome);
  }

  /** Notes that the step of {@linkcode undo}, a gesture's, was carried out since it counts for nothing. */
  noteTakenBack(): void {
    const redoable = this.undo?.redoable ?? [];
    this.drop("undo");
    this.#undone = redoable;
  }

  /** Drops the step of {@linkcode undo} or {@linkcode redo}, which cannot be carried out. */
  drop(which: "undo" | "redo"): void {
    if (which === "undo") this.#done = this.#done.slice(0, -1);
    else this.#undone = this.#undone.slice(0, -1);
  }

  #push(step: Step): void {
    if (step.commands.length === 0) return;
    this.#done = [...this.#done, step].slice(-STEPS_MAX);
  }

  #revive({ revives }: Step, { spawned }: Outcome): void {
    const names = new Map<number, number>();
    for (const [i, entity] of revives.entries()) {
      if (spawned[i] > 0) names.set(entity, spawned[i]);
    }
    if (names.size === 0) return;
    const renamed = ({ commands, revives, ...step }: Step): Step => ({
      ...step,
      commands: commands.map((command) => rename(command, names)),
      revives: revives.map((entity) => names.get(entity) ?? entity),
    });
    this.#done = this.#done.map(renamed);
    this.#undone = this.#undone.map(renamed);
  }
}

/** The fields that a command sets, none for those that do something else. */
function fieldsOf(command: WireCommand): string[] {
  if (command.op !== "set") return [];
  const { entity, component, value } = command;
  return Object.keys(value).map((field) => `${entity} ${component}.${field}`);
}
