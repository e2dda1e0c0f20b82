/**
 * The processes of a simulated world: coordinators, instances and a client, all
 * of them the production code. It starts again what has ended, as whoever
 * operates a world does.
 *
 * @module
 */
import { Coordinator } from "../coordinator/coordinator.ts";
import { replay, replicaOf } from "../coordinator/recovery.ts";
import { SnapshotCommands } from "../coordinator/snapshot_commands.ts";
import type { WorldState } from "../coordinator/world_state.ts";
import type { MemoryNetwork } from "../lib/bus/memory_bus.ts";
import { type Clock, delay } from "../lib/clock.ts";
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import { Instance } from "../lib/runtime/instance.ts";
import type { SystemFunction } from "../lib/runtime/system.ts";
import { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import type { Draw } from "./draw.ts";
import type { Observer } from "./observer.ts";
import { type ProcessOptions, SimulatedProcess } from "./process.ts";
import { toQuanta } from "./process_clock.ts";
import type { Scenario } from "./scenario.ts";
import { insist } from "./violation.ts";

/** How long a script may take when it is slow. */
const SLOW_MS_MAX = 300;
const RESTART_MS_MAX = 1500;
const RECONNECT_MS = 100;
const COORDINATORS_MAX = 3;

type Role = "lead" | "take over" | "stand by";

export interface ClusterOptions extends Pick<ProcessOptions, "say" | "onError"> {
  readonly scenario: Scenario;
  readonly network: MemoryNetwork;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly draw: Draw;
  readonly observer: Observer;
  /** Whether a second coordinator stands by, and whoever ends comes back as that one. */
  readonly hasStandby: boolean;
  /** Share of the scripts' runs that are slow, 0 to 1. */
  readonly slowShare: number;
  /** What instances run in a script's place. */
  tamper(script: SystemFunction): SystemFunction;
  /** A coordinator has reached the last tick. */
  onDone(coordinator: Coordinator): void;
  /** A process ended by itself, while it was starting or later. */
  onCrash(name: string, error: unknown, isStarting: boolean): void;
}

export class Cluster {
  readonly #options: ClusterOptions;
  readonly #instances = new Map<SimulatedProcess, SystemManifest>();
  readonly #running = new Map<SimulatedProcess, Instance>();
  readonly #coordinators = new Set<SimulatedProcess>();
  readonly #leaders = new Map<SimulatedProcess, Coordinator>();
  #isServerUp = true;
  #isCalm = false;
  #isOver = false;
  #count = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  get instances(): readonly SimulatedProcess[] {
    return [...this.#instances.keys()];
  }

  /** One, or more where others stand by or were started beside it. */
  get coordinators(): readonly SimulatedProcess[] {
    return [...this.#coordinators];
  }

  /** Coordinators that lead, or do not know yet that another one does. */
  get leaders(): Iterable<Coordinator> {
    return this.#leaders.values();
  }

  /** Every process that lives. */
  get processes(): readonly SimulatedProcess[] {
    return [...this.#instances.keys(), ...this.#coordinators];
  }

  start(): void {
    this.startCoordinator("lead");
    if (this.#options.hasStandby) this.startCoordinator("stand by");
    for (const manifest of this.#options.scenario.manifests.systems) {
      for (let i = 0; i < manifest.instances; i++) this.startInstance(manifest);
    }
  }

  /** From now on no script is slow any more, and what is down is up again. */
  calm(): void {
    this.#isCalm = true;
    this.#isServerUp = true;
    for (const process of this.processes) {
      process.resume();
      process.reconnect();
    }
  }

  kill(process: SimulatedProcess): void {
    const manifest = this.#instances.get(process);
    this.#forget(process);
    process.kill();
    this.#restartLater(manifest);
  }

  /** Ends an instance as SIGTERM does. */
  stop(process: SimulatedProcess): void {
    const instance = this.#running.get(process);
    const manifest = this.#instances.get(process);
    if (instance === undefined) return;
    this.#forget(process);
    instance.stop().then(() => process.bus.close()).catch((error) =>
      this.#options.onCrash(process.name, error, false)
    );
    this.#restartLater(manifest);
  }

  /** Every connection breaks, and the streams in memory are empty when the server is back. */
  stopServer(): void {
    this.#isServerUp = false;
    for (const process of this.processes) process.disconnect();
    this.#options.network.forgetMemory();
  }

  startServer(): void {
    this.#isServerUp = true;
    const { clock, draw } = this.#options;
    for (const process of this.processes) {
      clock.after(toQuanta(draw.exponential(RECONNECT_MS)), () => this.reconnect(process));
    }
  }

  reconnect(process: SimulatedProcess): void {
    if (this.#isServerUp) process.reconnect();
  }

  /** Starts one more coordinator; returns its name, or undefined when there are enough. */
  startBeside(): string | undefined {
    if (this.#coordinators.size >= COORDINATORS_MAX) return undefined;
    return this.startCoordinator(this.#options.draw.chance(0.5) ? "take over" : "lead");
  }

  /** Ends everything, and makes the world again from what is stored, as a coordinator does. */
  async recover(): Promise<Coordinator> {
    this.#isOver = true;
    this.#killAll();
    const process = this.#startProcess("reader");
    this.#coordinators.add(process);
    // What the leader sent before it was killed may still be on its way.
    return await this.#open(process, "take over");
  }

  /** The world as the log leads to it from the oldest snapshot that is kept for that. */
  async replayOldest(): Promise<WorldState> {
    this.#killAll();
    const { bus, log, clock, report } = this.#startProcess("auditor");
    const { subjects, scenario: { manifests: { schema } } } = this.#options;
    const { payloadBytesMax } = bus;
    const store = new SnapshotStore({ log, subjects, payloadBytesMax });
    const { snapshots } = await new SnapshotCommands({ bus, log, store, subjects }).list();
    const kept = snapshots.find(({ isGoneOnFrom, meta }) => isGoneOnFrom && meta.kind !== "manual");
    insist(kept !== undefined, () => "no snapshot is left that the log leads on from");
    const replica = replicaOf(await store.load(kept.meta.id), { schema, subjects });
    await replay({ log, clock, subjects, store, report }, replica, replica.sequence + 1);
    return replica.state;
  }

  #killAll(): void {
    for (const process of this.processes) process.kill();
    this.#instances.clear();
    this.#coordinators.clear();
    this.#leaders.clear();
  }

  startInstance(manifest: SystemManifest): void {
    const { scenario, subjects } = this.#options;
    const script = scenario.scripts.get(manifest.name);
    if (script === undefined) throw new RangeError(`Cannot start "${manifest.name}"`);
    const process = this.#startProcess(`${manifest.name}-${++this.#count}`);
    const { bus, log, clock, report, name } = process;
    const instance = new Instance({
      bus,
      log,
      clock,
      report,
      subjects,
      manifests: scenario.manifests,
      manifest,
      definition: { run: this.#slowed(this.#options.tamper(script), clock) },
      instanceId: name,
      credits: scenario.credits,
    });
    this.#instances.set(process, manifest);
    this.#running.set(process, instance);
    instance.start().catch((error) => this.#ended(process, error, false));
  }

  startCoordinator(role: Role): string {
    const process = this.#startProcess(`coordinator-${++this.#count}`);
    this.#coordinators.add(process);
    this.#open(process, role).then(
      (coordinator) => this.#run(process, coordinator),
      (error) => this.#ended(process, error, true),
    );
    return process.name;
  }

  async #open(process: SimulatedProcess, role: Role): Promise<Coordinator> {
    const { scenario, subjects, observer } = this.#options;
    const { manifests, world, hz, isResident, snapshots } = scenario;
    const { log, clock, report } = process;
    const options = {
      bus: observer.watch(process.bus, process.name),
      log,
      clock,
      report,
      subjects,
      manifests,
      world,
      hz: Number.isFinite(hz) ? hz : 60,
      isUnpaced: !Number.isFinite(hz),
      isResident,
      ...(snapshots && { snapshots }),
      replicas: 1,
      dateMs: () => 0,
    };
    if (role !== "stand by") {
      return await Coordinator.open({ ...options, takeover: role === "take over" });
    }
    const coordinator = await Coordinator.standBy(options, new AbortController().signal);
    if (coordinator === undefined) throw new TypeError("Cannot stand by: nobody has ended it");
    return coordinator;
  }

  async #run(process: SimulatedProcess, coordinator: Coordinator): Promise<void> {
    if (!process.isAlive) return;
    this.#leaders.set(process, coordinator);
    try {
      await coordinator.run(this.#options.scenario.ticks);
      this.#options.onDone(coordinator);
    } catch (error) {
      this.#ended(process, error, false);
    }
  }

  #startProcess(name: string): SimulatedProcess {
    const { network, clock, say, onError } = this.#options;
    const process = new SimulatedProcess({ name, network, clock, say, onError });
    if (!this.#isServerUp) process.disconnect();
    return process;
  }

  /** A process ended by itself; whoever operates the world starts it again. */
  #ended(process: SimulatedProcess, error: unknown, isStarting: boolean): void {
    if (!process.isAlive) return;
    this.#options.onCrash(process.name, error, isStarting);
    this.kill(process);
  }

  #forget(process: SimulatedProcess): void {
    this.#instances.delete(process);
    this.#running.delete(process);
    this.#coordinators.delete(process);
    this.#leaders.delete(process);
  }

  /** Starts an instance of the system, or a coordinator, in place of one that has ended. */
  #restartLater(manifest: SystemManifest | undefined): void {
    const { clock, draw } = this.#options;
    clock.after(toQuanta(draw.unit() * RESTART_MS_MAX), () => {
      if (this.#isOver) return;
      if (manifest !== undefined) return this.startInstance(manifest);
      const { hasStandby } = this.#options;
      if (this.#coordinators.size >= (hasStandby ? 2 : 1)) return;
      this.startCoordinator(hasStandby ? "stand by" : "lead");
    });
  }

  /** The script, which now and then takes its time. */
  #slowed(script: SystemFunction, clock: Clock): SystemFunction {
    const { draw, slowShare } = this.#options;
    return (context) => {
      if (this.#isCalm || !draw.chance(slowShare)) return script(context);
      return delay(clock, draw.unit() * SLOW_MS_MAX).then(() => script(context));
    };
  }
}
