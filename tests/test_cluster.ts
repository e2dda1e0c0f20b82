/**
 * A cluster of NATS servers of a test's own, on loopback.
 *
 * @module
 */
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-deno";
import { poll } from "../chaos/wait.ts";
import type { NatsServer } from "../lib/nats_server/nats_server.ts";
import { startTestServer } from "./test_server.ts";

export interface TestCluster extends AsyncDisposable {
  /** By name. */
  readonly servers: ReadonlyMap<string, NatsServer>;
  readonly urls: readonly string[];
  /** The name of the server that leads the stream. */
  leaderOf(stream: string): Promise<string>;
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
  await waitUntilReady(urls);
  return {
    servers,
    urls,
    leaderOf: (stream) => leaderOf(urls, stream),
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

async function waitUntilReady(servers: readonly string[]): Promise<void> {
  const connection = await connect({ servers: [...servers] });
  const { streams } = await jetstreamManager(connection, { checkAPI: false, timeout: 1000 });
  const probe = { name: "PROBE", subjects: ["probe"], num_replicas: servers.length };
  await poll("that the cluster stores", () => streams.add(probe).catch(() => false as const));
  await streams.delete("PROBE");
  await connection.close();
}

async function leaderOf(servers: readonly string[], stream: string): Promise<string> {
  const connection = await connect({ servers: [...servers] });
  const { streams } = await jetstreamManager(connection, { checkAPI: false });
  const { cluster } = await streams.info(stream);
  await connection.close();
  return cluster?.leader ?? "";
}
