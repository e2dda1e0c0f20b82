/**
 * The selected entities with all that they hold, kept up to date, and the fields that
 * an edit has gone wrong in.
 *
 * @module
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { ValueType } from "@std/msgpack";
import type { WireCommand } from "../../../lib/wire/messages.ts";
import type { EntityState } from "../../model/inverse.ts";
import { mixComponents, type MixedComponent } from "../../model/mixed.ts";
import { defaultsOf } from "../../model/schema.ts";
import { NOTHING_SELECTED, selectEntities, type Selection } from "../../model/selection.ts";
import { repeat } from "../browser.ts";
import type { Edits } from "./edits.ts";
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

  setField(component: string, field: string, value: ValueType): Promise<void> {
    const key = `${component}.${field}`;
    const having = this.#having(component);
    const commands = having.map((entity): WireCommand => ({
      op: "set",
      entity,
      component,
      value: { [field]: value },
    }));
    this.waiting.value = new Map(this.waiting.value).set(key, value);
    return this.#apply(key, `Set ${key}${ofMany(having)}`, commands).finally(() => {
      const waiting = new Map(this.waiting.value);
      waiting.delete(key);
      this.waiting.value = waiting;
    });
  }

  /** Sets one number of a vector, the others staying what they are in each entity. */
  setLane(component: string, field: string, lane: { index: number; value: number }): Promise<void> {
    const key = `${component}.${field}`;
    const having = this.#having(component);
    const commands = having.flatMap((entity): WireCommand[] => {
      const old = this.states.value.get(entity)?.[component]?.[field];
      if (!Array.isArray(old)) return [];
      const value = old.map((part, i) => i === lane.index ? lane.value : part);
      return [{ op: "set", entity, component, value: { [field]: value } }];
    });
    return this.#apply(key, `Set ${key}${ofMany(having)}`, commands);
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
    return this.#apply("", `Add ${component}${ofMany(entities)}`, commands);
  }

  removeComponent(component: string): Promise<void> {
    const having = this.#having(component);
    const commands = having.map((entity): WireCommand => ({ op: "remove", entity, component }));
    return this.#apply(component, `Remove ${component}${ofMany(having)}`, commands);
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
    await this.#apply("", `Destroy ${countOf(entities.length)}`, commands);
    if (this.problems.value.size === 0) this.selection.value = NOTHING_SELECTED;
  }

  async undo(which: "undo" | "redo"): Promise<void> {
    const { edits, notices, onChanged } = this.#ports;
    try {
      const label = await edits[which]();
      if (label !== undefined) notices.info(`${which === "undo" ? "Undone" : "Redone"}: ${label}`);
    } catch (error) {
      notices.error(error);
    }
    this.#readAt = "";
    onChanged();
    await this.refresh();
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

  async #apply(key: string, label: string, commands: readonly WireCommand[]): Promise<void> {
    if (commands.length === 0) return;
    const { edits, notices, onChanged } = this.#ports;
    this.#tell(key, undefined);
    try {
      await edits.apply(label, commands);
    } catch (error) {
      this.#tell(key, error instanceof Error ? error.message : String(error));
      notices.error(error);
    }
    this.#readAt = "";
    onChanged();
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
