/**
 * A coordinator on the in-memory bus whose time and instances a test plays:
 * schedules wait until the test answers them, in whichever way it likes.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { Coordinator, type CoordinatorOptions } from "../coordinator/coordinator.ts";
import type { Bus, Message, Subscription } from "../lib/bus/bus.ts";
import type { Log } from "../lib/bus/log.ts";
import { MemoryNetwork } from "../lib/bus/memory_bus.ts";
import { createSchema, type Schema } from "../lib/ecs/component.ts";
import type { EntityComponents, Manifests, SystemManifest } from "../lib/manifest/manifest.ts";
import { signatureText, systemSignature } from "../lib/manifest/signature.ts";
import { decodeMessage, encodeMessage } from "../lib/wire/codec.ts";
import type { Chunk, MessageOf, MessageType } from "../lib/wire/messages.ts";
import { PROTOCOL_VERSION } from "../lib/wire/protocol.ts";
import { requestMessage } from "../lib/wire/request.ts";
import { createSubjects } from "../lib/wire/subjects.ts";
import { COMPONENTS } from "./graph_fixture.ts";
import { VirtualClock } from "./virtual_clock.ts";

type Schedule = MessageOf<"SystemSchedule">;
type Result = MessageOf<"ComponentShard">;

const SUBJECTS = createSubjects("test");
const REQUEST_TIMEOUT_MS = 1000;

export interface HarnessOptions extends Partial<Pick<CoordinatorOptions, "hz" | "isUnpaced">> {
  readonly systems: readonly SystemManifest[];
  readonly entities?: readonly EntityComponents[];
  readonly schema?: Schema;
  readonly payloadBytesMax?: number;
}

/** A schedule that an instance has taken and not answered. */
export interface Taken {
  readonly schedule: Schedule;
  readonly instance: FakeInstance;
  readonly message: Message;
}

export class TickHarness implements AsyncDisposable {
  readonly clock = new VirtualClock();
  /** What was taken and not answered, oldest first. */
  readonly taken: Taken[] = [];
  /** The coordinator's report. */
  readonly lines: string[] = [];
  /** Events as `topic system`. */
  readonly events: string[] = [];
  readonly #turns: (() => void)[] = [];
  readonly #network: MemoryNetwork;
  readonly #bus: Bus;
  readonly #log: Log;
  #coordinator: Coordinator | undefined;

