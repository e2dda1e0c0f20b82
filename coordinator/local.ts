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

  /** Starts every system's instances and resolves when they are registered. */
  async start(): Promise<void> {
    const { manifests, subjects, clock, report } = this.#options;
    const quiet: Report = { info: () => {}, warn: (line) => report.warn(line) };
    for (const manifest of manifests.systems) {
      const definition = await loadScript(manifest);
      for (let i = 0; i < manifest.instances; i++) {
        const instanceId = `${manifest.name}-${i + 1}`;
        const instance = new Instance({
          ...this.connect(instanceId),
          subjects,
          clock,
          manifests,
          manifest,
          definition,
          instanceId,
          credits: 1,
          report: quiet,
        });
        this.#instances.push(instance);
        await instance.start();
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#instances.map((instance) => instance.stop()));
    await Promise.all(this.#buses.map((bus) => bus.close()));
  }
}
