/**
 * A NATS server of a test's own: `await using server = await startTestServer()`.
 *
 * @module
 */
import {
  type NatsServer,
  startNatsServer,
  type StartServerOptions,
} from "../lib/nats_server/nats_server.ts";

/** Starts a server on a port of the system's choice, with a store that goes with it. */
export function startTestServer(options: Partial<StartServerOptions> = {}): Promise<NatsServer> {
  return startNatsServer({ progress: () => {}, ...options });
}

/** Ends a server as `kill -9` does, and resolves when it is gone. */
export async function killServer({ pid, exited }: NatsServer): Promise<void> {
  Deno.kill(pid, "SIGKILL");
  await exited;
}
