/**
 * The selected entities with all that they hold, kept up to date, and the fields that
 * an edit has gone wrong in.
 *
 * @module
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { ValueType } from "@std/msgpack";
import { errorMessage } from "../../../lib/error_message.ts";
import type { WireCommand } from "../../../lib/wire/messages.ts";
import {
  commandsOf,
  type EntityStates,
  type FieldChange,
  statesAfter,
} from "../../model/field_change.ts";
import type { Gesture, GestureMark } from "../../model/gesture.ts";
import type { EntityState } from "../../model/inverse.ts";
import { mixComponents, type MixedComponent } from "../../model/mixed.ts";
import { defaultsOf } from "../../model/schema.ts";
import { NOTHING_SELECTED, selectEntities, type Selection } from "../../model/selection.ts";
import { repeat } from "../browser.ts";
import type { Edits, EditWork, GestureWork } from "./edits.ts";
import type { Notices } from "./notices.ts";
import type { Session } from "./session.ts";

const VALUES_MS = 200;

export interface InspectionPorts {
  readonly session: Session;
  readonly edits: Edits;
  readonly notices: Notices;
  /** Called after the world was changed. */
  onChanged(): void;
}

export class Inspection {
  readonly selection: Signal<Selection> = signal(NOTHING_SELECTED);
  /** How often something else was selected. */
  readonly selections: Signal<number> = signal(0);
  readonly states: Signal<ReadonlyMap<number, EntityState>> = signal(new Map());
  /** Whether the selection that there is has been read. */
  readonly isRead: Signal<boolean> = signal(false);
  /** Whether what is shown is what is selected, and can be changed. */
  readonly canEdit: ReadonlySignal<boolean>;
  /** As they will be when what waits has counted. */
  readonly components: ReadonlySignal<readonly MixedComponent[]>;
  /** Why an edit had no effect, by `Component.field`, `Component`, or "" for all others. */
  readonly problems: Signal<ReadonlyMap<string, string>> = signal(new Map());
  /** Changes that wait for a tick, of whichever entities. */
  readonly waiting: Signal<readonly FieldChange[]> = signal([]);
  readonly #ports: InspectionPorts;
  #readAt = "";

  constructor(ports: InspectionPorts) {
    this.#ports = ports;
    this.canEdit = computed(() => ports.session.canEdit.value && this.isRead.value);
    this.components = computed(() => {
      const states = statesAfter(this.states.value, this.waiting.value);
      return mixComponents([...states.values()], ports.session.schema.value);
    });
  }

