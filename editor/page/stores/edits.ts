/**
 * Changes to the world: each is a list of commands with an id, answered when the tick
 * that applied it is stored, and can be taken back.
 *
 * @module
 */
import { type Signal, signal } from "@preact/signals";
import { NoRespondersError } from "../../../lib/bus/bus.ts";
import { encodeEntities } from "../../../lib/ecs/column_bytes.ts";
import type { MessageOf, WireCommand } from "../../../lib/wire/messages.ts";
import { RefusedError } from "../../../lib/wire/request.ts";
import { SerialQueue } from "../../../lib/wire/serial_queue.ts";
import type { Subjects } from "../../../lib/wire/subjects.ts";
import { Gesture, type GestureMark } from "../../model/gesture.ts";
import type { EntityStates } from "../../model/field_change.ts";
import type { EntityState } from "../../model/inverse.ts";
import { type Row, rowsOf } from "../../model/rows.ts";
import { UndoStack } from "../../model/undo_stack.ts";
import { after, pageClock, uniqueId } from "../browser.ts";
import type { Notices } from "./notices.ts";
import type { Session } from "./session.ts";

/** Without an answer until then, the same list is sent again: its id keeps it from counting twice. */
const ANSWER_TIMEOUT_MS = 15_000;
const RETRY_MS = 1000;
const STATES_MAX = 1000;
/** Changes that wait, as while the world is paused. */
const WAITING_MAX = 1000;

/** One command or several that did not count, and why. */
export class EditError extends Error {
  override readonly name = "EditError";
}

export type EditSession = Pick<
  Session,
  "status" | "schema" | "subjects" | "viewSubjects" | "query" | "request"
>;

/** Commands that depend on what their entities are when their turn comes. */
export interface EditWork {
  readonly entities: readonly number[];
  commandsOf(states: EntityStates): readonly WireCommand[];
}

/** What there is to do in a gesture. */
export interface GestureWork<T> {
  /** Applies what it has come to. */
  send(value: T, gesture: GestureMark): Promise<unknown>;
  /** Called when all of it was taken back. */
  onTakenBack(): unknown;
}

