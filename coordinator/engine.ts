/**
 * The engine turns ticks: it applies what was commanded, runs the systems,
 * merges what they return, and commits. It owns the world between and during
 * ticks; what reaches it from the bus has been decoded and checked before.
 *
 * @module
 */
import type { Bus, Message } from "../lib/bus/bus.ts";
import type { Log } from "../lib/bus/log.ts";
import type { Clock } from "../lib/clock.ts";
import type { CommandOutcome } from "../lib/ecs/command.ts";
import type { World } from "../lib/ecs/world.ts";
import { errorMessage } from "../lib/error_message.ts";
import type { Manifests } from "../lib/manifest/manifest.ts";
import type { Report } from "../lib/report.ts";
import type { WorldImage } from "../lib/snapshot/world_image.ts";
import type { Encoded } from "../lib/wire/codec.ts";
import type { EventData, EventTopic } from "../lib/wire/events.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { Announcer } from "./announcer.ts";
import type { LogTrouble } from "./appender.ts";
import { Broadcaster } from "./broadcaster.ts";
import { COMMIT_SHARE_MAX } from "./command_port.ts";
import { CommandQueue } from "./command_queue.ts";
import { Committer } from "./committer.ts";
import { Grain } from "./grain.ts";
import { buildGraph, type Graph } from "./graph.ts";
import type { Seat } from "./placement.ts";
import { Residency } from "./residency.ts";
import { type AttemptKey, ScheduleInbox } from "./schedule_inbox.ts";
import type { Stats } from "./stats.ts";
import type { SystemRun } from "./system_run.ts";
import { TickSpans } from "./tick_spans.ts";
import { Tick } from "./tick.ts";
import { TickLedger } from "./tick_ledger.ts";
import { TickStep } from "./tick_step.ts";
import type { TickTraces } from "./tick_traces.ts";
import type { WorldState } from "./world_state.ts";

export interface EngineOptions {
  readonly bus: Bus;
  readonly log: Log;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly manifests: Manifests;
  /** Where the ticks go on from; theirs from now on. */
  readonly state: WorldState;
  readonly stats: Stats;
  readonly report: Report;
  readonly epoch: number;
  /** Sequence of the newest entry on the commits' subject, the term's beginning. */
  readonly lastCommit: number;
  /** Whether instances keep their rows from tick to tick, so that only changes travel. */
  readonly isResident: boolean;
  /** Whether a system waits for the whole of those before it, rather than row by row. */
  readonly isBarrier: boolean;
  /** Shards for each instance; undefined: as many as their cost is worth. */
  readonly grain?: number | undefined;
  /** The log has no room for a commit. */
  onLogFull(): void;
  /** A system's instances as of now. */
  seats(system: string): readonly Seat[];
}

/** How long a tick may take before the report says what it waits for. */
const HELD_NOTICE_MS = 2000;

export class Engine {
  readonly queue = new CommandQueue();
  readonly inbox: ScheduleInbox;
  readonly #options: EngineOptions;
  readonly #state: WorldState;
  readonly #committer: Committer;
  readonly #announcer: Announcer;
  readonly #broadcaster: Broadcaster;
  readonly #grains: ReadonlyMap<string, Grain>;
  readonly #residencies = new Map<string, Residency>();
  readonly #ledger: TickLedger;
  #graph: { readonly of: number; readonly graph: Graph };
  #current: Tick | undefined;
  #spans: TickSpans | undefined;

