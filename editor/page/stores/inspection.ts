/**
 * The selected entities with all that they hold, kept up to date, and the fields that
 * an edit has gone wrong in.
 *
 * @module
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { ValueType } from "@std/msgpack";
import type { WireCommand } from "../../../lib/wire/messages.ts";
import type { Gesture, GestureMark } from "../../model/gesture.ts";
import type { EntityState } from "../../model/inverse.ts";
import { mixComponents, type MixedComponent } from "../../model/mixed.ts";
import { defaultsOf } from "../../model/schema.ts";
import { NOTHING_SELECTED, selectEntities, type Selection } from "../../model/selection.ts";
import { repeat } from "../browser.ts";
import type { Edits, GestureWork } from "./edits.ts";
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

/** Which field is set, in all entities that have it. */
export interface FieldChange {
  readonly component: string;
  readonly field: string;
  /** What it is a part of. */
  readonly gesture?: GestureMark | undefined;
}

/** One number of a vector. */
export interface Lane {
  readonly index: number;
  readonly value: number;
}

export class Inspection {
  readonly selection: Signal<Selection> = signal(NOTHING_SELECTED);
  readonly states: Signal<ReadonlyMap<number, EntityState>> = signal(new Map());
  /** Whether the selection that there is has been read. */
  readonly isRead: Signal<boolean> = signal(false);
  readonly components: ReadonlySignal<readonly MixedComponent[]>;
  /** Why an edit had no effect, by `Component.field`, `Component`, or "" for all others. */
  readonly problems: Signal<ReadonlyMap<string, string>> = signal(new Map());
  /** Fields whose edits wait for a tick. */
  readonly waiting: Signal<ReadonlyMap<string, ValueType>> = signal(new Map());
  readonly #ports: InspectionPorts;
  #readAt = "";

  constructor(ports: InspectionPorts) {
    this.#ports = ports;
    this.components = computed(() =>
      mixComponents([...this.states.value.values()], ports.session.schema.value)
    );
  }

  start(): void {
    repeat(VALUES_MS, () => this.refresh());
    const { view } = this.#ports.session;
    let before = this.selection.value.entities;
    this.selection.subscribe(({ entities }) => {
      if (entities === before) return;
      before = entities;
      this.#restart();
    });
    view.subscribe(() => this.#restart());
    this.#ports.session.schema.subscribe(() => this.#readAt = "");
  }

  get entities(): number[] {
    return [...this.selection.value.entities];
  }

  /** Reads the selected entities where the tick is another than when they were read. */
  async refresh(): Promise<void> {
    const { session, edits } = this.#ports;
    const { view, tick } = session;
    const { entities } = this.selection.value;
    if (entities.size === 0) {
      if (this.states.value.size > 0) this.states.value = new Map();
      return;
    }
    const isLive = view.value.kind === "live";
    if (view.value.kind === "opening" || (isLive && session.status.value === undefined)) return;
    const at = `${tick.value}`;
    if (at === this.#readAt) return;
    this.#readAt = at;
    try {
      const states = await edits.states([...entities]);
      if (this.selection.value.entities !== entities) return;
      batch(() => {
        this.states.value = states;
        this.isRead.value = true;
      });
    } catch (error) {
      this.#readAt = "";
      throw error;
    }
  }

  setField(value: ValueType, { component, field, gesture }: FieldChange): Promise<void> {
    const key = `${component}.${field}`;
    const having = this.#having(component);
    const commands = having.map((entity): WireCommand => ({
      op: "set",
      entity,
      component,
      value: { [field]: value },
    }));
    const done = this.#apply(commands, { key, label: `Set ${key}${ofMany(having)}`, gesture });
    // What goes on is replaced before long.
    if (gesture?.isOver === false) return done;
    this.waiting.value = new Map(this.waiting.value).set(key, value);
    return done.finally(() => {
      const waiting = new Map(this.waiting.value);
      waiting.delete(key);
      this.waiting.value = waiting;
    });
  }

  /** Sets one number of a vector, the others staying what they are in each entity. */
  setLane(lane: Lane, { component, field, gesture }: FieldChange): Promise<void> {
    const key = `${component}.${field}`;
    const having = this.#having(component);
    const commands = having.flatMap((entity): WireCommand[] => {
      const old = this.states.value.get(entity)?.[component]?.[field];
      if (!Array.isArray(old)) return [];
      const value = old.map((part, i) => i === lane.index ? lane.value : part);
      return [{ op: "set", entity, component, value: { [field]: value } }];
    });
    return this.#apply(commands, { key, label: `Set ${key}${ofMany(having)}`, gesture });
  }

  addComponent(component: string): Promise<void> {
    const info = this.#ports.session.schema.value.components.get(component);
    if (info === undefined) return Promise.resolve();
    const having = new Set(this.#having(component));
    const entities = this.entities.filter((entity) => !having.has(entity));
    const commands = entities.map((entity): WireCommand => ({
      op: "add",
      entity,
      component,
      value: defaultsOf(info),
    }));
    return this.#apply(commands, { key: "", label: `Add ${component}${ofMany(entities)}` });
  }

  removeComponent(component: string): Promise<void> {
    const having = this.#having(component);
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
    const commands = entities.map((entity): WireCommand => ({ op: "despawn", entity }));
    if (commands.length === 0) return;
    await this.#apply(commands, { key: "", label: `Destroy ${countOf(entities.length)}` });
    if (this.problems.value.size === 0) this.selection.value = NOTHING_SELECTED;
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
    commands: readonly WireCommand[],
    { key, label, gesture }: {
      /** Where {@linkcode problems} tells what goes wrong. */
      key: string;
      label: string;
      gesture?: GestureMark | undefined;
    },
  ): Promise<void> {
    if (commands.length === 0) return;
    const { edits, notices } = this.#ports;
    this.#tell(key, undefined);
    try {
      await edits.apply(label, commands, { gesture });
    } catch (error) {
      this.#tell(key, error instanceof Error ? error.message : String(error));
      notices.error(error);
    }
    await this.#afterChange();
  }

  async #afterChange(): Promise<void> {
    this.#readAt = "";
    this.#ports.onChanged();
    await this.refresh();
  }

  #tell(key: string, problem: string | undefined): void {
    const problems = new Map(this.problems.value);
    if (problem === undefined) problems.delete(key);
    else problems.set(key, problem);
    this.problems.value = problems;
  }

  #having(component: string): number[] {
    return [...this.states.value].filter(([, state]) => Object.hasOwn(state, component))
      .map(([entity]) => entity);
  }

  #restart(): void {
    this.#readAt = "";
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
