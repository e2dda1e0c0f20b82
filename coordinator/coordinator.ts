/**
 * The coordinator: the single authority over a world. It listens on the bus,
 * keeps the registry of instances, and lets the engine turn one tick after the
 * other, as fast as the pacer and the gate allow.
 *
 * @module
 */
import type { Bus, Message } from "../lib/bus/bus.ts";
import type { Log } from "../lib/bus/log.ts";
import { type Clock, delay, systemDateMs, type Timer } from "../lib/clock.ts";
import { worldDigest } from "../lib/ecs/world_digest.ts";
import type { Manifests, WorldManifest } from "../lib/manifest/manifest.ts";
import type { Report } from "../lib/report.ts";
import { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { parseCommands } from "../lib/wire/command.ts";
import { type Encoded, encodeMessage } from "../lib/wire/codec.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { COMMIT_SHARE_MAX, Engine } from "./engine.ts";
import { Gate } from "./gate.ts";
import type { Lease } from "./lease.ts";
import { Pacer } from "./pacer.ts";
import { QueryService } from "./query_service.ts";
import { Reception } from "./reception.ts";
import { HEARTBEAT_MS, type RegisteredInstance, Registry } from "./registry.ts";
import { Stats } from "./stats.ts";
import { openSets } from "./streams.ts";
import { Succession, type Term } from "./succession.ts";

export interface CoordinatorOptions {
  readonly bus: Bus;
  readonly log: Log;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly manifests: Manifests;
  /** The entities that a new world begins with; none by default. */
  readonly world?: WorldManifest | undefined;
  /** Ticks a second; a tick's `dt` is its inverse. */
  readonly hz: number;
  /** Tick as fast as the systems allow; `dt` stays that of `hz`. */
  readonly isUnpaced: boolean;
  /** Whether instances keep their rows from tick to tick, so that only changes travel; they do by default. */
  readonly isResident?: boolean;
  /** Copies of the streams in a cluster. */
  readonly replicas: number;
  /** Whether to take the place of a coordinator that is alive; by default it is left alone. */
  readonly takeover?: boolean;
  /** Milliseconds since 1970, for people who look at snapshots; the machine's by default. */
  readonly dateMs?: () => number;
  readonly report: Report;
}

const QUERIES_WAITING_MAX = 256;
/** How soon to try again to open a stream. */
const REOPEN_MS = 100;
/** Slow enough for anyone, and far from where timers and `dt` overflow. */
const HZ_MIN = 0.001;

export class Coordinator {
  readonly stats: Stats;
  readonly #options: CoordinatorOptions;
  readonly #engine: Engine;
  readonly #registry: Registry;
  readonly #queries: QueryService;
  readonly #reception: Reception;
  readonly #gate = new Gate();
  readonly #pacer: Pacer;
  readonly #epoch: number;
  readonly #lease: Lease;
  readonly #stopping = new AbortController();
  /** Queries that came during a tick, to be answered between it and the next. */
  readonly #waitingQueries: (() => void)[] = [];
  /** Aborted when the wait for the next tick is for nothing. */
  #waiting = new AbortController();
  #sweepTimer: Timer | undefined;
  #isTicking = false;
  #dt: number;

  /**
   * Resumes the world that the log holds, or begins a new one, and listens; ticks
   * go on with {@linkcode run}.
   * @throws {UserError} when another coordinator leads it, or it cannot be resumed.
   * @throws {CycleError} when the manifests' order is impossible.
   */
  static async open(options: CoordinatorOptions): Promise<Coordinator> {
    const { bus, log, subjects, takeover = false, dateMs = systemDateMs } = options;
    const { payloadBytesMax } = bus;
    const store = new SnapshotStore({ log, subjects, payloadBytesMax, turn: () => bus.flush() });
    using succession = new Succession({ ...options, store, dateMs });
    const coordinator = new Coordinator(options, await succession.begin({ takeover }));
    coordinator.#listen();
    // Where the connection breaks instead, the subscriptions are made anew when it is back.
    await bus.flush().catch(() => undefined);
    coordinator.#sweep();
    return coordinator;
  }

  private constructor(options: CoordinatorOptions, { epoch, state, sequence, lease }: Term) {
    const { bus, clock, manifests, hz, isUnpaced, report } = options;
    this.#options = options;
    this.#epoch = epoch;
    this.#lease = lease;
    this.#dt = 1 / hz;
    this.#pacer = new Pacer(isUnpaced ? Infinity : hz, clock.now());
    this.#registry = new Registry(manifests.systems);
    this.stats = new Stats(manifests.systems.map(({ name }) => name));
    this.#reception = new Reception({ bus, report, onRefused: () => this.stats.refused++ });
    this.#queries = new QueryService({
      world: state.world,
      payloadBytesMax: bus.payloadBytesMax,
      publish: (subject, message) =>
        this.#engine.settled().then(() => this.#deliver(subject, message), () => {}),
    });
    this.#engine = new Engine({
      ...options,
      isResident: options.isResident ?? true,
      state,
      epoch,
      lastCommit: sequence,
      stats: this.stats,
      credits: (system) => this.#registry.credits(system),
      creditsOf: (instance) => this.#registry.creditsOf(instance),
    });
  }

  /** Number of the newest tick that was committed or is on its way to the log. */
  get tickNumber(): number {
    return this.#engine.tickNumber;
  }

  get entityCount(): number {
    return this.#engine.world.entityCount;
  }

  /** The schedule as built for the archetypes of now. */
  get graph(): Engine["graph"] {
    return this.#engine.graph;
  }

  /** The digest of the whole world, in canonical order; meaningful between ticks. */
  digest(): bigint {
    return worldDigest(this.#engine.world);
  }

  instancesOf(system: string): readonly RegisteredInstance[] {
    return this.#registry.instancesOf(system);
  }

  /**
   * Ticks until `ticksMax`, or until it is stopped, and resolves when the last
   * commit is stored; the coordinator is then at its end.
   * @throws {FencedError} when another coordinator commits to this log.
   */
  async run(ticksMax = Infinity): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stopping;
    this.#pacer.restart(clock.now());
    try {
      while (!signal.aborted && this.tickNumber < ticksMax) {
        if (!this.#gate.isOpen) {
          await this.#gate.pass();
          this.#pacer.restart(clock.now());
        }
        if (await this.#isDue()) await this.#tick();
      }
    } finally {
      this.stop();
    }
    await this.#engine.settled();
  }

  /** Ends {@linkcode run} after the tick that is running; `abandon` ends that one, too. */
  stop({ abandon = false }: { abandon?: boolean } = {}): void {
    this.#stopping.abort();
    this.#waiting.abort();
    this.#sweepTimer?.cancel();
    this.#lease.end();
    this.#gate.open();
    if (abandon) this.#engine.abandon();
  }

  /** Waits for the next tick's time; false when a pause, a step or another rate came first. */
  async #isDue(): Promise<boolean> {
    const { clock } = this.#options;
    const waitMs = this.#pacer.next(clock.now());
    this.#waiting = new AbortController();
    if (waitMs > 0) await delay(clock, waitMs, this.#waiting.signal);
    return !this.#waiting.signal.aborted && !this.#stopping.signal.aborted;
  }

  async #tick(): Promise<void> {
    const { clock } = this.#options;
    const startedAt = clock.now();
    this.#isTicking = true;
    const isDone = await this.#engine.tick(this.#dt);
    this.#isTicking = false;
    if (!isDone) return;
    const periodMs = this.#pacer.periodMs;
    if (periodMs > 0 && clock.now() - startedAt > periodMs) this.stats.overruns++;
    for (const answer of this.#waitingQueries.splice(0)) answer();
    this.#queries.push(this.tickNumber, clock.now());
  }

  /** The connection broke and is back: who is still there has not been heard, and no more have we. */
  async #resume(): Promise<void> {
    const { clock, report } = this.#options;
    const { signal } = this.#stopping;
    report.info("connected again; doing anew what was under way");
    this.#registry.excuse(clock.now());
    while (!signal.aborted && !await this.#reopenSets()) await delay(clock, REOPEN_MS, signal);
    if (!signal.aborted) this.#engine.resume();
  }

  /** A server that was started anew has no stream of sets. */
  #reopenSets(): Promise<boolean> {
    return openSets(this.#options).then(() => true, (error) => {
      this.#options.report.warn(error instanceof Error ? error.message : String(error));
      return false;
    });
  }

  /** Looks for instances that have gone silent, again and again. */
  #sweep(dueAt = this.#options.clock.now()): void {
    const { clock, report } = this.#options;
    if (this.#stopping.signal.aborted) return;
    // Whoever was stopped itself has not listened: what came meanwhile is yet to be read.
    if (clock.now() - dueAt > HEARTBEAT_MS) this.#registry.excuse(clock.now());
    for (const { id, system } of this.#registry.expire(clock.now())) {
      report.warn(`${id} has been silent for too long; its shards go to others`);
      this.#announceInstance("system.down", system, id);
      this.#engine.creditFreed(system);
    }
    const nextAt = clock.now() + HEARTBEAT_MS;
    this.#sweepTimer = clock.after(HEARTBEAT_MS, () => this.#sweep(nextAt));
  }

  #listen(): void {
    const { subjects, bus } = this.#options;
    const reception = this.#reception;
    reception.listen(
      subjects.componentChanged(),
      "ComponentShard",
      (result) => {
        this.#registry.seen(result.instance_id, result.system, this.#options.clock.now());
        this.#engine.acceptResult(result);
      },
    );
    reception.listen(subjects.tickDone, "TickAck", (ack) => {
      this.#registry.seen(ack.instance_id, ack.system, this.#options.clock.now());
      this.#engine.acknowledge(ack);
    });
    reception.listen(
      subjects.register,
      "SystemDescriptor",
      (value, message) => this.#register(value, message),
    );
    reception.listen(
      subjects.unregister,
      "Unregister",
      (value, message) => this.#unregister(value, message),
    );
    reception.listen(subjects.heartbeat, "Heartbeat", (beat, message) => {
      const known = this.#registry.heartbeat(beat, this.#options.clock.now());
      reception.reply(message, "HeartbeatReply", { known });
      if (known) this.#engine.creditFreed(beat.system);
    });
    reception.listen(
      subjects.entityCommand,
      "EntityCommand",
      (value, message) => this.#enqueue(value, message),
    );
    reception.listen(
      subjects.control,
      "Control",
      (value, message) => this.#control(value, message),
    );
    reception.listen(
      subjects.queryRequest,
      "QueryRequest",
      (value, message) =>
        this.#betweenTicks(() =>
          reception.answer(message, "QueryResponse", {
            make: () => this.#queries.answer(value, this.tickNumber),
            until: this.#engine.settled(),
          })
        ),
    );
    reception.listen(subjects.queryWatch, "QueryWatch", (value, message) =>
      reception.reply(
        message,
        "QueryWatchReply",
        this.#queries.watch(value, this.#options.clock.now()),
      ));
    bus.subscribe(`${this.#engine.scheduleInbox}.>`, (message) => this.#bounce(message));
    bus.onStatus((status) => status === "reconnected" && this.#resume());
  }

  #register(descriptor: MessageOf<"SystemDescriptor">, message: Message): void {
    const { clock, report } = this.#options;
    const { name, instance_id } = descriptor;
    const reason = this.#registry.register(descriptor, clock.now());
    this.#reception.reply(message, "RegisterReply", {
      accepted: reason === undefined,
      ...(reason !== undefined && { reason }),
      epoch: this.#epoch,
      tick_id: this.tickNumber,
      heartbeat_ms: HEARTBEAT_MS,
    });
    if (reason !== undefined) return report.warn(`refused instance ${instance_id}: ${reason}`);
    report.info(`${instance_id} joined`);
    this.#announceInstance("system.up", name, instance_id);
    this.#engine.creditFreed(name);
  }

  #unregister({ instance_id }: MessageOf<"Unregister">, message: Message): void {
    const instance = this.#registry.unregister(instance_id);
    this.#reception.reply(message, "UnregisterReply", { known: instance !== undefined });
    if (instance === undefined) return;
    this.#options.report.info(`${instance_id} left`);
    this.#announceInstance("system.down", instance.system, instance_id);
    this.#engine.creditFreed(instance.system);
  }

  #enqueue({ id, commands }: MessageOf<"EntityCommand">, message: Message): void {
    const { bus, manifests } = this.#options;
    const bytesMax = bus.payloadBytesMax * COMMIT_SHARE_MAX;
    if (message.data.length > bytesMax) {
      throw new WireError(
        `Cannot queue the commands: ${message.data.length} bytes are more than ${bytesMax}, ` +
          "the most that a commit has room for; send them in several messages",
      );
    }
    const isQueued = this.#engine.queue.push({
      id,
      data: new Uint8Array(message.data),
      commands: parseCommands(manifests.schema, commands),
      reply: message.reply,
    });
    if (!isQueued) throw new WireError("Cannot queue the commands: too many wait; try again later");
  }

  #control({ op, ticks, hz }: MessageOf<"Control">, message: Message): void {
    const now = this.#options.clock.now();
    if (op === "pause") this.#gate.pause();
    else if (op === "resume") this.#gate.open();
    else if (op === "step") this.#gate.step(ticks ?? 1);
    else if (op === "rate") {
      if (hz === undefined || hz < HZ_MIN) {
        throw new WireError(`Cannot set the rate: it takes an hz from ${HZ_MIN}`);
      }
      this.#dt = 1 / hz;
      this.#pacer.restart(now, hz);
    }
    if (op === "pause" || op === "step" || op === "rate") this.#waiting.abort();
    this.#reception.reply(message, "ControlReply", this.#status());
  }

  #status(): MessageOf<"ControlReply"> {
    const systems = [...this.stats.systems].map(([name, { ticks: _, ...counts }]) => {
      const instances = this.instancesOf(name);
      const load = instances.reduce((sum, { load }) => sum + load, 0) / (instances.length || 1);
      return [name, { instances: instances.length, load, ...counts }] as const;
    });
    return {
      epoch: this.#epoch,
      tick_id: this.tickNumber,
      running: this.#gate.isOpen,
      hz: 1 / this.#dt,
      entities: this.entityCount,
      overruns: this.stats.overruns,
      refused: this.stats.refused,
      systems: Object.fromEntries(systems),
    };
  }

  /** Calls `answer` when the world is not in the middle of a tick. */
  #betweenTicks(answer: () => void): void {
    if (!this.#isTicking) return answer();
    if (this.#waitingQueries.length >= QUERIES_WAITING_MAX) {
      throw new WireError("Cannot take the query: too many wait; try again later");
    }
    this.#waitingQueries.push(answer);
  }

  /** A schedule found no instance with a credit, or the instance refused it. */
  #bounce(message: Message): void {
    const [system, tick, shard, attempt] = message.subject
      .slice(this.#engine.scheduleInbox.length + 1).split(".");
    this.#engine.bounce(system, {
      tick: Number(tick),
      shard: Number(shard),
      attempt: Number(attempt),
      isRefused: !message.noResponders,
    });
  }

  /** To a watch: what does not fit into a message is lost, rather than the coordinator. */
  #deliver(subject: string, { data, options }: Encoded): void {
    try {
      this.#options.bus.publish(subject, data, options);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#options.report.warn(error.message);
    }
  }

  #announceInstance(topic: "system.up" | "system.down", system: string, instance: string): void {
    const { bus, subjects } = this.#options;
    const { data, options } = encodeMessage("Event", {
      topic,
      tick_id: this.tickNumber,
      source: "coordinator",
      data: { system, instance },
    });
    bus.publish(subjects.event(topic), data, options);
  }
}