  private constructor({ payloadBytesMax }: HarnessOptions) {
    this.#network = new MemoryNetwork({
      random: () => 0,
      clock: this.clock,
      defer: (deliver) => void this.#turns.push(deliver),
      ...(payloadBytesMax !== undefined && { payloadBytesMax }),
    });
    const { bus, log } = this.connect("test");
    this.#bus = bus;
    this.#log = log;
    bus.subscribe(SUBJECTS.event(">"), (message) => {
      const { topic, data } = decodeMessage("Event", message);
      this.events.push(`${topic} ${(data as { system: string }).system}`);
    });
  }

  static async open(options: HarnessOptions): Promise<TickHarness> {
    const harness = new TickHarness(options);
    const { systems, entities = [], schema = createSchema(COMPONENTS), hz = 10 } = options;
    const manifests: Manifests = {
      folder: "/manifests",
      schema,
      descriptions: new Map(),
      systems,
      worlds: new Map(),
    };
    const opening = Coordinator.open({
      ...harness.connect("coordinator"),
      clock: harness.clock,
      subjects: SUBJECTS,
      manifests,
      world: {
        name: "test",
        entities: () => entities,
        entityCount: entities.length,
        file: "worlds/test.yaml",
      },
      hz,
      isUnpaced: options.isUnpaced ?? true,
      isResident: false,
      replicas: 1,
      report: {
        info: (line) => harness.lines.push(line),
        warn: (line) => harness.lines.push(line),
      },
    });
    harness.#coordinator = await harness.pump(opening);
    return harness;
  }

  get coordinator(): Coordinator {
    if (this.#coordinator === undefined) throw new TypeError("Cannot use it before it is open");
    return this.#coordinator;
  }

  /** Stops a tick that still waits. Nothing is to be left then. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#coordinator?.stop({ abandon: true });
    await this.settle();
    const { pendingCount } = this.clock;
    if (pendingCount > 0) throw new Error(`Cannot end: ${pendingCount} timers are left`);
  }

  connect(name: string): { bus: Bus; log: Log } {
    return this.#network.connect(name, {
      onError: (error, subject) => this.lines.push(`${subject}: ${error.stack}`),
    });
  }

  /** Delivers messages until there are none, and lets promises settle. */
  async settle(): Promise<void> {
    while (true) {
      await new Promise<void>((resolve) => void setImmediate(resolve));
      if (this.#turns.length === 0) return;
      for (const turn of this.#turns.splice(0)) turn();
    }
  }

  /** Delivers messages, and resolves with a promise that depends on them alone. */
  async pump<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    promise.then(() => isSettled = true, () => isSettled = true);
    await this.settle();
    if (!isSettled) throw new Error("Cannot go on: it waits for something else than messages");
    return await promise;
  }

  async advance(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.settle();
  }

  async addInstance(manifest: SystemManifest, id: string, credits = 1): Promise<FakeInstance> {
    const { bus } = this.connect(id);
    const instance = new FakeInstance({ bus, manifest, id, taken: this.taken });
    instance.join(credits);
    await this.settle();
    return instance;
  }

  /** Starts to run and returns once nothing more happens by itself; `ran` is what run() returned. */
  async start(ticks: number): Promise<{ ran: Promise<void> }> {
    const ran = this.coordinator.run(ticks);
    ran.catch(() => undefined);
    await this.settle();
    return { ran };
  }

  /** The oldest schedule of a system that is not answered yet. */
  next(system: string): Taken {
    const taken = this.taken.find(({ schedule }) => schedule.system === system);
    if (taken === undefined) throw new RangeError(`Cannot find a schedule of ${system}`);
    return taken;
  }

  /** Systems with a schedule that is not answered, in the order of those. */
  get busy(): string[] {
    return this.taken.map(({ schedule }) => schedule.system);
  }

  /** Answers as a well-behaved instance does, adding 1 to all that the system writes. */
  async finish(taken: Taken): Promise<void> {
    taken.instance.finish(taken);
    await this.settle();
  }

  /** Answers everything until nothing more is sent. */
  async finishAll(): Promise<void> {
    for (let taken = this.taken[0]; taken; taken = this.taken[0]) await this.finish(taken);
  }

  async publish<T extends MessageType>(subject: string, type: T, value: MessageOf<T>) {
    const { data, options } = encodeMessage(type, value);
    this.#bus.publish(subject, data, options);
    await this.settle();
  }

  publishResult(result: Result): Promise<void> {
    return this.publish(SUBJECTS.componentChanged(result.system), "ComponentShard", result);
  }

  control(value: MessageOf<"Control">): Promise<MessageOf<"ControlReply">> {
    return this.pump(this.#request(SUBJECTS.control, {
      type: "Control",
      replyType: "ControlReply",
      value,
    }));
  }

  /** Its answer comes with the end of the tick that it is applied in. */
  command(commands: MessageOf<"EntityCommand">["commands"]) {
    return this.#request(SUBJECTS.entityCommand, {
      type: "EntityCommand",
      replyType: "EntityCommandReply",
      value: { commands },
    });
  }

  /** The values of an f32 field in all rows; only between ticks. */
  async values(component: string, field: string): Promise<number[]> {
    const { chunks } = await this.pump(this.#request(SUBJECTS.queryRequest, {
      type: "QueryRequest",
      replyType: "QueryResponse",
      value: { query: { read: [`${component}.${field}`] } },
    }));
    return chunks.flatMap(({ columns }) => Array.from(floatsOf(columns[`${component}.${field}`])));
  }

  async commits(): Promise<MessageOf<"TickCommit">[]> {
    const entries = this.#log.read(SUBJECTS.streams.components, { filter: SUBJECTS.commit });
    const stored = await this.pump(Array.fromAsync(entries));
    return stored.map((entry) => decodeMessage("TickCommit", { ...entry, noResponders: false }));
  }

  #request<T extends MessageType, R extends MessageType>(
    subject: string,
    request: { type: T; replyType: R; value: MessageOf<T> },
  ): Promise<MessageOf<R>> {
    return requestMessage(this.#bus, subject, { ...request, timeoutMs: REQUEST_TIMEOUT_MS });
  }
}

export interface FakeInstanceOptions {
  readonly bus: Bus;
  readonly manifest: SystemManifest;
  readonly id: string;
  readonly taken: Taken[];
}

