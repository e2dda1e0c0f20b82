/**
 * Membership: instances come, give signs of life and leave, and whoever goes
 * silent, or whose connection is gone, is taken for dead. It keeps the registry
 * and tells the others.
 *
 * @module
 */
import type { Bus, Message } from "../lib/bus/bus.ts";
import type { Clock, Timer } from "../lib/clock.ts";
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import type { Report } from "../lib/report.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { Probes, type Run } from "./probes.ts";
import type { Reception } from "./reception.ts";
import { HEARTBEAT_MS, type RegisteredInstance, Registry } from "./registry.ts";
import type { SystemRun } from "./system_run.ts";

export interface MembershipOptions {
  readonly systems: readonly SystemManifest[];
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly report: Report;
  readonly reception: Reception;
  readonly epoch: number;
  /** The newest tick. */
  tickNumber(): number;
  /** The systems that have started in the tick that runs. */
  runs(): readonly (Run & Pick<SystemRun, "lose">)[];
  /** Instances of the system came, went, or may have time again. */
  onChange(system: string): void;
  event(topic: "system.up" | "system.down", data: { system: string; instance: string }): void;
}

export class Membership {
  readonly #options: MembershipOptions;
  readonly #registry: Registry;
  readonly #probes: Probes<RegisteredInstance>;
  #sweepTimer: Timer | undefined;
  #isStopped = false;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#registry = new Registry(options.systems);
    this.#probes = new Probes({
      ...options,
      instancesOf: (system) => this.instancesOf(system),
      instance: (id) => this.#registry.get(id),
      onGone: (instance) => this.#lose(instance),
    });
  }

  instancesOf(system: string): readonly RegisteredInstance[] {
    return this.#registry.instancesOf(system);
  }

  /** Takes requests, and looks for those that have gone silent, until it is stopped. */
  listen(): void {
    const { reception, subjects: { register, unregister, heartbeat } } = this.#options;
    reception.listen(register, "SystemDescriptor", (value, message) => {
      this.#register(value, message);
    });
    reception.listen(unregister, "Unregister", (value, message) => {
      this.#unregister(value, message);
    });
    reception.listen(heartbeat, "Heartbeat", (beat, message) => {
      // Whoever leads next is to be asked.
      if (this.#isStopped) return;
      const known = this.#registry.heartbeat(beat, this.#options.clock.now());
      reception.reply(message, "HeartbeatReply", { known });
      if (known) this.#options.onChange(beat.system);
    });
    this.#sweep();
    this.#probes.begin();
  }

  stop(): void {
    this.#isStopped = true;
    this.#probes.stop();
    this.#sweepTimer?.cancel();
  }

  /** Nobody could be heard until now. */
  excuse(): void {
    this.#registry.excuse(this.#options.clock.now());
  }

  /** An instance has given a sign of life. */
  seen({ instance_id, system }: { instance_id: string; system: string }): void {
    this.#registry.seen(instance_id, system, this.#options.clock.now());
  }

  #register(descriptor: MessageOf<"SystemDescriptor">, message: Message): void {
    if (this.#isStopped) return;
    const { clock, report, reception, epoch, tickNumber } = this.#options;
    const { name, instance_id } = descriptor;
    const isKnown = this.#registry.get(instance_id) !== undefined;
    const reason = this.#registry.register(descriptor, clock.now());
    reception.reply(message, "RegisterReply", {
      accepted: reason === undefined,
      ...(reason !== undefined && { reason }),
      epoch,
      tick_id: tickNumber(),
      heartbeat_ms: HEARTBEAT_MS,
    });
    if (reason !== undefined) return report.warn(`refused instance ${instance_id}: ${reason}`);
    if (isKnown) return this.#options.onChange(name);
    this.#registry.noteJoined(instance_id, tickNumber());
    report.info(`${instance_id} joined`);
    this.#announce("system.up", { id: instance_id, system: name });
  }

  #unregister({ instance_id }: MessageOf<"Unregister">, message: Message): void {
    const { report, reception } = this.#options;
    const instance = this.#registry.unregister(instance_id);
    reception.reply(message, "UnregisterReply", { known: instance !== undefined });
    if (instance === undefined) return;
    report.info(`${instance_id} left`);
    this.#announce("system.down", instance);
  }

  /** Nothing that the instance was sent will come back, unless it was just connecting anew. */
  #lose(instance: RegisteredInstance): void {
    const { report, runs } = this.#options;
    const { id, system, probedAt } = instance;
    this.#registry.unregister(id);
    report.warn(`${id}'s connection is gone; its shards go to others`);
    this.#announce("system.down", instance);
    for (const run of runs()) if (run.system === system) run.lose(id, probedAt);
  }

  /** Looks for instances that have gone silent, again and again. */
  #sweep(dueAt = this.#options.clock.now()): void {
    const { clock, report } = this.#options;
    // Whoever was stopped itself has not listened: what came meanwhile is yet to be read.
    if (clock.now() - dueAt > HEARTBEAT_MS) this.excuse();
    for (const instance of this.#registry.expire(clock.now())) {
      report.warn(`${instance.id} has been silent for too long; its shards go to others`);
      this.#announce("system.down", instance);
    }
    const nextAt = clock.now() + HEARTBEAT_MS;
    this.#sweepTimer = clock.after(HEARTBEAT_MS, () => this.#sweep(nextAt));
  }

  #announce(
    topic: "system.up" | "system.down",
    { id, system }: Pick<RegisteredInstance, "id" | "system">,
  ): void {
    const { event, onChange } = this.#options;
    event(topic, { system, instance: id });
    onChange(system);
  }
}