export class Edits {
  readonly stack: UndoStack = new UndoStack();
  /** Changes with what can be undone. */
  readonly version: Signal<number> = signal(0);
  /** Lists that wait for a tick. */
  readonly pending: Signal<number> = signal(0);
  readonly #session: EditSession;
  readonly #notices: Pick<Notices, "error">;
  readonly #turns = new SerialQueue({
    lengthMax: WAITING_MAX,
    busy: "too many changes wait for a tick already",
  });
  /** What was begun last; it may be over. */
  #gesture: { end(): Promise<void> } | undefined;

  constructor(session: EditSession, notices: Pick<Notices, "error">) {
    this.#session = session;
    this.#notices = notices;
  }

  /**
   * Carries out commands, and resolves with the entities that they spawned.
   * @param gesture what they are a part of: all that is done with the same one is undone as one
   * @throws {EditError} when one of them had no effect.
   * @throws {RefusedError} when the coordinator refuses all of them.
   */
  apply(
    label: string,
    work: readonly WireCommand[] | EditWork,
    { gesture }: { gesture?: GestureMark | undefined } = {},
  ): Promise<readonly number[]> {
    return this.#inTurn(async () => {
      const isOpen = "commandsOf" in work;
      const states = isOpen ? await this.#states(work.entities) : undefined;
      const commands = isOpen ? work.commandsOf(states ?? new Map()) : work;
      if (commands.length === 0) throw new EditError("what it would change is gone");
      const fresh = this.stack.fresh(commands, gesture);
      const before = states ?? await this.#statesOf(fresh);
      const { spawned, refused } = await this.#send(commands);
      const wrong = new Set(refused.map(({ index }) => commands[index]));
      const done = fresh.filter((command) => !wrong.has(command));
      const alive = spawned.filter((entity) => entity > 0);
      if (done.length > 0) this.stack.note(label, done, { before, spawned: alive, gesture });
      if (refused.length > 0) throw refusalError(refused, commands.length);
      return spawned;
    });
  }

  /** Begins a change that is made little by little; one that goes on ends. */
  begin<T>({ send, onTakenBack }: GestureWork<T>): Gesture<T> {
    this.endGesture();
    const gesture: Gesture<T> = new Gesture<T>({
      clock: pageClock,
      isLive: () => this.#session.status.value?.running === true,
      send: (value) => send(value, gesture),
      takeBack: () =>
        this.#inTurn(() => this.#takeBack(gesture))
          .catch((error) => this.#notices.error(error)).then(onTakenBack),
    });
    this.#gesture = gesture;
    return gesture;
  }

  /** Ends a change that is made little by little, as where another entity is looked at. */
  endGesture(): void {
    this.#gesture?.end();
    this.#gesture = undefined;
  }

  /** Takes back what was done last, and resolves with what that was. */
  undo(): Promise<string | undefined> {
    return this.#inTurn(() => this.#repeat("undo"));
  }

  redo(): Promise<string | undefined> {
    return this.#inTurn(() => this.#repeat("redo"));
  }

  /**
   * All components of some entities; those that are no more are left out.
   * @param subjects those of what is looked at by default
   */
  async states(
    entities: readonly number[],
    subjects: Subjects = this.#session.viewSubjects,
  ): Promise<Map<number, EntityState>> {
    if (entities.length === 0) return new Map();
    const reply = await this.#session.query({
      query: { optional: ["*"] },
      entities: encodeEntities(Float64Array.from(entities.slice(0, STATES_MAX))),
      limit: STATES_MAX,
      components: true,
    }, subjects);
    const rows = rowsOf(reply, this.#session.schema.value);
    return new Map(rows.map((row) => [row.entity, stateOf(row)]));
  }

  async #repeat(which: "undo" | "redo"): Promise<string | undefined> {
    const step = this.stack[which];
    if (step === undefined) return undefined;
    const before = await this.#statesOf(step.commands);
    const { spawned, refused } = await this.#send(step.commands);
    if (refused.length === step.commands.length) {
      this.stack.drop(which);
      throw refusalError(refused, step.commands.length);
    }
    if (which === "undo") this.stack.noteUndone({ before, spawned });
    else this.stack.noteRedone({ before, spawned });
    return step.label;
  }

  async #takeBack(gesture: GestureMark): Promise<void> {
    const step = this.stack.undo;
    if (step === undefined || !this.stack.isLast(gesture)) return;
    const { refused } = await this.#send(step.commands);
    this.stack.noteTakenBack();
    if (refused.length > 0) throw refusalError(refused, step.commands.length);
  }

  #statesOf(commands: readonly WireCommand[]): Promise<Map<number, EntityState>> {
    const entities = commands.flatMap((command) => command.op === "spawn" ? [] : [command.entity]);
    return this.#states([...new Set(entities)]);
  }

  /** As they are in the present, which is what is changed, whatever is looked at. */
  #states(entities: readonly number[]): Promise<Map<number, EntityState>> {
    return this.states(entities, this.#session.subjects);
  }

  async #send(commands: readonly WireCommand[]): Promise<MessageOf<"EntityCommandReply">> {
    const value = { id: uniqueId(), commands: [...commands] };
    const { entityCommand } = this.#session.subjects;
    while (true) {
      try {
        return await this.#session.request(entityCommand, {
          type: "EntityCommand",
          value,
          replyType: "EntityCommandReply",
          timeoutMs: ANSWER_TIMEOUT_MS,
        });
      } catch (error) {
        if (error instanceof RefusedError || error instanceof NoRespondersError) throw error;
        await new Promise<void>((resolve) => after(RETRY_MS, resolve));
      }
    }
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.pending.value++;
    try {
      return await this.#turns.run(work);
    } finally {
      this.pending.value--;
      this.version.value++;
    }
  }
}

function refusalError(
  refused: MessageOf<"EntityCommandReply">["refused"],
  count: number,
): EditError {
  const reasons = [...new Set(refused.map(({ reason }) => reason))].join("; ");
  return new EditError(count === 1 ? reasons : `${refused.length} of ${count} refused: ${reasons}`);
}

function stateOf({ components, values }: Row): EntityState {
  const state: Record<string, Record<string, EntityState[string][string]>> = {};
  for (const name of components) state[name] = {};
  for (const [key, value] of values) {
    const dot = key.indexOf(".");
    (state[key.slice(0, dot)] ??= {})[key.slice(dot + 1)] = value;
  }
  return state;
}
