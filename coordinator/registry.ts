/**
 * The registry: which instances there are, by system, and how they fare. An
 * instance counts until it unregisters or has been silent for too long.
 *
 * @module
 */
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import { signatureText, systemSignature } from "../lib/manifest/signature.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import { PROTOCOL_VERSION } from "../lib/wire/protocol.ts";

/** Silence after which an instance is taken for dead. */
const SILENCE_MAX_MS = 5000;
/** How often instances are asked to give a sign of life. */
export const HEARTBEAT_MS = 1000;
const INSTANCES_MAX = 4096;
const CREDITS_MAX = 64;
const DIFFERENCE_LENGTH_MAX = 2048;

export interface RegisteredInstance {
  readonly id: string;
  readonly system: string;
  readonly credits: number;
  /** Whether it listens for probes. */
  readonly probes: boolean;
  /** The newest tick when it came. */
  sinceTick: number;
  seenAt: number;
  /** When it was probed last. */
  probedAt: number;
  /** Share of time that the script ran, 0 to 1. */
  load: number;
  /** Counted by the instance since it began, as are the next three. */
  shards: number;
  rows: number;
  errors: number;
  refused: number;
}

export class Registry {
  readonly #systems: ReadonlyMap<string, SystemManifest>;
  readonly #instances = new Map<string, RegisteredInstance>();
  /** The instances by system, as far as it has been asked for since they last changed. */
  #bySystem = new Map<string, readonly RegisteredInstance[]>();

  constructor(systems: readonly SystemManifest[]) {
    this.#systems = new Map(systems.map((system) => [system.name, system]));
  }

  /** Registers the instance, or returns why it cannot be. */
  register(descriptor: MessageOf<"SystemDescriptor">, now: number): string | undefined {
    const refusal = this.#refusal(descriptor);
    if (refusal !== undefined) return refusal;
    const { instance_id: id, name: system, credits, probes = false } = descriptor;
    this.#bySystem.clear();
    this.#instances.set(id, {
      sinceTick: this.#instances.get(id)?.sinceTick ?? 0,
      id,
      system,
      credits: Math.min(credits, CREDITS_MAX),
      probes,
      seenAt: now,
      probedAt: -Infinity,
      load: 0,
      shards: 0,
      rows: 0,
      errors: 0,
      refused: 0,
    });
    return undefined;
  }

  /** Says in which tick an instance came. */
  noteJoined(id: string, tick: number): void {
    const instance = this.#instances.get(id);
    if (instance) instance.sinceTick = tick;
  }

  /** Returns the instance that left, if it was there. */
  unregister(id: string): RegisteredInstance | undefined {
    const instance = this.#instances.get(id);
    this.#delete(id);
    return instance;
  }

  /** False when the instance is not registered. */
  heartbeat(beat: MessageOf<"Heartbeat">, now: number): boolean {
    const instance = this.#instances.get(beat.instance_id);
    if (instance === undefined || instance.system !== beat.system) return false;
    instance.seenAt = now;
    instance.load = Math.min(1, beat.load);
    instance.shards = beat.shards;
    instance.rows = beat.rows;
    instance.errors = beat.errors;
    instance.refused = beat.refused;
    return true;
  }

  /** Records a sign of life; false when the instance is not registered for the system. */
  seen(id: string, system: string, now: number): boolean {
    const instance = this.#instances.get(id);
    if (instance === undefined || instance.system !== system) return false;
    instance.seenAt = now;
    return true;
  }

  /** Nobody could be heard until now, so nobody is to be blamed for silence. */
  excuse(now: number): void {
    for (const instance of this.#instances.values()) instance.seenAt = now;
  }

  get(id: string): RegisteredInstance | undefined {
    return this.#instances.get(id);
  }

  /** Removes and returns the instances that have been silent for too long. */
  expire(now: number): RegisteredInstance[] {
    const silent = [...this.#instances.values()].filter(({ seenAt }) =>
      now - seenAt > SILENCE_MAX_MS
    );
    for (const { id } of silent) this.#delete(id);
    return silent;
  }

  /** The instances of a system. */
  instancesOf(system: string): readonly RegisteredInstance[] {
    let instances = this.#bySystem.get(system);
    if (instances === undefined) {
      instances = [...this.#instances.values()].filter((instance) => instance.system === system);
      // Names from the wire are not kept.
      if (this.#systems.has(system)) this.#bySystem.set(system, instances);
    }
    return instances;
  }

  #delete(id: string): void {
    this.#instances.delete(id);
    this.#bySystem.clear();
  }

  #refusal(descriptor: MessageOf<"SystemDescriptor">): string | undefined {
    const { name, protocol, query, schema_hash, instance_id } = descriptor;
    const manifest = this.#systems.get(name);
    if (protocol !== PROTOCOL_VERSION) {
      return `it speaks protocol ${protocol}, the coordinator ${PROTOCOL_VERSION}`;
    }
    if (manifest === undefined) {
      return `the coordinator has no manifest of a system "${name}"; it has ` +
        [...this.#systems.keys()].join(", ");
    }
    if (schema_hash !== systemSignature(manifest)) {
      return `its manifest of "${name}" differs from the coordinator's: ` +
        describeDifference(query, signatureText(manifest)).slice(0, DIFFERENCE_LENGTH_MAX);
    }
    const other = this.#instances.get(instance_id);
    if (other !== undefined && other.system !== name) {
      return `instance "${instance_id}" is registered for "${other.system}" already`;
    }
    if (other === undefined && this.#instances.size >= INSTANCES_MAX) {
      return `${INSTANCES_MAX} instances are registered, which is the most`;
    }
    return undefined;
  }
}

function describeDifference(theirs: string, ours: string): string {
  const theirLines = theirs.split("\n");
  const ourLines = ours.split("\n");
  const extra = theirLines.filter((line) => !ourLines.includes(line));
  const missing = ourLines.filter((line) => !theirLines.includes(line));
  return [
    ...extra.map((line) => `it has "${line}"`),
    ...missing.map((line) => `it lacks "${line}"`),
  ].join(", ") || "the same lines in another order";
}
