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
  #coordinator: SteppedCoordinator;
  #resources = new AsyncDisposableStack();
  readonly #options: BenchWorldOptions;
  /** Where its server is. */
  readonly servers: string;

  static async open(options: BenchWorldOptions): Promise<BenchWorld> {
    const { maxPayloadBytes } = options;
    await using stack = new AsyncDisposableStack();
    const server = stack.use(
      await startNatsServer({
        progress: () => {},
        ...(maxPayloadBytes !== undefined && { maxPayloadBytes }),
      }),
    );
    const world = new BenchWorld(await openCoordinator(options, server.url), options, server.url);
    stack.defer(() => world.#coordinator.close());
    for (const instance of await startInstances(options, server.url)) stack.use(instance);
    world.#resources = stack.move();
    return world;
  }

  private constructor(
    coordinator: SteppedCoordinator,
    options: BenchWorldOptions,
    servers: string,
  ) {
    this.#coordinator = coordinator;
    this.#options = options;
    this.servers = servers;
  }

  /** Ends the coordinator, and resolves with the ms until another has taken up the world. */
  async restart(): Promise<number> {
    await this.#coordinator.close();
    const startedAt = performance.now();
    this.#coordinator = await openCoordinator({ ...this.#options, takeover: true }, this.servers);
    return performance.now() - startedAt;
  }

  /** Takes a snapshot, and resolves when it is stored. */
  snapshot(): Promise<void> {
    return this.#coordinator.snapshot();
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

async function openCoordinator(
  options: BenchWorldOptions & Pick<SteppedOptions, "takeover">,
  servers: string,
): Promise<SteppedCoordinator> {
  const { wrap = (connection) => connection } = options;
  const connection = await connectNats({ servers, name: "coordinator", onError: console.error });
  return await SteppedCoordinator.open({
    ...options,
    ...wrap(connection),
    subjects: createSubjects(PREFIX),
  });
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
