/**
 * Fuzzes what listens to the bus: a coordinator and its instances, which run a
 * world while some of the messages between them, and some from outside, are
 * changed on their way. Nothing may be thrown where the bus would have to catch
 * it, and the world must go on.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { Coordinator } from "../coordinator/coordinator.ts";
import type { Bus, PublishOptions } from "../lib/bus/bus.ts";
import { MemoryNetwork } from "../lib/bus/memory_bus.ts";
import { Instance } from "../lib/runtime/instance.ts";
import { encodeMessage } from "../lib/wire/codec.ts";
import type { Draw } from "../sim/draw.ts";
import { SUBJECTS } from "../sim/simulation.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";
import type { Corpus, Recorded } from "./corpus.ts";
import { mutateMessage } from "./mutation.ts";
import type { Session, Target, Verdict } from "./target.ts";

export const liveTarget: Target = {
  name: "live",
  share: 8,
  open: (corpus, draw) => LiveSession.open(corpus, draw),
};

/** Inputs that are changed on their way between coordinator and instances; the others come from outside. */
const BETWEEN_SHARE = 0.6;
const HEADERS_SHARE = 0.05;
/** Turns and timers that an input may have effects in, before the next one. */
const STEPS_PER_INPUT = 12;
/** Those within which the world must go on. */
const STEPS_PER_TICK_MAX = 50_000;
const NOTHING: PublishOptions = {};

/** What is sent to the coordinator from outside, or from instances without being asked. */
const FROM_OUTSIDE: readonly string[] = [
  SUBJECTS.register,
  SUBJECTS.unregister,
  SUBJECTS.heartbeat,
  SUBJECTS.entityCommand,
  SUBJECTS.control,
  SUBJECTS.queryRequest,
  SUBJECTS.queryWatch,
  SUBJECTS.querySchema,
  SUBJECTS.queryGraph,
  SUBJECTS.queryTrace,
  SUBJECTS.querySystems,
  SUBJECTS.lease,
];

class LiveSession implements Session {
  readonly #clock = new VirtualClock();
  readonly #turns: (() => void)[] = [];
  readonly #network: MemoryNetwork;
  readonly #corpus: Corpus;
  readonly #outside: Bus;
  readonly #fromOutside: readonly Recorded[];
  #coordinator: Coordinator | undefined;
  #failure: unknown;
  #armed: { draw: Draw; note: (input: Uint8Array) => void } | undefined;

  private constructor(corpus: Corpus, draw: Draw) {
    this.#corpus = corpus;
    this.#fromOutside = corpus.all.filter(({ subject }) => FROM_OUTSIDE.includes(subject));
    this.#network = new MemoryNetwork({
      random: draw.unit,
      payloadBytesMax: corpus.scenario.payloadBytesMax,
      clock: this.#clock,
      defer: (turn) => void this.#turns.push(turn),
    });
    this.#outside = this.#connect("outside").bus;
  }

  static async open(corpus: Corpus, draw: Draw): Promise<LiveSession> {
    const session = new LiveSession(corpus, draw);
    const { manifests, scripts, world, credits, isResident } = corpus.scenario;
    const report = { info: () => {}, warn: () => {} };
    const shared = { clock: session.#clock, subjects: SUBJECTS, manifests, report };
    const opening = Coordinator.open({
      ...shared,
      ...session.#between("coordinator"),
      world,
      hz: 60,
      isUnpaced: true,
      isResident,
      replicas: 1,
      dateMs: () => 0,
    });
    session.#coordinator = await session.#until(opening);
    session.#coordinator.run().catch((error) => session.#failure ??= error);
    for (const manifest of manifests.systems) {
      const script = scripts.get(manifest.name);
      if (script === undefined) continue;
      const instanceId = `${manifest.name}-1`;
      const definition = { run: script };
      const init = { ...shared, manifest, definition, instanceId, credits };
      await session.#until(new Instance({ ...init, ...session.#between(instanceId) }).start());
    }
    await session.#expectTick();
    return session;
  }

  async feed(draw: Draw, note: (input: Uint8Array) => void): Promise<Verdict> {
    const refused = this.#coordinator?.stats.refused ?? 0;
    if (draw.chance(BETWEEN_SHARE)) this.#armed = { draw, note };
    else this.#sendFromOutside(draw, note);
    for (let step = 0; step < STEPS_PER_INPUT; step++) await this.#step();
    // Nobody said anything, so that nothing could be changed.
    if (this.#armed) this.#sendFromOutside(draw, note);
    this.#armed = undefined;
    return (this.#coordinator?.stats.refused ?? 0) > refused ? "refused" : "taken";
  }

  async close(): Promise<void> {
    await this.#expectTick();
    await this.#expectTick();
    this.#coordinator?.stop({ abandon: true });
  }

  #connect(name: string) {
    return this.#network.connect(name, {
      onError: (error) => this.#failure ??= new Error(`in a handler of ${name}`, { cause: error }),
    });
  }

  /** A connection whose messages are changed when it is their turn. */
  #between(name: string) {
    const { bus, log } = this.#connect(name);
    const publish: Bus["publish"] = (subject, data, options = NOTHING) =>
      bus.publish(subject, this.#changed(data), options);
    const changed: Bus = {
      payloadBytesMax: bus.payloadBytesMax,
      publish,
      subscribe: (...args) => bus.subscribe(...args),
      request: (subject, data, options) => bus.request(subject, this.#changed(data), options),
      createInbox: () => bus.createInbox(),
      flush: () => bus.flush(),
      onStatus: (handler) => bus.onStatus(handler),
      close: () => bus.close(),
    };
    return { bus: changed, log };
  }

  #changed(data: Uint8Array): Uint8Array {
    if (this.#armed === undefined) return data;
    const { draw, note } = this.#armed;
    this.#armed = undefined;
    const mutated = mutateMessage(data, draw, this.#corpus.all);
    const isTooLarge = mutated.length > this.#outside.payloadBytesMax;
    note(isTooLarge ? data : mutated);
    return isTooLarge ? data : mutated;
  }

  #sendFromOutside(draw: Draw, note: (input: Uint8Array) => void): void {
    const { subject, type, data } = draw.pick(this.#fromOutside);
    const mutated = mutateMessage(data, draw, this.#fromOutside)
      .slice(0, this.#outside.payloadBytesMax);
    note(mutated);
    const headers = draw.chance(HEADERS_SHARE) ? {} : { "msg-type": type };
    const reply = draw.chance(0.5) ? { reply: this.#outside.createInbox() } : {};
    this.#outside.publish(subject, mutated, { headers, ...reply });
  }

  /** Whatever was said, the world goes on when it is told to. */
  async #expectTick(): Promise<void> {
    const before = this.#coordinator?.tickNumber ?? 0;
    for (const control of [{ op: "rate" as const, hz: 60 }, { op: "resume" as const }]) {
      const { data, options } = encodeMessage("Control", control);
      this.#outside.publish(SUBJECTS.control, data, options);
    }
    for (let step = 0; (this.#coordinator?.tickNumber ?? 0) <= before; step++) {
      if (step > STEPS_PER_TICK_MAX) throw new Error(`the world does not go on at tick ${before}`);
      await this.#step();
    }
  }

  async #until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    promise.then(() => isSettled = true, () => isSettled = true);
    while (!isSettled) await this.#step();
    return await promise;
  }

  async #step(): Promise<void> {
    await new Promise<void>((resolve) => void setImmediate(resolve));
    if (this.#failure !== undefined) throw this.#failure;
    const turn = this.#turns.shift();
    if (turn) turn();
    else this.#clock.step();
  }
}
