/**
 * The engine turns ticks: it applies what was commanded, runs the systems,
 * merges what they return, and commits. It owns the world between and during
 * ticks; what reaches it from the bus has been decoded and checked before.
 *
 * @module
 */
import type { Bus } from "../lib/bus/bus.ts";
import type { Log } from "../lib/bus/log.ts";
import type { Clock } from "../lib/clock.ts";
import type { CommandOutcome } from "../lib/ecs/command.ts";
import type { World } from "../lib/ecs/world.ts";
import type { Manifests } from "../lib/manifest/manifest.ts";
import type { Report } from "../lib/report.ts";
import { type Encoded, encodeMessage } from "../lib/wire/codec.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { Broadcaster } from "./broadcaster.ts";
import { CommandQueue, type QueuedBuffer } from "./command_queue.ts";
import { Committer } from "./committer.ts";
import type { Attempt, Credits } from "./dispatcher.ts";
import { buildGraph, type Graph } from "./graph.ts";
import { Residency } from "./residency.ts";
import type { Stats } from "./stats.ts";
import type { SystemRun } from "./system_run.ts";
import { Tick } from "./tick.ts";
import { type AppliedBuffer, TickStep } from "./tick_step.ts";
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
  credits(system: string): Credits;
  /** Shards that one instance can take; 0 when it is gone. */
  creditsOf(instance: string): number;
}

/** A buffer from outside, and what became of it. */
interface TakenBuffer extends AppliedBuffer {
  readonly buffer: QueuedBuffer;
}

/** Share of the largest message that commands may take: the commit lists them, and more than that. */
export const COMMIT_SHARE_MAX = 0.5;

/** How long a tick may take before the report says what it waits for. */
const HELD_NOTICE_MS = 2000;

export class Engine {
  readonly queue = new CommandQueue();
  readonly #options: EngineOptions;
  readonly #state: WorldState;
  readonly #committer: Committer;
  readonly #broadcaster: Broadcaster;
  readonly #residencies = new Map<string, Residency>();
  readonly #skipping = new Set<string>();
  readonly #scheduleInbox: string;
  #graph: { readonly of: number; readonly graph: Graph };
  #current: Tick | undefined;