/** An instance that registers and offers credits; what it answers is the test's business. */
export class FakeInstance {
  readonly #options: FakeInstanceOptions;
  readonly #credits = new Set<Subscription>();

  constructor(options: FakeInstanceOptions) {
    this.#options = options;
  }

  join(credits: number): void {
    const { manifest, id } = this.#options;
    for (let i = 0; i < credits; i++) this.offerCredit();
    this.#publish(SUBJECTS.register, "SystemDescriptor", {
      protocol: PROTOCOL_VERSION,
      name: manifest.name,
      instance_id: id,
      query: signatureText(manifest),
      schema_hash: systemSignature(manifest),
      credits,
    });
  }

  leave(): void {
    const { manifest, id } = this.#options;
    for (const credit of this.#credits) credit.unsubscribe();
    this.#publish(SUBJECTS.unregister, "Unregister", { instance_id: id, system: manifest.name });
  }

  offerCredit(): void {
    const { bus, manifest, taken } = this.#options;
    const credit = bus.subscribe(SUBJECTS.schedule(manifest.name), (message) => {
      this.#credits.delete(credit);
      taken.push({ schedule: decodeMessage("SystemSchedule", message), instance: this, message });
    }, { queue: manifest.queue, max: 1 });
    this.#credits.add(credit);
  }

  /** What a well-behaved instance returns: all that the system writes, and 1 more. */
  resultOf(schedule: Schedule): Result {
    const chunks = schedule.chunks.map((chunk) => this.#resultChunk(chunk));
    return { ...this.#attemptOf(schedule), chunks, commands: [] };
  }

  finish(taken: Taken, parts: Partial<Result> = {}): void {
    const { schedule } = this.#drop(taken);
    const result = { ...this.resultOf(schedule), ...parts };
    this.offerCredit();
    this.#publish(SUBJECTS.componentChanged(schedule.system), "ComponentShard", result);
    this.acknowledge(schedule, { changed: true });
  }

  /** Answers without a result: with an error, if one is given, or with nothing to change. */
  end(taken: Taken, error?: string): void {
    const { schedule } = this.#drop(taken);
    this.offerCredit();
    this.acknowledge(schedule, { changed: false, ...(error !== undefined && { error }) });
  }

  /** Refuses the schedule and offers its credit anew. */
  refuse(taken: Taken): void {
    const { message } = this.#drop(taken);
    this.offerCredit();
    this.#publish(message.reply ?? "", "Refusal", { reason: "not today" });
  }

  /** Keeps the schedule for good, as an instance that hangs. */
  swallow(taken: Taken): void {
    this.#drop(taken);
  }

  acknowledge(schedule: Schedule, parts: Partial<MessageOf<"TickAck">>): void {
    const ack = { ...this.#attemptOf(schedule), changed: false, rows: 0, compute_ms: 0, ...parts };
    this.#publish(SUBJECTS.tickDone, "TickAck", ack);
  }

  #drop(taken: Taken): Taken {
    const list = this.#options.taken;
    list.splice(list.indexOf(taken), 1);
    return taken;
  }

  #attemptOf({ epoch, tick_id, system, shard, attempt }: Schedule) {
    return { epoch, tick_id, system, shard, attempt, instance_id: this.#options.id };
  }

  #resultChunk({ archetype, first, count, rows, columns }: Chunk): Chunk {
    const written = this.#options.manifest.query.write.flatMap(({ component, fields }) =>
      fields.map((field) => {
        const key = `${component.name}.${field.name}`;
        const more = floatsOf(columns[key]).map((value) => value + 1);
        return [key, new Uint8Array(more.buffer)] as const;
      })
    );
    return {
      archetype,
      first,
      count,
      columns: Object.fromEntries(written),
      ...(rows && { rows }),
    };
  }

  #publish<T extends MessageType>(subject: string, type: T, value: MessageOf<T>): void {
    const { data, options } = encodeMessage(type, value);
    this.#options.bus.publish(subject, data, options);
  }
}

function floatsOf(column: Chunk["columns"][string] | undefined): Float32Array<ArrayBuffer> {
  if (!(column instanceof Uint8Array)) throw new TypeError("Cannot read a column: it is not bin");
  return new Float32Array(new Uint8Array(column).buffer);
}
