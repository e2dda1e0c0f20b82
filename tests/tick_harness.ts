/**
 * A coordinator on the in-memory bus whose time and instances a test plays:
 * schedules wait until the test answers them, in whichever way it likes.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { Coordinator, type CoordinatorOptions } from "../coordinator/coordinator.ts";
import type { Bus } from "../lib/bus/bus.ts";
import type { Log } from "../lib/bus/log.ts";
import { type MemoryConnection, MemoryNetwork } from "../lib/bus/memory_bus.ts";
import { createSchema, type Schema } from "../lib/ecs/component.ts";
import type { EntityComponents, Manifests, SystemManifest } from "../lib/manifest/manifest.ts";
import { decodeMessage, encodeMessage } from "../lib/wire/codec.ts";
import type { MessageOf, MessageType } from "../lib/wire/messages.ts";
import { requestMessage } from "../lib/wire/request.ts";
import { FakeInstance, floatsOf, SUBJECTS, type Taken } from "./fake_instance.ts";
import { access, COMPONENTS, Position, system } from "./graph_fixture.ts";
import { overlay } from "../bench/overlay.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

type Result = MessageOf<"ComponentShard">;

/** Its deadline is 50 ms, and it is skipped when it misses that too often. */
export const WRITER = system("writer", { write: [access(Position, "x")] });
/** The same, but ticks wait for it. */
export const HOLDER: SystemManifest = { ...WRITER, onMiss: "hold" };
export const DEADLINE_MS = WRITER.deadlineMs;

const REQUEST_TIMEOUT_MS = 1000;
const WAIT_STEP_MS = 50;
const WAIT_STEPS_MAX = 100;

export interface HarnessOptions
  extends Partial<Pick<CoordinatorOptions, "hz" | "isUnpaced" | "isBarrier" | "snapshots">> {
  readonly systems: readonly SystemManifest[];
  readonly entities?: readonly EntityComponents[];
  readonly schema?: Schema;
  readonly payloadBytesMax?: number;
  /** What the stream of results and commits takes. */
  readonly logBytesMax?: number;
}

export class TickHarness implements AsyncDisposable {
  readonly clock = new VirtualClock();
  /** What was taken and not answered, oldest first. */
  readonly taken: Taken[] = [];
  /** The coordinator's report. */
  readonly lines: string[] = [];
  /** Events as `topic system`, or what else they are about. */
  readonly events: string[] = [];
  readonly #turns: (() => void)[] = [];
  readonly #options: HarnessOptions;
  readonly #network: MemoryNetwork;
  readonly #connections = new Map<string, MemoryConnection>();
  readonly #bus: Bus;
  readonly #log: Log;
  readonly #coordinators: Coordinator[] = [];

