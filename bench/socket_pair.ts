/**
 * The lowest floor under a tick: a {@linkcode BarePair} whose two processes
 * speak to the nats-server over bare sockets.
 *
 * @module
 */
import type { BarePair, BarePairOptions } from "./bare_pair.ts";
import { startChild } from "./child.ts";
import { NatsSocket, publishFrame } from "./nats_socket.ts";

const ECHO = new URL("./socket_echo_main.ts", import.meta.url).pathname;
const SUBJECT = "bench.socket";

export async function openSocketPair({ servers, answer }: BarePairOptions): Promise<BarePair> {
  const inbox = `${SUBJECT}.answers`;
  const args = [servers, SUBJECT, inbox, `${answer.bytes}`, `${answer.per}`];
  const child = await startChild(ECHO, args, "ready");
  let missing = 0;
  let done = () => {};
  const socket = await NatsSocket.open(servers, {
    subject: inbox,
    onMessage() {
      if (--missing === 0) done();
    },
  });
  let frame = publishFrame(SUBJECT, 0);
  let frameBytes = 0;
  return {
    async move({ messages, bytes }) {
      if (bytes !== frameBytes) frame = publishFrame(SUBJECT, bytes);
      frameBytes = bytes;
      const startedAt = performance.now();
      const answered = new Promise<void>((resolve) => done = resolve);
      missing = messages;
      for (let i = 0; i < messages; i++) socket.send(frame);
      await answered;
      return performance.now() - startedAt;
    },
    async [Symbol.asyncDispose]() {
      socket.close();
      await child[Symbol.asyncDispose]();
    },
  };
}
