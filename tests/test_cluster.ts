/**
 * A cluster of NATS servers of a test's own, on loopback.
 *
 * @module
 */
import {
  type JetStreamManager,
  jetstreamManager,
  StorageType,
  type StreamInfo,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-deno";
import { poll } from "../chaos/wait.ts";
import type { NatsServer } from "../lib/nats_server/nats_server.ts";
import { startTestServer } from "./test_server.ts";

/** What there is to say of a stream; the rest is as servers have it by default. */
export interface NewStream {
  readonly name: string;
  readonly subjects: string[];
  readonly storage: "file" | "memory";
}

export interface TestCluster extends AsyncDisposable {
  /** By name. */
  readonly servers: ReadonlyMap<string, NatsServer>;
  readonly urls: readonly string[];
  /** The nats-server that each of them is. */
  readonly version: string;
  /** The name of the server that leads the stream. */
  leaderOf(stream: string): Promise<string>;
  /** How many servers are to have a copy of the stream. */
  copiesOf(stream: string): Promise<number>;
  /** Makes a stream as an administrator does, with a copy on each server. */
  addStream(config: NewStream): Promise<void>;
  /** Kills a server as the kernel would. */
  kill(server: string): void;
}

/** Starts three servers and resolves when they are one cluster that can store something. */
export async function startTestCluster(): Promise<TestCluster> {
  const names = ["north", "east", "west"];
  const ports = freePorts(names.length);
  const routes = ports.map((port) => `nats-route://127.0.0.1:${port}`);
  const servers = new Map(
    await Promise.all(names.map(async (serverName, i) => {
      const cluster = { name: "test", serverName, port: ports[i], routes };
      return [serverName, await startTestServer({ cluster })] as const;
    })),
  );
  const urls = [...servers.values()].map(({ url }) => url);
  const version = await waitUntilReady(urls);
  return {
    servers,
    urls,
    version,
    leaderOf: async (stream) => (await inspect(urls, stream)).cluster?.leader ?? "",
    copiesOf: async (stream) => (await inspect(urls, stream)).config.num_replicas,
    addStream: (config) => addStream(urls, config),
    kill: (name) => Deno.kill(servers.get(name)?.pid ?? 0, "SIGKILL"),
    async [Symbol.asyncDispose]() {
      await Promise.all([...servers.values()].map((server) => server.stop()));
    },
  };
}

/** Ports that nobody listens on now. */
function freePorts(count: number): number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  const ports = listeners.map(({ addr }) => addr.port);
  for (const listener of listeners) listener.close();
  return ports;
}

/** Resolves with the servers' version. */
async function waitUntilReady(servers: readonly string[]): Promise<string> {
  await addStream(servers, { name: "PROBE", subjects: ["probe"], storage: "file" });
  return await manage(servers, async ({ streams }, { info }) => {
    await streams.delete("PROBE");
    return info?.version ?? "";
  });
}

async function addStream(
  servers: readonly string[],
  { name, subjects, storage }: NewStream,
): Promise<void> {
  const config = {
    name,
    subjects,
    storage: storage === "file" ? StorageType.File : StorageType.Memory,
    num_replicas: servers.length,
  };
  const add = ({ streams }: JetStreamManager) =>
    poll("that the cluster stores", () => streams.add(config).catch(() => false as const));
  await manage(servers, add, { timeout: 1000 });
}

function inspect(servers: readonly string[], stream: string): Promise<StreamInfo> {
  return manage(servers, ({ streams }) => streams.info(stream));
}

async function manage<T>(
  servers: readonly string[],
  act: (manager: JetStreamManager, connection: NatsConnection) => Promise<T>,
  options: { timeout?: number } = {},
): Promise<T> {
  const connection = await connect({ servers: [...servers] });
  try {
    const manager = await jetstreamManager(connection, { checkAPI: false, ...options });
    return await act(manager, connection);
  } finally {
    await connection.close();
  }
}
