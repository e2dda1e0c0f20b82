/**
 * An engine on the in-memory bus whose instances answer at random: with a result,
 * with nothing, with an error, with a refusal or not at all, late and twice.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { Engine } from "../coordinator/engine.ts";
import { Stats } from "../coordinator/stats.ts";
import type { WorldState } from "../coordinator/world_state.ts";
import type { Bus, Message } from "../lib/bus/bus.ts";
import type { Log, LogEntry } from "../lib/bus/log.ts";
import { MemoryNetwork } from "../lib/bus/memory_bus.ts";
import type { Command } from "../lib/ecs/command.ts";
import type { ComponentValue } from "../lib/ecs/component.ts";
import { isFixed, rowBytesOf } from "../lib/ecs/field_type.ts";
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import { columnKey } from "../lib/wire/column.ts";
import { decodeMessage, decodePayload, encodeMessage } from "../lib/wire/codec.ts";
import { encodeFieldValue, parseCommands } from "../lib/wire/command.ts";
import type { Chunk, MessageOf, WireColumn, WireCommand } from "../lib/wire/messages.ts";
import { createSubjects } from "../lib/wire/subjects.ts";
import { SCHEMA } from "./ecs_model.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

type Schedule = MessageOf<"SystemSchedule">;

export const SUBJECTS = createSubjects("test");
const EPOCH = 1;
const CREDITS = 2;
const STEP_MS = 10;
const DT = 0.1;
/** Time in which every shard has been done or given up. */
const TICK_STEPS_MAX = 200;

export interface EngineHarnessOptions {
  readonly systems: readonly SystemManifest[];
  readonly state: WorldState;
  readonly random: () => number;
}

export class EngineHarness {
  readonly log: Log;
  readonly #clock = new VirtualClock();
  readonly #turns: (() => void)[] = [];
  readonly #bus: Bus;
  readonly #engine: Engine;
  readonly #random: () => number;
  /** Results to be published again, when they are late. */
  readonly #late: (() => void)[] = [];

