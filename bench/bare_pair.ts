/**
 * The floor under a tick: two bare processes that move the same bytes in the same
 * number of messages through the same nats-server, without encoding, checking or
 * computing anything. These speak to it with the NATS client.
 *
 * @module
 */
import { connect } from "@nats-io/transport-deno";
import { startChild } from "./child.ts";

export interface BarePairOptions {
  readonly servers: string;
  /** Bytes that come back for bytes that go out. */
  readonly answer: { readonly bytes: number; readonly per: number };
}

export interface BarePair extends AsyncDisposable {
  /** Sends `messages` of `bytes` each and resolves with the ms until the last answer is there. */
  move(load: { messages: number; bytes: number }): Promise<number>;
}

const ECHO = new URL("./echo_main.ts", import.meta.url).pathname;
const SUBJECT = "bench.floor";

export async function openBarePair({ servers, answer }: BarePairOptions): Promise<BarePair> {
  const args = [servers, SUBJECT, `${answer.bytes}`, `${answer.per}`];
  const child = await startChild(ECHO, args, "ready");
  const connection = await connect({ servers });
  const inbox = `${SUBJECT}.answers`;
  let missing = 0;
  let done = () => {};
  connection.subscribe(inbox, {
    callback() {
      if (--missing === 0) done();
    },
  });
  await connection.flush();
  return {
    async move({ messages, bytes }) {
      const payload = new Uint8Array(bytes);
      const startedAt = performance.now();
      const answered = new Promise<void>((resolve) => done = resolve);
      missing = messages;
      for (let i = 0; i < messages; i++) connection.publish(SUBJECT, payload, { reply: inbox });
      await answered;
      return performance.now() - startedAt;
    },
    async [Symbol.asyncDispose]() {
      await connection.close();
      await child[Symbol.asyncDispose]();
    },
  };
}