  private constructor(options: HarnessOptions) {
    const { payloadBytesMax } = options;
    this.#options = options;
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
      const { system, snapshot, kind } = data as Record<string, string>;
      this.events.push(`${topic} ${system ?? snapshot ?? kind}`);
    });
  }

  static async open(options: HarnessOptions): Promise<TickHarness> {
    const harness = new TickHarness(options);
    await harness.pump(harness.openCoordinator("coordinator"));
    return harness;
  }

  /** Opens a coordinator of this client, on whatever the log holds; the harness is about the newest. */
  async openCoordinator(client: string, takeover = false): Promise<Coordinator> {
    const coordinator = await Coordinator.open({ ...this.#optionsOf(client), takeover });
    this.#coordinators.push(coordinator);
    return coordinator;
  }

  /** The same, with other components than before. */
  async openMigrating(
    client: string,
    schema: Schema,
    { change = (log) => log, ...how }:
      & Pick<CoordinatorOptions, "isLossAllowed" | "takeover">
      & { change?: (log: Log) => Log } = {},
  ): Promise<Coordinator> {
    const options = this.#optionsOf(client);
    const manifests = { ...options.manifests, schema };
    const log = change(options.log);
    const coordinator = await Coordinator.open({ ...options, log, manifests, ...how });
    this.#coordinators.push(coordinator);
    return coordinator;
  }

  /** A coordinator of this client that stands by; it is the newest once it leads. */
  async standBy(
    client: string,
    signal: AbortSignal,
    change: (log: Log) => Log = (log) => log,
  ): Promise<Coordinator | undefined> {
    const options = this.#optionsOf(client);
    const coordinator = await Coordinator.standBy({ ...options, log: change(options.log) }, signal);
    if (coordinator) this.#coordinators.push(coordinator);
    return coordinator;
  }

  #optionsOf(client: string): CoordinatorOptions {
    const { systems, entities = [], schema = createSchema(COMPONENTS), hz = 10 } = this.#options;
    const connection = this.connect(client);
    const manifests: Manifests = {
      folder: "/manifests",
      schema,
      annotations: new Map(),
      systems,
      worlds: new Map(),
    };
    return {
      ...connection,
      log: limited(connection.log, this.#options.logBytesMax),
      clock: this.clock,
      subjects: SUBJECTS,
      manifests,
      world: {
        name: "test",
        entities: () => entities,
        groups: [],
        file: "worlds/test.yaml",
      },
      hz,
      isUnpaced: this.#options.isUnpaced ?? true,
      isResident: false,
      isBarrier: this.#options.isBarrier ?? false,
      replicas: 1,
      ...(this.#options.snapshots && { snapshots: this.#options.snapshots }),
      dateMs: () => 0,
      report: {
        info: (line) => this.lines.push(line),
        warn: (line) => this.lines.push(line),
      },
    };
  }

  /** Ends a client as a crash of its process would. */
  kill(client: string): void {
    this.#connections.get(client)?.kill();
  }

  /** The log loses what came after a sequence, as when its server's power goes. */
  cutLog(after: number): void {
    this.#network.cutStream(SUBJECTS.streams.components, after);
  }

  /** Breaks a client's connection. */
  disconnect(client: string): void {
    this.#connections.get(client)?.disconnect();
  }

  reconnect(client: string): void {
    this.#connections.get(client)?.reconnect();
  }

  /** Lets time pass until the promise is settled. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    promise.then(() => isSettled = true, () => isSettled = true);
    for (let step = 0; step < WAIT_STEPS_MAX && !isSettled; step++) {
      await this.advance(WAIT_STEP_MS);
    }
    return await this.pump(promise);
  }

  /** The newest one. */
  get coordinator(): Coordinator {
    const coordinator = this.#coordinators.at(-1);
    if (coordinator === undefined) throw new TypeError("Cannot use it before it is open");
    return coordinator;
  }

  /** Stops a tick that still waits. Nothing is to be left then. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const coordinator of this.#coordinators) coordinator.stop({ abandon: true });
    await this.settle();
    const { pendingCount } = this.clock;
    if (pendingCount > 0) throw new Error(`Cannot end: ${pendingCount} timers are left`);
  }

  connect(name: string): { bus: Bus; log: Log } {
    const connection = this.#network.connect(name, { onError: this.#onError });
    this.#connections.set(name, connection);
    return connection;
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
  command(commands: MessageOf<"EntityCommand">["commands"], id?: string) {
    return this.#request(SUBJECTS.entityCommand, {
      type: "EntityCommand",
      replyType: "EntityCommandReply",
      value: { ...(id !== undefined && { id }), commands },
    });
  }

  /** The values of an f32 field in all rows; only between ticks. */
  async values(component: string, field: string): Promise<number[]> {
    const term = `${component}.${field}`;
    const values: number[] = [];
    for (let cursor: string | undefined = "0.0"; cursor !== undefined;) {
      const page: MessageOf<"QueryResponse"> = await this.pump(
        this.#request(SUBJECTS.queryRequest, {
          type: "QueryRequest",
          replyType: "QueryResponse",
          value: { query: { read: [term] }, cursor },
        }),
      );
      for (const { columns } of page.chunks) values.push(...floatsOf(columns[term]));
      cursor = page.next;
    }
    return values;
  }

  async commits(): Promise<MessageOf<"TickCommit">[]> {
    const entries = this.#log.read(SUBJECTS.streams.components, { filter: SUBJECTS.commit });
    const stored = await this.pump(Array.fromAsync(entries));
    return stored.filter(({ headers }) => headers["msg-type"] === "TickCommit")
      .map((entry) => decodeMessage("TickCommit", { ...entry, noResponders: false }));
  }

  readonly #onError = (error: Error, subject: string) => {
    this.lines.push(`${subject}: ${error.stack}`);
  };

  #request<T extends MessageType, R extends MessageType>(
    subject: string,
    request: { type: T; replyType: R; value: MessageOf<T> },
  ): Promise<MessageOf<R>> {
    return requestMessage(this.#bus, subject, { ...request, timeoutMs: REQUEST_TIMEOUT_MS });
  }
}

/** A world of one row with all components, or of `rows`, and an instance per system. */
export async function openTicks(
  systems: readonly SystemManifest[],
  { rows = 1, credits = 1, ...options }: Partial<HarnessOptions> & {
    rows?: number;
    credits?: number;
  } = {},
): Promise<TickHarness> {
  const harness = await TickHarness.open({ systems, entities: entities(rows), ...options });
  for (const manifest of systems) {
    await harness.addInstance(manifest, `${manifest.name}-1`, credits);
  }
  return harness;
}

export function entities(count: number): EntityComponents[] {
  return Array.from({ length: count }, () => ({ Position: {}, Velocity: {}, Mass: {} }));
}

/** Spawns an entity whose mass is the default, and runs up to the tick. */
export async function spawnMass(harness: TickHarness, tick: number): Promise<void> {
  const spawning = harness.command([{ op: "spawn", components: { Mass: {} } }]);
  await harness.settle();
  await (await harness.start(tick)).ran;
  await harness.pump(spawning);
}

/** The log with a smaller stream of results and commits. */
function limited(log: Log, bytesMax: number | undefined): Log {
  if (bytesMax === undefined) return log;
  const { components } = SUBJECTS.streams;
  return overlay(log, {
    open: (config) => log.open(config.name === components ? { ...config, bytesMax } : config),
  });
}
