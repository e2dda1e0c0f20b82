/**
 * A world as it is run in earnest: the coordinator in this process, every
 * instance in its own, and a NATS server between them. Each world has a server
 * of its own, since the streams of a few reserve more than a disk may have.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { connectNats } from "../lib/bus/nats_bus.ts";
import { startNatsServer } from "../lib/nats_server/nats_server.ts";
import { createSubjects } from "../lib/wire/subjects.ts";
import { startChild } from "./child.ts";
import { SteppedCoordinator, type SteppedOptions, type Turn } from "./stepped_coordinator.ts";

export interface BenchWorldOptions extends Pick<SteppedOptions, "setting" | "isBarrier"> {
  /** Of each system; 1 by default. */
  readonly instances?: number;
  /** Largest message of the server; its default otherwise. */
  readonly maxPayloadBytes?: number;
  /** What stands between the coordinator and its connection. */
  readonly wrap?: (connection: Pick<SteppedOptions, "bus" | "log">) => typeof connection;
}

const RUNTIME = fileURLToPath(new URL("../lib/runtime/main.ts", import.meta.url));

/** Of the subjects in every world. */
export const PREFIX = "bench";

export class BenchWorld implements AsyncDisposable {
  readonly #coordinator: SteppedCoordinator;
  readonly #resources: AsyncDisposableStack;
  /** Where its server is. */
  readonly servers: string;

  static async open(options: BenchWorldOptions): Promise<BenchWorld> {
    const { maxPayloadBytes, wrap = (connection) => connection } = options;
    await using stack = new AsyncDisposableStack();
    const server = stack.use(
      await startNatsServer({
        progress: () => {},
        ...(maxPayloadBytes !== undefined && { maxPayloadBytes }),
      }),
    );
    const connection = await connectNats({
      servers: server.url,
      name: "coordinator",
      onError: console.error,
    });
    const coordinator = await SteppedCoordinator.open({
      ...options,
      ...wrap(connection),
      subjects: createSubjects(PREFIX),
    });
    stack.defer(() => coordinator.close());
    for (const instance of await startInstances(options, server.url)) stack.use(instance);
    return new BenchWorld(coordinator, { servers: server.url, resources: stack.move() });
  }

  private constructor(
    coordinator: SteppedCoordinator,
    { servers, resources }: { servers: string; resources: AsyncDisposableStack },
  ) {
    this.#coordinator = coordinator;
    this.#resources = resources;
    this.servers = servers;
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

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}

function startInstances(
  { setting: { manifests }, instances = 1 }: BenchWorldOptions,
  servers: string,
): Promise<AsyncDisposable[]> {
  const flags = ["--manifests", manifests.folder, "--nats", servers, "--prefix", PREFIX];
  return Promise.all(
    manifests.systems.flatMap(({ name }) =>
      Array.from(
        { length: instances },
        () => startChild(RUNTIME, [name, ...flags, "--stop-with-stdin"], "registered"),
      )
    ),
  );
}
