/**
 * A whole world in one process: the same coordinator, runtime, manifests and
 * scripts on the in-memory bus. For small worlds, and for trying one's systems.
 *
 * @module
 */
import type { Clock } from "../lib/clock.ts";
import { MemoryNetwork } from "../lib/bus/memory_bus.ts";
import type { Bus } from "../lib/bus/bus.ts";
import type { Log } from "../lib/bus/log.ts";
import type { Manifests } from "../lib/manifest/manifest.ts";
import type { Report } from "../lib/report.ts";
import { Instance } from "../lib/runtime/instance.ts";
import { loadScript } from "../lib/runtime/load_script.ts";
import type { Subjects } from "../lib/wire/subjects.ts";

export interface LocalOptions {
  readonly manifests: Manifests;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly report: Report;
  /** Picks members of queue groups: numbers from 0 to below 1. */
  readonly random: () => number;
}

/** Shards for an instance: in one thread nothing is won by cutting its rows. */
export const LOCAL_GRAIN = 1;

/** The in-memory stand-in for a server and the processes around it. */
export class Local implements AsyncDisposable {
  readonly #options: LocalOptions;
  readonly #network: MemoryNetwork;
  readonly #instances: Instance[] = [];
  readonly #buses: Bus[] = [];

  constructor(options: LocalOptions) {
    this.#options = options;
    this.#network = new MemoryNetwork({ random: options.random, clock: options.clock });
  }

  /** Connects one client, such as the coordinator. */
  connect(name: string): { bus: Bus; log: Log } {
    const { report } = this.#options;
    const { bus, log } = this.#network.connect(name, {
      onError: (error, subject) => report.warn(`${subject}: ${error.stack ?? error.message}`),
    });
    this.#buses.push(bus);
    return { bus, log };
  }

  /**
   * Starts an instance of every system and resolves when they are registered. They
   * share one thread, so more of them would only keep the same things more than once;
   * it takes as many shards at a time as the manifest's instances would.
   */
  async start(): Promise<void> {
    const { manifests, subjects, clock, report } = this.#options;
    const quiet: Report = { info: () => {}, warn: (line) => report.warn(line) };
    for (const manifest of manifests.systems) {
      if (manifest.instances === 0) continue;
      const definition = await loadScript(manifest);
      const instance = new Instance({
        ...this.connect(manifest.name),
        subjects,
        clock,
        manifests,
        manifest,
        definition,
        instanceId: `${manifest.name}-1`,
        credits: manifest.instances,
        report: quiet,
      });
      this.#instances.push(instance);
      await instance.start();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#instances.map((instance) => instance.stop()));
    await Promise.all(this.#buses.map((bus) => bus.close()));
  }
}
