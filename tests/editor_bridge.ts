/**
 * A client of NATS that goes through an editor's process, as its page does.
 *
 * @module
 */
import { type ServerInfo, wsconnect } from "@nats-io/nats-core";
import { assertEquals } from "@std/assert";

const TIMEOUT_MS = 20_000;

/**
 * Sends a message there and back, of more bytes than a frame or a read has.
 * @param url the editor's
 * @returns what the page is told of the server.
 */
export async function echoThrough(url: string): Promise<ServerInfo | undefined> {
  const { host, origin } = new URL(url);
  const connection = await wsconnect({
    servers: `ws://${host}/nats`,
    wsFactory: (address: string) =>
      Promise.resolve({ socket: openSocket(address, origin), encrypted: false }),
  });
  const sent = new Uint8Array(1_000_000).map((_, i) => i % 251);
  connection.subscribe("echo", {
    callback: (_error, message) => void message.respond(message.data),
  });
  const answer = await connection.request("echo", sent, { timeout: TIMEOUT_MS });
  assertEquals(new Uint8Array(answer.data), sent);
  const { info } = connection;
  await connection.close();
  return info;
}

/** As a page of `origin` opens one; browsers' types do not know the option. */
function openSocket(address: string, origin: string): WebSocket {
  const options = { headers: { origin } } as unknown as string[];
  return new WebSocket(address, options);
}