  start(): void {
    repeat(VALUES_MS, () => this.refresh());
    const { view } = this.#ports.session;
    let before = this.selection.value.entities;
    this.selection.subscribe(({ entities }) => {
      if (entities === before) return;
      before = entities;
      this.selections.value++;
      this.#restart();
    });
    view.subscribe(() => this.#restart());
    this.#ports.session.schema.subscribe(() => this.#readAt = "");
  }

  get entities(): number[] {
    return [...this.selection.value.entities];
  }

  /** Those of the entities that have a component. */
  having(component: string): number[] {
    return [...this.states.value].filter(([, state]) => Object.hasOwn(state, component))
      .map(([entity]) => entity);
  }

  /** Whether a change of a field waits for a tick, of any of the entities. */
  isWaiting(component: string, field: string): boolean {
    return this.waiting.value.some((change) =>
      change.component === component && change.field === field &&
      change.entities.some((entity) => this.states.value.has(entity))
    );
  }

  /** Reads the selected entities where the tick is another than when they were read. */
  async refresh(): Promise<void> {
    const { session, edits } = this.#ports;
    const { view, tick } = session;
    const { entities } = this.selection.value;
    const looked = view.value;
    if (entities.size === 0) {
      if (this.states.value.size > 0) this.states.value = new Map();
      return;
    }
    const isLive = looked.kind === "live";
    if (looked.kind === "opening" || (isLive && session.status.value === undefined)) return;
    const at = `${tick.value}`;
    if (at === this.#readAt) return;
    this.#readAt = at;
    try {
      const states = await edits.states([...entities]);
      if (this.selection.value.entities !== entities || view.value !== looked) return;
      batch(() => {
        this.states.value = states;
        this.isRead.value = true;
      });
    } catch (error) {
      this.#readAt = "";
      throw error;
    }
  }

  /** @param gesture what it is a part of */
  setField(change: FieldChange, gesture?: GestureMark): Promise<void> {
    const { entities, component, field } = change;
    const key = `${component}.${field}`;
    const work = { entities, commandsOf: (states: EntityStates) => commandsOf(change, states) };
    const done = this.#apply(work, { key, label: `Set ${key}${ofMany(entities)}`, gesture });
    // What goes on is replaced before long.
    if (gesture?.isOver === false) return done;
    this.waiting.value = [...this.waiting.value, change];
    return done.finally(() => {
      this.waiting.value = this.waiting.value.filter((other) => other !== change);
    });
  }

  addComponent(component: string): Promise<void> {
    const info = this.#ports.session.schema.value.components.get(component);
    if (info === undefined || !this.isRead.value) return Promise.resolve();
    const having = new Set(this.having(component));
    const entities = this.entities.filter((entity) => !having.has(entity));
    const commands = entities.map((entity): WireCommand => ({
      op: "add",
      entity,
      component,
      value: defaultsOf(info),
    }));
    if (commands.length === 0) return Promise.resolve();
    return this.#apply(commands, { key: "", label: `Add ${component}${ofMany(entities)}` });
  }

  removeComponent(component: string): Promise<void> {
    const having = this.isRead.value ? this.having(component) : [];
    if (having.length === 0) return Promise.resolve();
    const commands = having.map((entity): WireCommand => ({ op: "remove", entity, component }));
    const label = `Remove ${component}${ofMany(having)}`;
    return this.#apply(commands, { key: component, label });
  }

  async create(): Promise<void> {
    await this.#spawn("Create an entity", [{ op: "spawn", components: {} }]);
  }

  async duplicate(): Promise<void> {
    const states = await this.#ports.edits.states(this.entities);
    const commands = [...states.values()].map((state): WireCommand => ({
      op: "spawn",
      components: structuredClone(state) as Record<string, Record<string, ValueType>>,
    }));
    await this.#spawn(`Duplicate ${countOf(commands.length)}`, commands);
  }

  async destroy(): Promise<void> {
    const { entities } = this;
    const selected = this.selections.value;
    const commands = entities.map((entity): WireCommand => ({ op: "despawn", entity }));
    if (commands.length === 0) return;
    await this.#apply(commands, { key: "", label: `Destroy ${countOf(entities.length)}` });
    const isSame = this.selections.value === selected;
    if (isSame && this.problems.value.size === 0) this.selection.value = NOTHING_SELECTED;
  }

  async undo(which: "undo" | "redo"): Promise<void> {
    const { edits, notices } = this.#ports;
    try {
      const label = await edits[which]();
      if (label !== undefined) notices.info(`${which === "undo" ? "Undone" : "Redone"}: ${label}`);
    } catch (error) {
      notices.error(error);
    }
    await this.#afterChange();
  }

  /** Begins a change of a field that is made little by little, each time by `send`. */
  begin<T>(send: GestureWork<T>["send"]): Gesture<T> {
    return this.#ports.edits.begin({ send, onTakenBack: () => this.#afterChange() });
  }

  async #spawn(label: string, commands: readonly WireCommand[]): Promise<void> {
    const { edits, notices } = this.#ports;
    if (commands.length === 0) return;
    try {
      const spawned = await edits.apply(label, commands);
      this.selection.value = selectEntities(spawned.filter((entity) => entity > 0));
      notices.info(`${label}: ${spawned.join(", ")}`);
    } catch (error) {
      notices.error(error);
    }
    this.#ports.onChanged();
  }

  async #apply(
    work: readonly WireCommand[] | EditWork,
    { key, label, gesture }: {
      /** Where {@linkcode problems} tells what goes wrong. */
      key: string;
      label: string;
      gesture?: GestureMark | undefined;
    },
  ): Promise<void> {
    const { edits, notices } = this.#ports;
    const selected = this.selections.value;
    this.#tell(key, undefined);
    try {
      await edits.apply(label, work, { gesture });
    } catch (error) {
      const isShown = this.selections.value === selected;
      if (isShown) this.#tell(key, errorMessage(error));
      notices.error(error);
    }
    await this.#afterChange();
  }

  async #afterChange(): Promise<void> {
    this.#readAt = "";
    this.#ports.onChanged();
    // Where it cannot be read now, it is before long.
    await this.refresh().catch(() => {});
  }

  #tell(key: string, problem: string | undefined): void {
    const problems = new Map(this.problems.value);
    if (problem === undefined) problems.delete(key);
    else problems.set(key, problem);
    this.problems.value = problems;
  }

  #restart(): void {
    this.#readAt = "";
    this.#ports.edits.endGesture();
    batch(() => {
      this.problems.value = new Map();
      this.isRead.value = false;
    });
    this.refresh().catch(() => {});
  }
}

function ofMany(entities: readonly number[]): string {
  return entities.length === 1 ? "" : ` of ${countOf(entities.length)}`;
}

function countOf(entities: number): string {
  return entities === 1 ? "1 entity" : `${entities} entities`;
}