  /** @throws {CycleError} when the manifests' order is impossible. */
  constructor(options: EngineOptions) {
    const { bus, log, clock, subjects, state, epoch, lastCommit } = options;
    this.#options = options;
    this.#state = state;
    this.inbox = new ScheduleInbox(bus);
    this.#announcer = new Announcer({ bus, subjects, world: state.world });
    this.#committer = new Committer({
      log,
      clock,
      stream: subjects.streams.components,
      subject: subjects.commit,
      lastSequence: lastCommit,
      onTrouble: (trouble, error) => this.#reportTrouble(trouble, error),
      onRelief: () => this.#reportRelief(),
    });
    this.#broadcaster = new Broadcaster({
      world: state.world,
      epoch,
      payloadBytesMax: bus.payloadBytesMax,
      publish: ({ data, options }, { system, set, part }) =>
        bus.publish(subjects.componentSet(system, set, part), data, options),
    });
    this.#graph = this.#buildGraph();
    const names = options.manifests.systems.map(({ name }) => name);
    this.#grains = new Map(names.map((name) => [name, new Grain({ perInstance: options.grain })]));
    this.#ledger = new TickLedger({
      ...options,
      grains: this.#grains,
      event: (topic, what) => this.#announcer.event(topic, what),
    });
    if (!options.isResident) return;
    for (const name of names) this.#residencies.set(name, new Residency());
  }

  /** Number of the newest tick that was committed or is on its way to the log. */
  get tickNumber(): number {
    return this.#state.tick;
  }

  get world(): World {
    return this.#state.world;
  }

  /** The schedule as built for the archetypes of now. */
  get graph(): Graph {
    return this.#graph.graph;
  }

  /**
   * Runs one tick and hands it to the log; resolves false when it was abandoned.
   * @param dt simulated time in seconds
   * @param periodMs time that it has, in milliseconds; 0 where it may take any
   * @throws {FencedError} when another coordinator commits to this log.
   */
  async tick(dt: number, periodMs = 0): Promise<boolean> {
    const { bus, clock, stats } = this.#options;
    const startedAt = clock.now();
    const step = new TickStep(this.#state);
    const { tick } = step;
    const spans = new TickSpans({ tick, epoch: this.#options.epoch });
    this.#spans = spans;
    this.#committer.receipts.begin(tick);
    const taken = this.queue.take(bus.payloadBytesMax * COMMIT_SHARE_MAX)
      .map((buffer) => ({ buffer, ...step.apply(buffer) }));
    this.#announcer.begin(this.#tickStart(tick, dt));
    const runs = await this.#runSystems(step, dt);
    if (runs === undefined) {
      spans.abandon();
      return false;
    }
    const outcomes = this.#finish(step, runs);
    this.#ledger.count(runs);
    const endedAt = clock.now();
    stats.addTick(endedAt - startedAt);
    this.#ledger.traces.add({ tick, startedAt, endedAt, periodMs }, runs);
    const committing = spans.end(runs);
    await this.#committer.commit({
      ...this.#tickStart(tick, dt),
      buffers: taken.filter(({ outcome }) => outcome !== undefined)
        .map(({ buffer }) => buffer.data),
      systems: runs.map(({ plan, missed, accepted }) => ({
        system: plan.manifest.name,
        missed,
        shards: accepted.map((shard) => shard ?? null),
      })),
      digest: this.#state.digest,
    }, () => {
      this.#ledger.traces.stored(tick, clock.now());
      committing.stored();
      this.#announcer.end(tick, { taken, outcomes });
    });
    return true;
  }

  /** Where the time of the last ticks went. */
  get traces(): TickTraces {
    return this.#ledger.traces;
  }

  /** Tells everybody what has happened. */
  announce<T extends EventTopic>(topic: T, data: EventData<T>): void {
    this.#announcer.event(topic, { data, tick: this.tickNumber });
  }

  /** Sequence of the newest commit that is stored. */
  get lastCommit(): number {
    return this.#committer.lastSequence;
  }

  /**
   * A tick in which the world becomes an image, and nothing else happens; resolves
   * when it is stored.
   * @param snapshot where whoever replays the log finds it
   * @throws {FencedError} when another coordinator commits to this log.
   */
  async restore(image: WorldImage, snapshot: string): Promise<void> {
    const step = new TickStep(this.#state);
    const { tick } = step;
    step.restore(image);
    this.#announcer.begin(this.#tickStart(tick, 0));
    step.finish([]);
    await this.#committer.commit({
      ...this.#tickStart(tick, 0),
      restored: snapshot,
      buffers: [],
      systems: [],
      digest: this.#state.digest,
    }, () => this.#announcer.event("world.restored", { data: { snapshot }, tick }));
    await this.settled();
  }

  /** Ends the tick that is running, if one is, without committing it. */
  abandon(): void {
    this.#current?.abandon();
    this.#committer.stop();
  }

  /** Resolves when every commit is stored. */
  settled(): Promise<void> {
    return this.#committer.settled();
  }

  /**
   * Takes a result, and the message that it came in.
   * @throws {WireError} when it is not what its attempt may return.
   */
  acceptResult(result: MessageOf<"ComponentShard">, message: Message): void {
    const stats = this.#options.stats.systems.get(result.system);
    if (stats === undefined) throw new WireError(`Cannot take a result of "${result.system}"`);
    const key = { ...result, tick: result.tick_id };
    try {
      if (this.#runOf(result)?.acceptResult(result) === true) {
        this.#spans?.receive(key, { instance: result.instance_id });
        stats.bytesReceived += message.data.length;
        const hasReceipt = message.reply === this.inbox.subjectOf(key);
        return this.#committer.receipts.accept(key, { ...publicationOf(message), hasReceipt });
      }
    } catch (error) {
      this.#spans?.receive(key, { instance: result.instance_id, error: errorMessage(error) });
      this.#ledger.fail(result.system, result, errorMessage(error));
      throw error;
    }
    stats.late++;
    this.#committer.receipts.doubt(key, result.instance_id);
    this.creditFreed(result.system);
  }

  /** Takes the end of a shard that has no result. */
  acknowledge(ack: MessageOf<"TickAck">): void {
    const stats = this.#options.stats.systems.get(ack.system);
    if (stats === undefined) throw new WireError(`Cannot take an ack of "${ack.system}"`);
    if (this.#runOf(ack)?.acceptEnd(ack) !== true) return this.creditFreed(ack.system);
    const key = { ...ack, tick: ack.tick_id };
    this.#spans?.receive(key, { instance: ack.instance_id, error: ack.error });
    if (ack.error === undefined) return;
    this.#ledger.fail(ack.system, ack, ack.error);
    this.#options.report.warn(
      `${ack.system} failed in tick ${ack.tick_id}, shard ${ack.shard}, on ${ack.instance_id}: ${ack.error}`,
    );
  }

  /** The log's answer to a result that has been published. */
  receive(key: AttemptKey, isStored: boolean): void {
    this.#committer.receipts.receive(key, isStored);
  }

  /** An attempt found no taker, or its taker refused it. */
  bounce(key: AttemptKey, how: { isRefused: boolean }): void {
    const { system, tick, ...attempt } = key;
    if (this.#current?.tick !== tick) return;
    this.#spans?.receive(key, { error: how.isRefused ? "refused" : "nobody took it" });
    this.#current.runOf(system)?.bounce(attempt, how);
  }

  /** The systems that have started in the tick that runs. */
  get runs(): readonly SystemRun[] {
    return this.#current?.runs ?? [];
  }

  /** Whatever is out may be lost, and goes out again. */
  resend(): void {
    for (const run of this.runs) run.resend();
  }

  /** Whoever kept the broadcast sets may have lost them, and gets them again. */
  renewSets(): void {
    this.#broadcaster.renew();
  }

  /** Instances of the system came, or have time again. */
  creditFreed(system: string): void {
    this.#current?.runOf(system)?.creditFreed();
  }

  #runOf({ tick_id, epoch, system }: { tick_id: number; epoch: number; system: string }) {
    const current = this.#current;
    return current?.tick === tick_id && current.epoch === epoch ? current.runOf(system) : undefined;
  }

  /** Runs the systems; undefined when the tick was abandoned. */
  async #runSystems(step: TickStep, dt: number): Promise<readonly SystemRun[] | undefined> {
    const { bus, clock, epoch, isBarrier, seats, report } = this.#options;
    const { world, lastRuns } = this.#state;
    const { tick } = step;
    if (this.#graph.of !== world.archetypeCount) this.#graph = this.#buildGraph();
    const options = {
      graph: this.graph,
      epoch,
      step,
      dt,
      lastRuns,
      isBarrier,
      grains: this.#grains,
      residencies: this.#residencies,
    };
    const current = new Tick(options, {
      clock,
      world,
      broadcaster: this.#broadcaster,
      payloadBytesMax: bus.payloadBytesMax,
      seats,
      send: (system, schedule, { attempt, instance }) =>
        this.#send(schedule, { system, tick, ...attempt }, instance),
      onUnsendable: (system, error) => {
        this.#options.stats.system(system).errors++;
        report.warn(`${system}, tick ${tick}: ${error.message}`);
      },
    });
    this.#current = current;
    const notice = clock.after(HELD_NOTICE_MS, () => this.#ledger.tellHeld(current));
    const isDone = await current.run();
    notice.cancel();
    this.#current = undefined;
    return isDone ? current.runs : undefined;
  }

  #send(
    { data, options }: Encoded,
    key: AttemptKey,
    instance: string | undefined,
  ): void {
    const { bus, subjects, stats } = this.#options;
    const subject = subjects.schedule(key.system, instance);
    const traced = this.#spans?.send(key, { subject, bytes: data.length });
    const headers = { ...options.headers, ...traced };
    bus.publish(subject, data, { headers, reply: this.inbox.subjectOf(key) });
    stats.system(key.system).bytesSent += data.length;
  }

  #buildGraph() {
    const { manifests } = this.#options;
    const { world } = this;
    const archetypes = world.tables().map(({ components }) => new Set(components));
    return { of: world.archetypeCount, graph: buildGraph(manifests.systems, archetypes) };
  }

  /** Applies the systems' commands, and says which were refused. */
  #finish(step: TickStep, runs: readonly SystemRun[]): CommandOutcome[] {
    const outcomes = step.finish(runs.map(({ plan, missed, commands }) => ({
      system: plan.manifest.name,
      missed,
      commands,
    })));
    for (const { system, outcome } of outcomes) {
      for (const { reason } of outcome.refused) {
        this.#options.report.warn(`${system}, tick ${step.tick}: ${reason}`);
      }
    }
    return outcomes.map(({ outcome }) => outcome);
  }

  #reportTrouble(trouble: LogTrouble, error: Error): void {
    const { report, onLogFull } = this.#options;
    report.warn(`${error.message}; the world waits until the log takes its ticks again`);
    this.announce(`log.${trouble}`, { reason: error.message });
    if (trouble === "full") onLogFull();
  }

  #reportRelief(): void {
    this.#options.report.info("the log takes ticks again");
    this.announce("log.ready", {});
  }

  #tickStart(tick: number, dt: number): MessageOf<"TickStart"> {
    return { epoch: this.#options.epoch, tick_id: tick, dt };
  }
}

/** The parts of a message by which it can be published again. */
function publicationOf({ subject, data, headers }: Message) {
  return { subject, data, headers };
}