  /** @throws {CycleError} when the manifests' order is impossible. */
  constructor(options: EngineOptions) {
    const { bus, log, clock, report, subjects, state, epoch, lastCommit } = options;
    this.#options = options;
    this.#state = state;
    this.#scheduleInbox = bus.createInbox();
    this.#committer = new Committer(log, {
      clock,
      report,
      stream: subjects.streams.components,
      subject: subjects.commit,
      lastSequence: lastCommit,
    });
    this.#broadcaster = new Broadcaster({
      world: state.world,
      epoch,
      payloadBytesMax: bus.payloadBytesMax,
      publish: ({ data, options }, { system, set, part }) =>
        bus.publish(subjects.componentSet(system, set, part), data, options),
    });
    this.#graph = this.#buildGraph();
    if (!options.isResident) return;
    for (const { name } of options.manifests.systems) this.#residencies.set(name, new Residency());
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

  /** Replies to schedules (no responders, refusals) arrive below this subject. */
  get scheduleInbox(): string {
    return this.#scheduleInbox;
  }

  /**
   * Runs one tick and hands it to the log; resolves false when it was abandoned.
   * @param dt simulated time in seconds
   * @throws {FencedError} when another coordinator commits to this log.
   */
  async tick(dt: number): Promise<boolean> {
    const { bus, clock, subjects, stats } = this.#options;
    const startedAt = clock.now();
    const step = new TickStep(this.#state);
    const { tick } = step;
    const taken = this.queue.take(bus.payloadBytesMax * COMMIT_SHARE_MAX)
      .map((buffer) => ({ buffer, ...step.apply(buffer) }));
    this.#publish(subjects.tick, encodeMessage("TickStart", this.#tickStart(tick, dt), { tick }));
    const runs = await this.#runSystems(step, dt);
    if (runs === undefined) return false;
    const outcomes = this.#finish(step, runs);
    this.#count(runs);
    stats.addTick(clock.now() - startedAt);
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
    }, () => this.#announce(tick, taken, outcomes));
    return true;
  }

  /** Ends the tick that is running, if one is, without committing it; waits for no commit. */
  abandon(): void {
    this.#current?.abandon();
    this.#committer.abandon();
  }

  /** The connection is back; what was under way may be lost, and is done again. */
  resume(): void {
    if (this.#current === undefined) this.#broadcaster.renew([]);
    else this.#current.resend();
  }

  /** Resolves when every commit is stored. */
  settled(): Promise<void> {
    return this.#committer.settled();
  }

  /** @throws {WireError} when the result is not what its attempt may return. */
  acceptResult(result: MessageOf<"ComponentShard">): void {
    const stats = this.#options.stats.systems.get(result.system);
    if (stats === undefined) throw new WireError(`Cannot take a result of "${result.system}"`);
    try {
      if (this.#runOf(result)?.acceptResult(result) === true) return;
    } catch (error) {
      stats.errors++;
      throw error;
    }
    stats.late++;
    this.creditFreed(result.system);
  }

  /** Takes the end of a shard that has no result. */
  acknowledge(ack: MessageOf<"TickAck">): void {
    const stats = this.#options.stats.systems.get(ack.system);
    if (stats === undefined) throw new WireError(`Cannot take an ack of "${ack.system}"`);
    if (this.#runOf(ack)?.acceptEnd(ack) !== true) return this.creditFreed(ack.system);
    if (ack.error === undefined) return;
    stats.errors++;
    this.#options.report.warn(
      `${ack.system} failed in tick ${ack.tick_id}, shard ${ack.shard}, on ${ack.instance_id}: ${ack.error}`,
    );
  }

  /** An attempt found no taker, or its taker refused it. */
  bounce(
    system: string,
    { tick, isRefused, ...attempt }: Attempt & { tick: number; isRefused: boolean },
  ): void {
    if (this.#current?.tick !== tick) return;
    this.#current.runOf(system)?.bounce(attempt, { isRefused });
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
    const { bus, clock, epoch, credits, creditsOf, report } = this.#options;
    const { world, lastRuns } = this.#state;
    const { tick } = step;
    if (this.#graph.of !== world.archetypeCount) this.#graph = this.#buildGraph();
    const options = {
      graph: this.graph,
      epoch,
      step,
      dt,
      lastRuns,
      residencies: this.#residencies,
    };
    const current = new Tick(options, {
      clock,
      world,
      broadcaster: this.#broadcaster,
      payloadBytesMax: bus.payloadBytesMax,
      credits,
      creditsOf,
      send: (system, schedule, { attempt, instance }) =>
        this.#send(schedule, { system, instance, tick, ...attempt }),
      onUnsendable: (system, error) => {
        this.#options.stats.system(system).errors++;
        report.warn(`${system}, tick ${tick}: ${error.message}`);
      },
    });
    this.#current = current;
    const notice = clock.after(HELD_NOTICE_MS, () => this.#reportHeld(current));
    const isDone = await current.run();
    notice.cancel();
    this.#current = undefined;
    return isDone ? current.runs : undefined;
  }

  #send(
    { data, options }: Encoded,
    { system, instance, tick, shard, attempt }: Attempt & {
      system: string;
      instance: string | undefined;
      tick: number;
    },
  ): void {
    const { bus, subjects } = this.#options;
    const reply = `${this.#scheduleInbox}.${system}.${tick}.${shard}.${attempt}`;
    bus.publish(subjects.schedule(system, instance), data, { ...options, reply });
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

  #count(runs: readonly SystemRun[]): void {
    for (const { plan, accepted, missed } of runs) {
      const stats = this.#options.stats.system(plan.manifest.name);
      accepted.forEach((shard, i) => {
        if (!shard) return;
        stats.shards++;
        stats.rows += plan.shards[i].reduce((sum, { count }) => sum + count, 0);
      });
      if (missed > 0) stats.skipped++;
      else stats.ticks++;
      this.#reportSkipped(plan.manifest.name, missed, plan);
    }
  }

  /** Says when a system starts to be skipped, and when it runs again; not every tick between. */
  #reportSkipped(system: string, missed: number, { tick, shards }: SystemRun["plan"]): void {
    const { report } = this.#options;
    if (missed > 0 === this.#skipping.has(system)) return;
    if (missed > 0) {
      this.#skipping.add(system);
      report.warn(
        `tick ${tick}: no instance took ${missed} of ${shards.length} shards of ${system}; skipping it`,
      );
    } else {
      if (shards.length === 0) return;
      this.#skipping.delete(system);
      report.info(`tick ${tick}: ${system} runs again`);
    }
    this.#event(missed > 0 ? "system.skipped" : "system.resumed", { system, missed }, tick);
  }

  #reportHeld(tick: Tick): void {
    const { report, credits } = this.#options;
    for (const { plan, accepted } of tick.runs) {
      const open = accepted.filter((shard) => shard === undefined).length;
      if (open === 0) continue;
      const { name } = plan.manifest;
      const why = credits(name).total === 0
        ? `no instance of it; start one with \`deno task system ${name}\``
        : `${open} of ${accepted.length} shards are out`;
      report.warn(`tick ${tick.tick} waits for ${name}: ${why}`);
    }
  }

  /** Tells the world outside what a stored tick did. */
  #announce(
    tick: number,
    taken: readonly TakenBuffer[],
    outcomes: readonly CommandOutcome[],
  ): void {
    const { subjects } = this.#options;
    for (const { buffer, answer } of taken) {
      if (buffer.reply === undefined) continue;
      const { tick: tick_id, spawned, refused } = answer;
      const value = { tick_id, spawned: [...spawned], refused: [...refused] };
      this.#publish(buffer.reply, encodeMessage("EntityCommandReply", value, { tick: tick_id }));
    }
    const applied = taken.flatMap(({ outcome }) => outcome ?? []);
    for (const { spawned, despawned } of [...applied, ...outcomes]) {
      for (const entity of spawned) {
        const archetype = this.world.archetypeOf(entity);
        // A refused spawn has no entity, and one despawned since has no archetype.
        if (archetype === undefined) continue;
        const value = { tick_id: tick, entity, archetype };
        this.#publish(subjects.entityCreate, encodeMessage("EntityCreated", value, { tick }));
      }
      for (const entity of despawned) {
        const value = { tick_id: tick, entity };
        this.#publish(subjects.entityDestroy, encodeMessage("EntityDestroyed", value, { tick }));
      }
    }
  }

  #event(topic: string, data: MessageOf<"Event">["data"], tick: number): void {
    const event = { topic, tick_id: tick, source: "coordinator", data };
    this.#publish(this.#options.subjects.event(topic), encodeMessage("Event", event, { tick }));
  }

  #tickStart(tick: number, dt: number): MessageOf<"TickStart"> {
    return { epoch: this.#options.epoch, tick_id: tick, dt };
  }

  #publish(subject: string, { data, options }: Encoded): void {
    this.#options.bus.publish(subject, data, options);
  }
}
