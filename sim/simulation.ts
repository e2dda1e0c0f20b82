/**
 * One simulation: the production coordinator, runtime and recovery over the
 * in-memory network, under a virtual clock. Everything that happens follows from
 * the seed, so that a failure happens again with it.
 *
 * It has two parts, after TigerBeetle's VOPR: for a while things go wrong, then
 * everything is healed, and from there on the world must reach its last tick
 * within a bounded time.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type { Coordinator } from "../coordinator/coordinator.ts";
import { QUESTIONS_MAX } from "../coordinator/query_desk.ts";
import { MemoryNetwork } from "../lib/bus/memory_bus.ts";
import { type Delivery, type Fault, SERVER } from "../lib/bus/memory_link.ts";
import { worldDigest } from "../lib/ecs/world_digest.ts";
import type { SystemFunction } from "../lib/runtime/system.ts";
import { createSubjects } from "../lib/wire/subjects.ts";
import { Archivist } from "./archivist.ts";
import { Client } from "./client.ts";
import { Cluster } from "./cluster.ts";
import { Draw } from "./draw.ts";
import { Nemesis } from "./nemesis.ts";
import { NetworkFaults } from "./network_faults.ts";
import { Observer } from "./observer.ts";
import { type ProcessOptions, SimulatedProcess } from "./process.ts";
import { createScenario, type Scenario } from "./scenario.ts";
import { Trace } from "./trace.ts";
import { drawTroubles, type Troubles } from "./troubles.ts";
import { insist, Violation } from "./violation.ts";
import { VirtualClock } from "./virtual_clock.ts";

export interface SimulationResult {
  readonly seed: number;
  readonly ticks: number;
  readonly virtualMs: number;
  readonly events: number;
  /** How often what went wrong, and what happened to snapshots. */
  readonly faults: Readonly<Record<string, number>>;
  readonly answered: number;
  /** Of all that happened, in order. */
  readonly trace: string;
}

export interface SimulationOptions {
  readonly seed: number;
  /** Told of everything that happens, line by line. */
  readonly onLine?: ((line: string) => void) | undefined;
  /** Told of every message on its way. */
  readonly onDelivery?: ((delivery: Delivery) => void) | undefined;
  /** Nothing goes wrong from the beginning. */
  readonly isCalm?: boolean;
  /** False: without snapshots but the first, whatever the seed has drawn. */
  readonly hasSnapshots?: boolean;
  /** What instances run in a script's place: a way to see that mischief is found out. */
  readonly tamper?: ((script: SystemFunction) => SystemFunction) | undefined;
}

/** Events of one simulation: what takes more spins. */
const EVENTS_MAX = 400_000;
/** How long it may take to the last tick once nothing goes wrong any more. */
const LIVENESS_MS = 60_000;
const TIMERS_MAX = 20_000;
/**
 * Requests that wait at a coordinator, of each kind. Clients send one at a time, and give up
 * on it in time; but one that was succeeded unheard gets all that its successor answers.
 */
const WAITING_MAX = QUESTIONS_MAX;
export const SUBJECTS = createSubjects("sim");

/** @throws {Violation} when a promise was broken. */
export function simulate(options: SimulationOptions): Promise<SimulationResult> {
  return new Simulation(options).run();
}

class Simulation {
  readonly #seed: number;
  readonly #onDelivery: (delivery: Delivery) => void;
  readonly #clock = new VirtualClock();
  readonly #turns: (() => void)[] = [];
  readonly #trace: Trace;
  readonly #observer: Observer;
  readonly #faults: NetworkFaults;
  readonly #network: MemoryNetwork;
  readonly #cluster: Cluster;
  readonly #nemesis: Nemesis;
  readonly #client: Client;
  /** Where there is one. */
  readonly #archivist: Archivist | undefined;
  readonly #troubles: Troubles;
  readonly #ticks: number;
  #calmAt: number | undefined;
  #failure: unknown;
  #done: Coordinator | undefined;

