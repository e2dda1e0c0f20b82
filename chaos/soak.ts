/**
 * A soak: a world at full speed for a long time, with entities and instances that
 * come and go, while memory, handles and streams are measured.
 *
 * @module
 */
import type { Bus } from "../lib/bus/bus.ts";
import type { Log } from "../lib/bus/log.ts";
import { connectNats } from "../lib/bus/nats_bus.ts";
import { type Clock, delay } from "../lib/clock.ts";
import type { Manifests, WorldManifest } from "../lib/manifest/manifest.ts";
import { createSubjects } from "../lib/wire/subjects.ts";
import { Churn } from "./churn.ts";
import { type Flatness, meanFlatness, peakFlatness, relativeFlatness } from "./flatness.ts";
import { sampleProcess } from "./process_sample.ts";
import { type Guest, Troupe } from "./troupe.ts";
import { aborted } from "./wait.ts";

export interface SoakOptions {
  readonly manifests: Manifests;
  readonly world: WorldManifest;
  readonly dataDir: string;
  readonly durationMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly report: (line: string) => void;
}

export interface SoakResult {
  readonly ticks: number;
  readonly memory: readonly Flatness[];
  readonly handles: readonly Flatness[];
  readonly streams: readonly Flatness[];
}

/** Well below what goes up and down by itself, such as a log between two snapshots. */
const SAMPLE_MS = 1000;
/** How often the report says how far it is, in samples. */
const PROGRESS_SAMPLES = 60;
const CHURN_MS = 200;
/** An instance joins, and an earlier one leaves. */
const GUEST_MS = 5000;
const GUESTS_MAX = 2;
/** How many of them are killed rather than told to leave. */
const KILL_CHANCE = 0.5;
/** A stream is cut when a snapshot is taken, so its peak depends on when that is. */
const STREAM_SLACK = { share: 0.25 };
/** Connections of instances that come and go; a handle lost with each of them would soon be more. */
const HANDLES_SLACK = { units: GUESTS_MAX + 1 };
const COORDINATOR_FLAGS = ["--max-speed", "--snapshot-every", "10s", "--snapshots-kept", "2"];

export class Soak {
  readonly #options: SoakOptions;
  readonly #troupe: Troupe;
  readonly #bus: Bus;
  readonly #log: Log;
  readonly #subjects = createSubjects();
  /** By what was measured. */
  readonly #memory = new Map<string, number[]>();
  readonly #handles = new Map<string, number[]>();
  readonly #streams = new Map<string, number[]>();

  private constructor(options: SoakOptions, troupe: Troupe, { bus, log }: { bus: Bus; log: Log }) {
    this.#options = options;
    this.#troupe = troupe;
    this.#bus = bus;
    this.#log = log;
  }

  /** Runs for as long as it is told, and leaves nothing running, however it ends. */
  static async perform(options: SoakOptions): Promise<SoakResult> {
    await using troupe = await Troupe.start({
      ...options,
      hasStandby: false,
      coordinatorFlags: COORDINATOR_FLAGS,
    });
    const client = await connectNats({ servers: troupe.url, name: "soak", onError: () => {} });
    try {
      const soak = new Soak(options, troupe, client);
      return await Promise.race([soak.#perform(), troupe.failure, aborted(options.signal)]);
    } finally {
      await client.bus.close();
    }
  }

  async #perform(): Promise<SoakResult> {
    const over = new AbortController();
    const work = [this.#churn(over.signal), this.#changeGuests(over.signal)];
    const measuring = this.#measure().finally(() => over.abort());
    await Promise.all([measuring, ...work]);
    const { ticks } = await this.#troupe.stopCoordinators();
    return {
      ticks,
      memory: Array.from(this.#memory, ([what, samples]) => this.#memoryFlatness(what, samples)),
      handles: Array.from(
        this.#handles,
        ([what, samples]) => peakFlatness(what, samples, HANDLES_SLACK),
      ),
      streams: Array.from(
        this.#streams,
        ([what, samples]) => peakFlatness(what, samples, STREAM_SLACK),
      ),
    };
  }

  /** The server keeps what was stored lately, so it takes the more the faster the world is. */
  #memoryFlatness(what: string, samples: readonly number[]): Flatness {
    const log = this.#streams.get(this.#subjects.streams.components);
    const isServer = what === this.#troupe.cast.server;
    return isServer && log ? relativeFlatness(what, samples, log) : meanFlatness(what, samples);
  }

  async #measure(): Promise<void> {
    const { clock, durationMs, signal, report } = this.#options;
    const startedAt = clock.now();
    const samples = Math.ceil(durationMs / SAMPLE_MS);
    for (let sample = 1; sample <= samples && !signal.aborted; sample++) {
      await delay(clock, Math.max(0, startedAt + sample * SAMPLE_MS - clock.now()), signal);
      for (const { name, pid } of this.#troupe.players) {
        const { rssBytes, handles } = await sampleProcess(pid);
        add(this.#memory, name, rssBytes);
        add(this.#handles, name, handles);
      }
      for (const stream of Object.values(this.#subjects.streams)) {
        add(this.#streams, stream, (await this.#log.info(stream)).bytes);
      }
      if (sample % PROGRESS_SAMPLES === 0) report(`${sample} of ${samples} s`);
    }
  }

  async #churn(signal: AbortSignal): Promise<void> {
    const { clock, world } = this.#options;
    const churn = new Churn(this.#bus, { subjects: this.#subjects, world });
    while (!signal.aborted) {
      await churn.step();
      await delay(clock, CHURN_MS, signal);
    }
  }

  async #changeGuests(signal: AbortSignal): Promise<void> {
    const { clock, manifests: { systems }, random } = this.#options;
    const guests: Guest[] = [];
    while (!signal.aborted) {
      await delay(clock, GUEST_MS, signal);
      if (signal.aborted) break;
      const { name } = systems[Math.floor(random() * systems.length)];
      guests.push(await this.#troupe.invite(name));
      if (guests.length > GUESTS_MAX) await guests.shift()?.leave(random() < KILL_CHANCE);
    }
    for (const guest of guests) await guest.leave(false);
  }
}

function add(samples: Map<string, number[]>, what: string, value: number): void {
  const list = samples.get(what);
  if (list === undefined) samples.set(what, [value]);
  else list.push(value);
}