  private constructor({ systems, state, random }: EngineHarnessOptions) {
    this.#random = random;
    const network = new MemoryNetwork({
      random,
      clock: this.#clock,
      defer: (deliver) => void this.#turns.push(deliver),
    });
    const { bus, log } = network.connect("engine", {
      onError: (error) => {
        throw error;
      },
    });
    this.#bus = bus;
    this.log = log;
    this.#engine = new Engine({
      bus,
      log,
      clock: this.#clock,
      subjects: SUBJECTS,
      manifests: {
        folder: "/manifests",
        schema: SCHEMA,
        annotations: new Map(),
        systems,
        worlds: new Map(),
      },
      state,
      stats: new Stats(systems.map(({ name }) => name)),
      report: { info: () => {}, warn: () => {} },
      epoch: EPOCH,
      lastCommit: 0,
      isResident: false,
      isBarrier: false,
      onLogFull: () => {},
      seats: () => [{ id: "test", credits: CREDITS }],
    });
    for (const manifest of systems) this.#answerAtRandom(manifest);
  }

  static async open(options: EngineHarnessOptions): Promise<EngineHarness> {
    const harness = new EngineHarness(options);
    const opening = harness.log.open({
      name: SUBJECTS.streams.components,
      subjects: [SUBJECTS.componentChanged(), SUBJECTS.commit],
      storage: "memory",
      bytesMax: 2 ** 30,
      replicas: 1,
    });
    await harness.#settle();
    await opening;
    return harness;
  }

  /** Runs one tick with these buffers, and resolves when its commit is stored. */
  async tick(buffers: readonly { id?: string; commands: readonly Command[] }[]): Promise<void> {
    for (const { id, commands } of buffers) {
      const message = { ...(id && { id }), commands: commands.map(toWire) };
      const { data } = encodeMessage("EntityCommand", message);
      const decoded = decodePayload("EntityCommand", data);
      this.#engine.queue.push({
        id,
        data,
        commands: parseCommands(SCHEMA, decoded.commands),
        reply: undefined,
      });
    }
    let isDone = false;
    const ticking = this.#engine.tick(DT).then(() => this.#engine.settled());
    ticking.then(() => isDone = true, () => isDone = true);
    for (let step = 0; step < TICK_STEPS_MAX; step++) {
      await this.#settle();
      if (isDone) break;
      this.#clock.advance(STEP_MS);
    }
    await ticking;
  }

  async entries(): Promise<LogEntry[]> {
    const reading = Array.fromAsync(this.log.read(SUBJECTS.streams.components));
    await this.#settle();
    return await reading;
  }

  async #settle(): Promise<void> {
    while (true) {
      await new Promise<void>((resolve) => void setImmediate(resolve));
      if (this.#turns.length === 0) return;
      for (const turn of this.#turns.splice(0)) turn();
    }
  }

  #answerAtRandom(manifest: SystemManifest): void {
    const { name } = manifest;
    this.#bus.subscribe(SUBJECTS.componentChanged(name), (message) => {
      this.#engine.acceptResult(decodeMessage("ComponentShard", message), message);
    });
    this.#bus.subscribe(SUBJECTS.schedule(name), (message) => this.#answer(manifest, message));
  }

  #answer(manifest: SystemManifest, message: Message): void {
    const schedule = decodeMessage("SystemSchedule", message);
    const { tick_id: tick, system, shard, attempt } = schedule;
    const dice = this.#random();
    if (dice < 0.65) {
      const publish = this.#result(manifest, schedule);
      publish();
      if (this.#random() < 0.2) publish();
      if (this.#random() < 0.2) this.#late.push(publish);
    } else if (dice < 0.8) this.#acknowledge(schedule);
    else if (dice < 0.85) this.#acknowledge(schedule, "no");
    else if (dice < 0.95) {
      this.#engine.bounce({ system, tick, shard, attempt }, { isRefused: false });
    }
    for (const publish of this.#late.splice(0)) if (this.#random() < 0.5) publish();
  }

  #acknowledge(schedule: Schedule, error?: string): void {
    this.#engine.acknowledge({
      ...this.#attemptOf(schedule),
      compute_ms: 0,
      ...(error !== undefined && { error }),
    });
  }

  /** What publishes a result of random columns and commands. */
  #result(manifest: SystemManifest, schedule: Schedule): () => void {
    const result = {
      ...this.#attemptOf(schedule),
      compute_ms: 0,
      chunks: schedule.chunks.map((chunk) => this.#resultChunk(manifest, chunk)),
      commands: this.#random() < 0.3 ? [this.#command(schedule)] : [],
    };
    const { data, options } = encodeMessage("ComponentShard", result);
    return () => this.#bus.publish(SUBJECTS.componentChanged(manifest.name), data, options);
  }

  #attemptOf({ epoch, tick_id, system, shard, attempt }: Schedule) {
    return { epoch, tick_id, system, shard, attempt, instance_id: `${system}-${attempt}` };
  }

  #command({ tick_id }: Schedule): WireCommand {
    const entity = 1 + this.#below(12);
    if (this.#random() < 0.3) return { op: "spawn", components: { Mass: { kg: tick_id } } };
    if (this.#random() < 0.3) return { op: "despawn", entity };
    return { op: "add", entity, component: "Mass", value: { kg: tick_id + entity } };
  }

  #resultChunk({ query }: SystemManifest, { archetype, first, count, rows }: Chunk): Chunk {
    const columns: Chunk["columns"] = {};
    const patches: NonNullable<Chunk["patches"]> = {};
    for (const { component, fields } of query.write) {
      for (const field of fields) {
        const key = columnKey(component, field);
        const dice = this.#random();
        if (dice < 0.5) columns[key] = this.#column(field, count);
        else if (dice < 0.8) {
          const places = Uint32Array.from({ length: count }, (_, i) => i)
            .filter(() => this.#random() < 0.5);
          patches[key] = {
            rows: new Uint8Array(places.buffer),
            values: this.#column(field, places.length),
          };
        }
      }
    }
    return { archetype, first, count, columns, patches, ...(rows && { rows }) };
  }

  #column({ type }: Parameters<typeof columnKey>[1], rows: number): WireColumn {
    if (!isFixed(type)) {
      return Array.from({ length: rows }, () => type === "bytes" ? this.#bytes(3) : "abc");
    }
    const bytes = this.#bytes(rows * rowBytesOf(type));
    // Entities are below 2^53.
    if (type === "entity") {
      for (let at = 6; at < bytes.length; at += 8) {
        bytes.fill(0, at, at + 2);
      }
    }
    return bytes;
  }

  /** Of few values, so that some rows stay as they are. */
  #bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#below(2));
  }

  #below(end: number): number {
    return Math.floor(this.#random() * end);
  }
}

function toWire(command: Command): WireCommand {
  switch (command.op) {
    case "spawn":
      return {
        op: "spawn",
        components: Object.fromEntries(
          Array.from(command.components, ([{ name }, value]) => [name, wireValues(value)]),
        ),
      };
    case "despawn":
      return command;
    case "remove":
      return { ...command, component: command.component.name };
    default:
      return { ...command, component: command.component.name, value: wireValues(command.value) };
  }
}

function wireValues(value: ComponentValue) {
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, encodeFieldValue(item)]),
  );
}