  constructor(options: SimulationOptions) {
    const { seed, onLine, onDelivery = () => {}, isCalm = false, hasSnapshots = true } = options;
    const drawn = createScenario(seed);
    const scenario = hasSnapshots ? drawn : { ...drawn, snapshots: undefined };
    const clock = this.#clock;
    this.#seed = seed;
    this.#onDelivery = onDelivery;
    this.#ticks = scenario.ticks;
    this.#trace = new Trace({ clock, onLine });
    for (const [file, text] of scenario.files) this.#trace.say(file, text);
    this.#troubles = drawTroubles(new Draw(seed, "troubles"));
    this.#trace.say("troubles", JSON.stringify(this.#troubles));
    this.#trace.say("snapshots", JSON.stringify(scenario.snapshots ?? "never"));
    this.#observer = this.#openObserver(scenario);
    const count = (kind: string) => this.#trace.count(kind);
    this.#faults = new NetworkFaults({
      clock,
      draw: new Draw(seed, "network"),
      rates: this.#troubles.network,
      count,
    });
    this.#network = this.#openNetwork(scenario.payloadBytesMax);
    const shared = {
      network: this.#network,
      clock,
      say: (name: string, line: string) => this.#trace.say(name, line),
      onError: (name: string, error: Error) => this.#fail(new Error(name, { cause: error })),
    };
    this.#cluster = this.#openCluster(scenario, { ...options, shared });
    this.#nemesis = new Nemesis({
      cluster: this.#cluster,
      faults: this.#faults,
      clock,
      draw: new Draw(seed, "nemesis"),
      rates: this.#troubles.nemesis,
      count,
      say: (line) => this.#trace.note("nemesis", line),
    });
    const outside = { subjects: SUBJECTS, observer: this.#observer };
    this.#client = new Client({
      ...outside,
      process: new SimulatedProcess({ ...shared, name: "client" }),
      draw: new Draw(seed, "client"),
      schema: scenario.manifests.schema,
      pauseMs: this.#troubles.clientPauseMs,
    });
    this.#archivist = scenario.snapshots && new Archivist({
      ...outside,
      process: new SimulatedProcess({ ...shared, name: "archivist" }),
      draw: new Draw(seed, "archivist"),
    });
    if (isCalm) this.#heal(0);
  }

  #openObserver(scenario: Scenario): Observer {
    return new Observer({
      scenario,
      subjects: SUBJECTS,
      onTick: ({ tick_id, epoch, digest, restored }) => {
        if (restored !== undefined) this.#trace.count("worlds restored");
        this.#trace.note("tick", `${tick_id} of term ${epoch}, digest ${digest.toString(16)}`);
      },
      onSnapshot: ({ id, kind, tick }) => {
        this.#trace.say("snapshot", `${id}, ${kind}, of tick ${tick}`);
        if (kind !== "initial") this.#trace.count(`snapshots stored: ${kind}`);
      },
      onShared: (epoch, names) =>
        this.#fail(new Violation(`${names.join(" and ")} both lead in term ${epoch}`)),
    });
  }

  #openCluster(
    scenario: Scenario,
    { seed, shared, tamper = (script) => script }: SimulationOptions & {
      shared: Omit<ProcessOptions, "name">;
    },
  ): Cluster {
    return new Cluster({
      ...shared,
      scenario,
      subjects: SUBJECTS,
      draw: new Draw(seed, "cluster"),
      observer: this.#observer,
      slowShare: this.#troubles.slowShare,
      hasStandby: this.#troubles.hasStandby,
      tamper,
      onDone: (coordinator) => void (this.#done ??= coordinator),
      onCrash: (name, error, isStarting) => this.#crashed(name, error, isStarting),
    });
  }

  #openNetwork(payloadBytesMax: number): MemoryNetwork {
    return new MemoryNetwork({
      random: new Draw(this.#seed, "routes").unit,
      payloadBytesMax,
      clock: this.#clock,
      defer: (turn) => void this.#turns.push(turn),
      faults: (delivery) => this.#decide(delivery),
      onStored: (stream, entry) => this.#guard(() => this.#observer.stored(stream, entry)),
    });
  }

  async run(): Promise<SimulationResult> {
    this.#cluster.start();
    this.#client.run().catch((error) => this.#fail(error));
    this.#archivist?.run().catch((error) => this.#fail(error));
    await this.#pump(() => this.#done !== undefined);
    this.#checkEnd(this.#done);
    this.#client.stop();
    this.#archivist?.stop();
    if (this.#calmAt === undefined) this.#heal(this.#clock.now());
    this.#checkEnd(await this.#complete(this.#cluster.recover()));
    if (this.#archivist) {
      const { tick, world } = await this.#complete(this.#cluster.replayOldest());
      this.#checkState({ tick, digest: worldDigest(world) });
    }
    return {
      seed: this.#seed,
      ticks: this.#observer.tick,
      virtualMs: this.#clock.now(),
      events: this.#trace.events,
      faults: this.#trace.counts,
      answered: this.#client.answered,
      trace: this.#trace.digest,
    };
  }

  /** Lets things happen until `work` is done. */
  async #complete<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    work.then(() => isDone = true, (error) => this.#fail(error));
    await this.#pump(() => isDone);
    return await work;
  }

  /** Lets things happen, one by one, until `isDone`. */
  async #pump(isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      // A macrotask: by then every promise that could settle has.
      await new Promise<void>((resolve) => void setImmediate(resolve));
      if (this.#failure !== undefined) throw this.#failure;
      if (isDone()) return;
      const turn = this.#turns.shift();
      if (turn !== undefined) turn();
      else {insist(this.#clock.step(), () =>
          `nothing happens any more at tick ${this.#observer.tick}`);}
      this.#trace.step();
      this.#checkBounds();
    }
  }

  #checkBounds(): void {
    const now = this.#clock.now();
    const { tick } = this.#observer;
    const { calmAtMs, calmAtShare } = this.#troubles;
    if (this.#calmAt === undefined && (now >= calmAtMs || tick >= this.#ticks * calmAtShare)) {
      this.#heal(now);
    }
    insist(
      this.#calmAt === undefined || now - this.#calmAt < LIVENESS_MS,
      () => `at tick ${tick} of ${this.#ticks} ${LIVENESS_MS} ms after all was healed`,
    );
    insist(this.#trace.events < EVENTS_MAX, () => `${EVENTS_MAX} events by tick ${tick}`);
    insist(
      this.#clock.pendingCount < TIMERS_MAX,
      () => `${TIMERS_MAX} timers are set at tick ${tick}`,
    );
    for (const { waiting } of this.#cluster.leaders) {
      const lengthMax = Math.max(...Object.values(waiting));
      insist(
        lengthMax <= WAITING_MAX,
        () => `${JSON.stringify(waiting)} requests wait at tick ${tick}`,
      );
    }
  }

  #heal(now: number): void {
    this.#calmAt = now;
    this.#trace.note("calm", "nothing goes wrong any more");
    this.#nemesis.stop();
    this.#faults.calm();
    this.#cluster.calm();
  }

  /** The world that a coordinator has at the end, or makes again from the log, is the one that should be. */
  #checkEnd(coordinator: Coordinator | undefined): void {
    const { tick } = this.#observer;
    // A restore is a tick, too, and may come after the last one.
    insist(tick >= this.#ticks, () => `the run ended at tick ${tick} of ${this.#ticks}`);
    insist(coordinator !== undefined, () => "no coordinator has come to the end");
    this.#checkState({ tick: coordinator.tickNumber, digest: coordinator.digest() });
  }

  #checkState(made: { tick: number; digest: bigint }): void {
    const { tick, reference } = this.#observer;
    insist(
      made.tick === tick,
      () => `a world is at tick ${made.tick}, and the log at tick ${tick}`,
    );
    insist(
      made.digest === worldDigest(reference.world),
      () => "a world is not the one of the undisturbed run",
    );
  }

  #decide(delivery: Delivery): Fault | undefined {
    const { from, to, message: { subject, data } } = delivery;
    if (to === SERVER) this.#guard(() => this.#observer.published(delivery));
    this.#onDelivery(delivery);
    const fault = this.#faults.decide(delivery);
    this.#trace.delivery({ from, to, subject, bytes: data.length, fault });
    return fault;
  }

  /** A handler must not see what the simulation thinks of it. */
  #guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#fail(error);
    }
  }

  #crashed(name: string, error: unknown, isStarting: boolean): void {
    this.#trace.note("ended", `${name}: ${error}`);
    this.#trace.count("processes that ended by themselves");
    const names = isStarting ? [...ENDS, ...STARTS] : ENDS;
    const isExpected = error instanceof Error && names.includes(error.name) &&
      !error.message.startsWith(REFUSAL);
    if (!isExpected) this.#fail(error);
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
  }
}

/** Whoever operates the world starts a coordinator again that ended for one of these, */
const ENDS = ["FencedError", "UserError"];
/** or could not start for one of these. */
const STARTS = ["RequestTimeoutError", "SnapshotError"];
/** What is stored can always be resumed from. */
const REFUSAL = "Cannot resume the world";
