/**
 * The coordinator: the single authority over a world. It listens on the bus,
 * keeps the registry of instances, and lets the engine turn one tick after the
 * other, as fast as the pacer and the gate allow.
 *
 * @module
 */
import type { Bus, Message } from "../lib/bus/bus.ts";
import type { Log } from "../lib/bus/log.ts";
import { parseReceipt } from "../lib/bus/receipt.ts";
import { type Clock, delay, systemDateMs } from "../lib/clock.ts";
import { worldDigest } from "../lib/ecs/world_digest.ts";
import type { Manifests, WorldManifest } from "../lib/manifest/manifest.ts";
import type { Report } from "../lib/report.ts";
import { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { BusyError } from "../lib/wire/wire_error.ts";
import { listenForCommands } from "./command_port.ts";
import { ControlService } from "./control_service.ts";
import { describeCounts } from "./description.ts";
import { Engine } from "./engine.ts";
import { Fence, type FencedError } from "./fence.ts";
import { buildGraph } from "./graph.ts";
import type { Lease } from "./lease.ts";
import { Membership } from "./membership.ts";
import { Meters } from "./meters.ts";
import { Pace } from "./pace.ts";
import { QueryPort } from "./query_port.ts";
import { REPEATED_HEADER } from "./receipts.ts";
import { Reception } from "./reception.ts";
import type { RegisteredInstance } from "./registry.ts";
import { SnapshotService, type SnapshotServiceOptions } from "./snapshot_service.ts";
import type { SnapshotPolicy } from "./snapshotter.ts";
import { Stats } from "./stats.ts";
import { openSets } from "./streams.ts";
import { Succession, type SuccessionOptions, type Term } from "./succession.ts";

export interface CoordinatorOptions extends Pick<SuccessionOptions, "isLossAllowed"> {
  readonly bus: Bus;
  readonly log: Log;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly manifests: Manifests;
  /** The entities of a new world; none by default. */
  readonly world?: WorldManifest | undefined;
  /** Ticks a second; a tick's `dt` is its inverse. */
  readonly hz: number;
  /** Tick as fast as the systems allow; `dt` stays that of `hz`. */
  readonly isUnpaced: boolean;
  /** Whether instances keep their rows from tick to tick, so that only changes travel; they do by default. */
  readonly isResident?: boolean;
  /** Whether a system waits for the whole of those before it, rather than row by row; it does not by default. */
  readonly isBarrier?: boolean;
  /** Shards for each of a system's instances; as many as their cost is worth by default. */
  readonly grain?: number | undefined;
  /** Copies of the streams in a cluster. */
  readonly replicas: number;
  /** When snapshots are taken by themselves, and how many are kept; none are by default. */
  readonly snapshots?: SnapshotPolicy;
  /** Whether to take the place of a coordinator that is alive; by default it is left alone. */
  readonly takeover?: boolean;
  /** Milliseconds since 1970, for people who look at snapshots; the machine's by default. */
  readonly dateMs?: () => number;
  readonly report: Report;
}

/** How soon to try again to open a stream. */
const REOPEN_MS = 250;
/** What may wait for the end of a tick, queries above all. */
const WAITING_MAX = 256;

type StoredOptions = CoordinatorOptions & Pick<SnapshotServiceOptions, "store" | "dateMs">;

export class Coordinator {
  readonly stats: Stats;
  readonly #options: CoordinatorOptions;
  readonly #engine: Engine;
  readonly #members: Membership;
  readonly #queries: QueryPort;
  readonly #reception: Reception;
  readonly #snapshots: SnapshotService;
  readonly #pace: Pace;
  readonly #meters: Meters;
  readonly #epoch: number;
  readonly #lease: Lease;
  readonly #fence: Fence;
  /** What came during a tick, to be done between it and the next. */
  readonly #waiting: (() => void)[] = [];
  #isTicking = false;
  #isAbandoned = false;
  /** Set when another coordinator leads. */
  #followed: FencedError | undefined;

  /**
   * Resumes the world that the log holds, or begins a new one, and listens; ticks
   * go on with {@linkcode run}.
   * @throws {UserError} when another coordinator leads it, or it cannot be resumed.
   * @throws {CycleError} when the manifests' order is impossible.
   */
  static async open(options: CoordinatorOptions): Promise<Coordinator> {
    const { takeover = false } = options;
    const stored = withStore(options);
    using succession = new Succession(stored);
    return await Coordinator.#lead(stored, await succession.begin({ takeover }));
  }

  /**
   * Stays behind the coordinator that leads, and takes its place when it falls
   * silent; undefined when `signal` is aborted before.
   * @throws {UserError} when the world cannot be resumed.
   * @throws {CycleError} when the manifests' order is impossible.
   */
  static async standBy(
    options: CoordinatorOptions,
    signal: AbortSignal,
  ): Promise<Coordinator | undefined> {
    const stored = withStore(options);
    using succession = new Succession(stored);
    const term = await succession.standBy(signal);
    return term && await Coordinator.#lead(stored, term);
  }

  static async #lead(options: StoredOptions, term: Term): Promise<Coordinator> {
    const coordinator = new Coordinator(options, term);
    coordinator.#listen();
    // Where the connection breaks instead, the subscriptions are made anew when it is back.
    await options.bus.flush().catch(() => undefined);
    term.lease.begin();
    coordinator.#fence.begin();
    // They were opened when this one began to stand by; the server may have been another one then.
    void coordinator.#reopenSets();
    return coordinator;
  }

  private constructor(
    options: StoredOptions,
    { epoch, state, sequence, lease, logBytesMax }: Term,
  ) {
    const { bus, clock, manifests, report } = options;
    this.#options = options;
    this.#epoch = epoch;
    this.#lease = lease;
    this.#fence = new Fence({
      ...options,
      epoch,
      tick: () => this.tickNumber,
      lastCommit: () => this.#engine.lastCommit,
      onFenced: (error) => this.#end(error),
    });
    this.#pace = new Pace(clock, options);
    this.stats = new Stats(manifests.systems.map(({ name }) => name));
    this.#reception = new Reception({ bus, report, onRefused: () => this.stats.refused++ });
    this.#members = new Membership({
      ...options,
      systems: manifests.systems,
      reception: this.#reception,
      epoch,
      tickNumber: () => this.tickNumber,
      runs: () => this.#engine.runs,
      onChange: (system) => this.#engine.creditFreed(system),
      event: (topic, data) => this.#engine.announce(topic, data),
    });
    this.#engine = new Engine({
      ...options,
      isResident: options.isResident ?? true,
      isBarrier: options.isBarrier ?? false,
      state,
      epoch,
      lastCommit: sequence,
      stats: this.stats,
      seats: (system) => this.instancesOf(system),
      onLogFull: () => this.#snapshots.makeRoom(),
    });
    this.#queries = new QueryPort({
      ...options,
      reception: this.#reception,
      engine: this.#engine,
      world: state.world,
      worldName: options.world?.name,
      stats: this.stats,
      instancesOf: (system) => this.instancesOf(system),
      confirm: () => this.#confirm(),
    });
    this.#meters = new Meters({
      stats: this.stats,
      entities: () => this.entityCount,
      waiting: () => this.waiting,
      seats: (system) => this.instancesOf(system),
    });
    this.#snapshots = new SnapshotService({
      ...options,
      logBytesMax,
      state,
      epoch,
      engine: this.#engine,
      pace: this.#pace,
      betweenTicks: (act) => this.#betweenTicks(act),
      onRestored: () => this.#queries.refresh(),
      event: (topic, data) => this.#engine.announce(topic, data),
    });
  }

  /** Number of the newest tick that was committed or is on its way to the log. */
  get tickNumber(): number {
    return this.#engine.tickNumber;
  }

  get entityCount(): number {
    return this.#engine.world.entityCount;
  }

  /** How many requests wait, by what they wait for. */
  get waiting(): { commands: number; queries: number; snapshots: number } {
    const [queries, snapshots] = [this.#queries.waiting, this.#snapshots.waiting];
    return { commands: this.#engine.queue.length, queries, snapshots };
  }

  /** The digest of the whole world, in canonical order; meaningful between ticks. */
  digest(): bigint {
    return worldDigest(this.#engine.world);
  }

  instancesOf(system: string): readonly RegisteredInstance[] {
    return this.#members.instancesOf(system);
  }

  /**
   * Ticks until `ticksMax`, or until it is stopped, and resolves when the last
   * commit is stored; the coordinator is then at its end.
   * @throws {FencedError} when another coordinator commits to this log.
   */
  async run(ticksMax = Infinity): Promise<void> {
    this.#pace.restart();
    try {
      while (!this.#pace.isStopped && this.tickNumber < ticksMax) {
        const isDue = await this.#pace.next();
        // A restore, which is a tick too, may have come in between, or the end.
        const isFree = !this.#pace.isHeld && !this.#pace.isStopped;
        if (isDue && isFree && this.tickNumber < ticksMax) await this.#tick();
      }
    } catch (error) {
      throw this.#followed ?? error;
    } finally {
      this.stop();
    }
    if (this.#followed) throw this.#followed;
    if (!this.#isAbandoned) await this.#snapshots.stop();
    await this.#engine.settled();
  }

  /** Ends {@linkcode run} after the tick that is running; `abandon` ends that one, too. */
  stop({ abandon = false }: { abandon?: boolean } = {}): void {
    this.#pace.stop();
    this.#members.stop();
    this.#queries.stop();
    this.#lease.end();
    this.#fence.end();
    this.#meters[Symbol.dispose]();
    if (!abandon) return;
    this.#isAbandoned = true;
    this.#engine.abandon();
  }

  async #tick(): Promise<void> {
    const { clock } = this.#options;
    const startedAt = clock.now();
    const { dt, periodMs } = this.#pace;
    this.#isTicking = true;
    this.#queries.close();
    const isDone = await this.#engine.tick(dt, periodMs);
    this.#isTicking = false;
    if (!isDone) return;
    const now = clock.now();
    this.#meters.addTick(now - startedAt);
    const overrun = this.stats.overran.note(now - startedAt, { periodMs, now });
    if (overrun) this.#engine.announce("tick.overrun", overrun);
    for (const act of this.#waiting.splice(0)) act();
    this.#queries.open();
    this.#snapshots.afterTick(this.tickNumber);
  }

  #listen(): void {
    const { subjects, bus } = this.#options;
    const reception = this.#reception;
    this.#members.listen();
    bus.onStatus((status) => {
      if (status === "reconnected") this.#renew();
    });
    reception.overhear(subjects.componentChanged(), "ComponentShard", (result, message) => {
      if (message.headers[REPEATED_HEADER] !== undefined) return;
      this.#members.seen(result);
      this.#engine.acceptResult(result, message);
    });
    reception.listen(subjects.tickDone, "TickAck", (ack) => {
      this.#members.seen(ack);
      this.#engine.acknowledge(ack);
    });
    const { schema } = this.#options.manifests;
    listenForCommands({ bus, subjects, schema, reception, queue: this.#engine.queue });
    const control = new ControlService({
      reception,
      pace: this.#pace,
      snapshots: this.#snapshots,
      status: () => this.#status(),
      confirm: () => this.#fence.check(),
      event: (topic, data) => this.#engine.announce(topic, data),
    });
    reception.listen(subjects.control, "Control", (value, message) => {
      control.handle(value, message);
    });
    this.#queries.listen();
    bus.subscribe(this.#engine.inbox.pattern, (message) => this.#takeAnswer(message));
  }

  #status(): MessageOf<"ControlReply"> {
    return {
      epoch: this.#epoch,
      tick_id: this.tickNumber,
      running: this.#pace.isRunning,
      hz: 1 / this.#pace.dt,
      entities: this.entityCount,
      overruns: this.stats.overruns,
      refused: this.stats.refused,
      systems: describeCounts(this.stats, (system) => this.instancesOf(system)),
    };
  }

  #end(followed: FencedError): void {
    this.#followed = followed;
    this.stop({ abandon: true });
  }

  /** Resolves when what the world shows now is stored, and was the newest while this was awaited. */
  async #confirm(): Promise<void> {
    await this.#engine.settled();
    await this.#fence.check();
  }

  /** The server may be another one than before: what was on its way is lost, and what was in memory. */
  async #renew(): Promise<void> {
    const { clock, report } = this.#options;
    report.info("connected to NATS again");
    this.#members.excuse();
    this.#engine.renewSets();
    this.#engine.resend();
    while (!this.#pace.isStopped && !await this.#reopenSets()) await delay(clock, REOPEN_MS);
    if (!this.#pace.isStopped) this.#engine.renewSets();
  }

  /** A server that was started anew has no stream of sets. */
  #reopenSets(): Promise<boolean> {
    return openSets(this.#options).then(() => true, (error: Error) => {
      this.#options.report.warn(error.message);
      return false;
    });
  }

  /** Calls `act` when the world is not in the middle of a tick. */
  #betweenTicks(act: () => void): void {
    if (!this.#isTicking) return act();
    if (this.#waiting.length >= WAITING_MAX) {
      throw new BusyError("Cannot take the request: too many wait; try again later");
    }
    this.#waiting.push(act);
  }

  /**
   * The log has stored the result of a schedule or not; or else the schedule found
   * no instance with a credit, or the instance refused it.
   */
  #takeAnswer(message: Message): void {
    const key = this.#engine.inbox.parse(message.subject);
    const receipt = parseReceipt(message);
    if (receipt) this.#engine.receive(key, receipt.isStored);
    else this.#engine.bounce(key, { isRefused: !message.noResponders });
  }
}

/** @throws {CycleError} before anything is claimed that could not be led. */
function withStore(options: CoordinatorOptions): StoredOptions {
  const { bus, log, subjects, manifests, dateMs = systemDateMs } = options;
  buildGraph(manifests.systems, undefined);
  const { payloadBytesMax } = bus;
  const store = new SnapshotStore({ log, subjects, payloadBytesMax });
  return { ...options, store, dateMs };
}
