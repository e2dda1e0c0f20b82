/**
 * Probes: whether the instances that a tick waits for are still connected. Each of
 * them listens on a subject of its own. There is nothing to answer: where nobody
 * listens any more the server says so at once, long before a deadline would.
 *
 * @module
 */
import type { Bus, BusStatus, Message } from "../lib/bus/bus.ts";
import type { Clock, Timer } from "../lib/clock.ts";
import { encodeMessage } from "../lib/wire/codec.ts";
import type { Subjects } from "../lib/wire/subjects.ts";

/**
 * How long a shard has to be out, and an instance silent, before it is probed, and
 * how often it is: most shards come back sooner, and a deadline takes far longer.
 */
const PROBE_MS = 100;
/** Instances probed at a time; the others have their turn the next time. */
const PROBED_MAX = 256;
/**
 * After the coordinator's own connection broke, the others' may have, too: ten times
 * as long as a client waits before it tries to connect again.
 */
const GRACE_MS = 2000;

/** A system's part in the tick that runs. */
export interface Run {
  readonly system: string;
  /** Who may have the shards that were sent by `time` and are still out; undefined: any instance. */
  awaited(time: number): ReadonlySet<string | undefined>;
}

export interface Suspect {
  readonly id: string;
  /** Whether it listens for probes. */
  readonly probes: boolean;
  /** When it gave its last sign of life. */
  readonly seenAt: number;
  /** When it was probed last. */
  probedAt: number;
}

export interface ProbesOptions<T extends Suspect> {
  readonly bus: Pick<Bus, "publish" | "subscribe" | "createInbox" | "onStatus">;
  readonly clock: Clock;
  readonly subjects: Pick<Subjects, "probe">;
  /** The systems that have started in the tick that runs. */
  runs(): readonly Run[];
  instancesOf(system: string): readonly T[];
  instance(id: string): T | undefined;
  /** Nobody listens there any more. */
  onGone(instance: T): void;
}

export class Probes<T extends Suspect> {
  readonly #options: ProbesOptions<T>;
  readonly #root: string;
  #timer: Timer | undefined;
  /** Nothing follows from what is heard before. */
  #graceUntil = -Infinity;

  constructor(options: ProbesOptions<T>) {
    this.#options = options;
    this.#root = options.bus.createInbox();
  }

  /** Probes again and again, until it is stopped. */
  begin(): void {
    const { bus } = this.#options;
    bus.subscribe(`${this.#root}.*`, (message) => this.#takeAnswer(message));
    bus.onStatus((status) => this.#excuse(status));
    this.#probe();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #probe(): void {
    const { bus, clock, subjects, runs, instancesOf } = this.#options;
    const now = clock.now();
    const { data, options } = encodeMessage("Probe", {});
    for (const instance of now < this.#graceUntil ? [] : suspects(runs(), instancesOf, now)) {
      instance.probedAt = now;
      const reply = `${this.#root}.${instance.id}`;
      bus.publish(subjects.probe(instance.id), data, { ...options, reply });
    }
    this.#timer = clock.after(PROBE_MS, () => this.#probe());
  }

  #takeAnswer({ subject, noResponders }: Message): void {
    const { clock, instance: find, onGone } = this.#options;
    if (!noResponders || clock.now() < this.#graceUntil) return;
    const instance = find(subject.slice(this.#root.length + 1));
    // Who has been heard of since may have come back.
    if (instance && instance.seenAt <= instance.probedAt) onGone(instance);
  }

  #excuse(status: BusStatus): void {
    this.#graceUntil = status === "reconnected" ? this.#options.clock.now() + GRACE_MS : Infinity;
  }
}

/** Whom to probe now: who may have a shard and has been silent for a while, the last probed last. */
export function suspects<T extends Suspect>(
  runs: readonly Run[],
  instancesOf: (system: string) => readonly T[],
  now: number,
): T[] {
  const before = now - PROBE_MS;
  const found = runs.flatMap((run) => {
    const awaited = run.awaited(before);
    if (awaited.size === 0) return [];
    const isAwaited = ({ id }: T) => awaited.has(undefined) || awaited.has(id);
    return instancesOf(run.system).filter((instance) =>
      instance.probes && instance.seenAt <= before && isAwaited(instance)
    );
  });
  return found.toSorted((a, b) => a.probedAt - b.probedAt).slice(0, PROBED_MAX);
}
