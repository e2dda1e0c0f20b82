/**
 * One tick: every system runs once, each as soon as those that it depends on are
 * done, or done with the same rows where that is all it needs. There are no
 * global stages.
 *
 * @module
 */
import type { Clock } from "../lib/clock.ts";
import type { World } from "../lib/ecs/world.ts";
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import type { Encoded } from "../lib/wire/codec.ts";
import type { Broadcaster } from "./broadcaster.ts";
import type { Attempt } from "./dispatcher.ts";
import { overlappingShards } from "./dataflow.ts";
import type { Grain } from "./grain.ts";
import type { Graph, GraphNode } from "./graph.ts";
import type { Seat } from "./placement.ts";
import type { Residency } from "./residency.ts";
import { planShards, rowCount } from "./shards.ts";
import { SystemRun } from "./system_run.ts";
import type { TickStep } from "./tick_step.ts";

export interface TickOptions {
  readonly graph: Graph;
  readonly epoch: number;
  /** Its number, and the change tick of each system. */
  readonly step: Pick<TickStep, "tick" | "changeTickOf">;
  /** Simulated time, in seconds. */
  readonly dt: number;
  /** How finely each system's rows are cut, by name. */
  readonly grains: ReadonlyMap<string, Grain>;
  /** Whether a system waits for the whole of those before it, rather than row by row. */
  readonly isBarrier: boolean;
  /** Change tick of each system's last run that missed no shard, by name. */
  readonly lastRuns: ReadonlyMap<string, number>;
  /** Who keeps each system's rows, by name; a system that it lacks is sent all of its rows. */
  readonly residencies: ReadonlyMap<string, Residency>;
}

export interface TickPorts {
  readonly clock: Clock;
  readonly world: World;
  readonly broadcaster: Broadcaster;
  readonly payloadBytesMax: number;
  send(
    system: string,
    schedule: Encoded,
    to: { attempt: Attempt; instance: string | undefined },
  ): void;
  /** A system's instances as of now. */
  seats(system: string): readonly Seat[];
  onUnsendable(system: string, error: RangeError): void;
}

export class Tick {
  readonly tick: number;
  readonly epoch: number;
  readonly #options: TickOptions;
  readonly #ports: TickPorts;
  readonly #runs = new Map<string, SystemRun>();
  /** How many predecessors keep a system from starting. */
  readonly #waiting = new Map<string, number>();
  readonly #nodes = new Map<string, GraphNode>();
  readonly #done = Promise.withResolvers<boolean>();
  #unfinished: number;

  constructor(options: TickOptions, ports: TickPorts) {
    this.tick = options.step.tick;
    this.epoch = options.epoch;
    this.#options = options;
    this.#ports = ports;
    this.#unfinished = options.graph.nodes.length;
    for (const node of options.graph.nodes) {
      this.#nodes.set(node.system.name, node);
      this.#waiting.set(node.system.name, node.predecessors.length);
    }
  }

  /** The systems' runs in the graph's order; complete once {@linkcode run} has resolved. */
  get runs(): readonly SystemRun[] {
    return [...this.#nodes.keys()].flatMap((name) => this.#runs.get(name) ?? []);
  }

  /** The run of a system that has started. */
  runOf(system: string): SystemRun | undefined {
    return this.#runs.get(system);
  }

  /** Resolves with true when every system is done, with false when the tick is abandoned. */
  run(): Promise<boolean> {
    if (this.#unfinished === 0) this.#done.resolve(true);
    const ready = [...this.#waiting].filter(([, count]) => count === 0);
    for (const [name] of ready) this.#start(name);
    return this.#done.promise;
  }

  abandon(): void {
    for (const run of this.#runs.values()) run.abandon();
    this.#done.resolve(false);
  }

  #start(name: string): void {
    const node = this.#nodes.get(name);
    if (node === undefined) return;
    const { world, payloadBytesMax } = this.#ports;
    const { graph, epoch, step, dt, lastRuns, grains, residencies } = this.#options;
    const changeTick = step.changeTickOf(graph.nodes.indexOf(node));
    const { query } = node.system;
    const instances = this.#ports.seats(name).length;
    const grain = grains.get(name);
    const chain = this.#options.isBarrier ? 1 : node.chain;
    const matching = planShards(world.match(query), query, {
      shardCount: (rows) => grain?.shardCount({ rows, instances, chain }) ?? 1,
      payloadBytesMax,
      changedSince: lastRuns.get(name) ?? 0,
    });
    const sets = matching.length === 0 ? {} : this.#publishSets(node.system, changeTick);
    const shards = sets === undefined ? [] : matching;
    const residency = residencies.get(name);
    const run = new SystemRun({
      manifest: node.system,
      shards,
      sets: sets ?? {},
      epoch,
      tick: step.tick,
      dt,
      changeTick,
      residency,
      order: grain?.order(shards.length),
      depth: grain?.depth(rowCount(shards), shards.length) ?? Infinity,
    }, {
      clock: this.#ports.clock,
      world,
      send: (schedule, attempt, instance) =>
        this.#ports.send(name, schedule, { attempt, instance }),
      seats: () => this.#ports.seats(name),
      onUnsendable: (_, error) => this.#ports.onUnsendable(name, error),
      onSetsMissing: () => this.#ports.broadcaster.resend(name),
      onFinished: () => this.#finish(node),
    });
    this.#runs.set(name, run);
    for (const before of node.rowwise) this.#chain(run, this.#runs.get(before));
    run.advance();
    for (const successor of node.successors) {
      if (this.#isRowwise(name, successor)) this.#unblock(successor);
    }
  }

  /** Each shard of `run` follows those of an earlier one that hold the same rows. */
  #chain(run: SystemRun, earlier: SystemRun | undefined): void {
    if (earlier === undefined || this.#options.isBarrier) return;
    const overlaps = overlappingShards(earlier.plan.shards, run.plan.shards);
    for (const [shard, others] of overlaps.entries()) {
      for (const other of others) run.follow(shard, { run: earlier, shard: other });
    }
  }

  #isRowwise(from: string, to: string): boolean {
    return !this.#options.isBarrier && this.#nodes.get(to)?.rowwise.has(from) === true;
  }

  /** One predecessor less keeps the system from starting. */
  #unblock(name: string): void {
    const waiting = (this.#waiting.get(name) ?? 0) - 1;
    this.#waiting.set(name, waiting);
    if (waiting === 0) this.#start(name);
  }

  /** The sets' versions; undefined when a part is too large for a message, so that nothing runs. */
  #publishSets(system: SystemManifest, changeTick: number): Record<string, number> | undefined {
    try {
      return this.#ports.broadcaster.publish(system, { tick: this.tick, changeTick });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#ports.onUnsendable(system.name, error);
      return undefined;
    }
  }

  #finish(node: GraphNode): void {
    this.#unfinished--;
    for (const successor of node.successors) {
      if (!this.#isRowwise(node.system.name, successor)) this.#unblock(successor);
    }
    if (this.#unfinished === 0) this.#done.resolve(true);
  }
}
