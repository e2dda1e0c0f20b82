/**
 * A world as it is run in earnest: the coordinator in this process, every
 * instance in its own, and a NATS server between them.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { connectNats } from "../lib/bus/nats_bus.ts";
import { createSubjects } from "../lib/wire/subjects.ts";
import { startChild } from "./child.ts";
import { SteppedCoordinator, type SteppedOptions, type Turn } from "./stepped_coordinator.ts";

export interface BenchWorldOptions
  extends Pick<SteppedOptions, "setting" | "isResident" | "isBarrier"> {
  readonly servers: string;
  /** Tells it from the other worlds on the server. */
  readonly prefix: string;
  /** Of each system; 1 by default. */
  readonly instances?: number;
  /** Shards that an instance takes at a time; the program's default otherwise. */
  readonly credits?: number;
  /** What stands between the coordinator and its connection. */
  readonly wrap?: (connection: Pick<SteppedOptions, "bus" | "log">) => typeof connection;
}

const RUNTIME = fileURLToPath(new URL("../lib/runtime/main.ts", import.meta.url));

export class BenchWorld implements AsyncDisposable {
  readonly #coordinator: SteppedCoordinator;
  readonly #instances: readonly AsyncDisposable[];

  static async open(options: BenchWorldOptions): Promise<BenchWorld> {
    const { servers, prefix, wrap = (connection) => connection } = options;
    const connection = await connectNats({ servers, name: prefix, onError: console.error });
    const coordinator = await SteppedCoordinator.open({
      ...options,
      ...wrap(connection),
      subjects: createSubjects(prefix),
    });
    return new BenchWorld(coordinator, await startInstances(options));
  }

  private constructor(coordinator: SteppedCoordinator, instances: readonly AsyncDisposable[]) {
    this.#coordinator = coordinator;
    this.#instances = instances;
  }

  get entityCount(): number {
    return this.#coordinator.entityCount;
  }

  run(ticks: number): Promise<Turn> {
    return this.#coordinator.run(ticks);
  }

  digest(): bigint {
    return this.#coordinator.digest();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const instance of this.#instances) await instance[Symbol.asyncDispose]();
    await this.#coordinator.close();
  }
}

function startInstances(
  { setting: { manifests }, servers, prefix, instances = 1, credits }: BenchWorldOptions,
): Promise<AsyncDisposable[]> {
  const flags = ["--manifests", manifests.folder, "--nats", servers, "--prefix", prefix];
  if (credits !== undefined) flags.push("--credits", `${credits}`);
  return Promise.all(
    manifests.systems.flatMap(({ name }) =>
      Array.from(
        { length: instances },
        () => startChild(RUNTIME, [name, ...flags, "--stop-with-stdin"], "registered"),
      )
    ),
  );
}
