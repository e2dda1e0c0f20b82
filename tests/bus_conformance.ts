/**
 * What every Bus and Log must do: one suite for all implementations.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import type { Headers, Message } from "../lib/bus/bus.ts";
import { NoRespondersError, RequestTimeoutError } from "../lib/bus/bus.ts";
import type { ConformanceCase, TestClient } from "./conformance_case.ts";
import { logCases } from "./log_conformance.ts";

/** A fresh server, in whatever form. */
export interface TestNetwork extends AsyncDisposable {
  connect(name: string): Promise<TestClient>;
}

/** Registers the suite for one implementation. */
export function testBusConformance(label: string, open: () => Promise<TestNetwork>): void {
  Deno.test(`${label} does what every Bus and Log does`, async (t) => {
    await using network = await open();
    for (const [index, { name, run }] of [...busCases, ...logCases].entries()) {
      await t.step(name, async () => {
        const a = await network.connect("a");
        const b = await network.connect("b");
        try {
          await run({ a, b, prefix: `case${index}` });
        } finally {
          await Promise.all([a.bus.close(), b.bus.close()]);
        }
      });
    }
  });
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (data: Uint8Array): string => new TextDecoder().decode(data);

/** Collects messages as text; `data` is only borrowed. */
function collect(client: TestClient, subject: string, options: { queue?: string } = {}) {
  const received: string[] = [];
  client.bus.subscribe(subject, (message) => {
    received.push(`${message.subject}=${text(message.data)}`);
  }, options);
  return received;
}

/** Waits until everything sent so far by `from` has been handled by `to`. */
async function settle(from: TestClient, to: TestClient): Promise<void> {
  await from.bus.flush();
  await to.bus.flush();
}

const busCases: readonly ConformanceCase[] = [
  {
    name: "publish() reaches every subscriber, the sender's own too, in order",
    async run({ a, b, prefix }) {
      const own = collect(a, `${prefix}.x`);
      const other = collect(b, `${prefix}.x`);
      await settle(b, a);
      for (let i = 0; i < 500; i++) a.bus.publish(`${prefix}.x`, bytes(String(i)));
      await settle(a, b);
      const expected = Array.from({ length: 500 }, (_, i) => `${prefix}.x=${i}`);
      assertEquals(own, expected);
      assertEquals(other, expected);
    },
  },
  {
    name: "publish() delivers later, never within the call",
    async run({ a, prefix }) {
      const received = collect(a, prefix);
      a.bus.publish(prefix, bytes("1"));
      assertEquals(received, []);
      await a.bus.flush();
      assertEquals(received, [`${prefix}=1`]);
    },
  },
  {
    name: "subscribe() takes * for one token and > for the rest",
    async run({ a, prefix }) {
      const one = collect(a, `${prefix}.*.c`);
      const rest = collect(a, `${prefix}.a.>`);
      for (const tail of ["a.c", "b.c", "a", "a.b.c", "c"]) {
        a.bus.publish(`${prefix}.${tail}`, bytes(""));
      }
      await a.bus.flush();
      assertEquals(one, [`${prefix}.a.c=`, `${prefix}.b.c=`]);
      assertEquals(rest, [`${prefix}.a.c=`, `${prefix}.a.b.c=`]);
    },
  },
  {
    name: "publish() and subscribe() refuse malformed subjects",
    run({ a, prefix }) {
      for (const subject of ["", `${prefix}..x`, `${prefix}.`, `${prefix} x`, `${prefix}.*`]) {
        assertThrows(() => a.bus.publish(subject, bytes("")), TypeError, "Cannot publish to");
      }
      for (const pattern of ["", `${prefix}..x`, `${prefix}.>.x`, `${prefix}.a*`]) {
        assertThrows(() => a.bus.subscribe(pattern, () => {}), TypeError, "Cannot subscribe to");
      }
      return Promise.resolve();
    },
  },
  {
    name: "publish() refuses a payload over payloadBytesMax and carries one just under it",
    async run({ a, b, prefix }) {
      let received = 0;
      b.bus.subscribe(prefix, (message) => received = message.data.length);
      await b.bus.flush();
      const bytesMax = a.bus.payloadBytesMax;
      const tooLarge = new Uint8Array(bytesMax + 1);
      const error = assertThrows(() => a.bus.publish(prefix, tooLarge), RangeError);
      assertStringIncludes(error.message, String(bytesMax));
      a.bus.publish(prefix, new Uint8Array(bytesMax));
      await settle(a, b);
      assertEquals(received, bytesMax);
    },
  },
  {
    name: "a message carries its headers, its reply subject and plain bytes",
    async run({ a, b, prefix }) {
      const got = Promise.withResolvers<Message>();
      b.bus.subscribe(`${prefix}.full`, got.resolve);
      const bare = Promise.withResolvers<Message>();
      b.bus.subscribe(`${prefix}.bare`, bare.resolve);
      await b.bus.flush();
      const headers: Headers = { "msg-type": "tick", "tick-id": "42" };
      a.bus.publish(`${prefix}.full`, bytes("x"), { headers, reply: `${prefix}.r` });
      a.bus.publish(`${prefix}.bare`, new Uint8Array(0));
      const full = await got.promise;
      assertEquals({ ...full.headers }, headers);
      assertEquals(full.reply, `${prefix}.r`);
      assertEquals(full.noResponders, false);
      assertEquals(Object.getPrototypeOf(full.data), Uint8Array.prototype);
      const { headers: none, reply, data, noResponders } = await bare.promise;
      assertEquals([{ ...none }, reply, data.length, noResponders], [{}, undefined, 0, false]);
    },
  },
  {
    name: "a queue group splits messages without loss or duplication",
    async run({ a, b, prefix }) {
      const queue = "workers";
      const parts = [
        collect(a, prefix, { queue }),
        collect(b, `${prefix}`, { queue }),
        collect(b, prefix, { queue }),
      ];
      const all = collect(b, prefix);
      await settle(b, a);
      for (let i = 0; i < 300; i++) a.bus.publish(prefix, bytes(String(i)));
      await settle(a, b);
      assertEquals(all.length, 300);
      assertEquals(parts.flat().sort(), [...all].sort());
      for (const part of parts) assert(part.length > 0, "a member of the group got nothing");
    },
  },
  {
    name: "a subscription with max ends itself",
    async run({ a, prefix }) {
      let count = 0;
      a.bus.subscribe(prefix, () => count++, { max: 3 });
      for (let i = 0; i < 10; i++) a.bus.publish(prefix, bytes(""));
      await a.bus.flush();
      assertEquals(count, 3);
    },
  },
  {
    name: "a credit (queue, max 1) takes one message, and the next when it is renewed",
    async run({ a, b, prefix }) {
      const handled: string[] = [];
      const offer = () =>
        b.bus.subscribe(prefix, (message) => {
          handled.push(text(message.data));
          offer();
          if (message.reply !== undefined) b.bus.publish(message.reply, bytes("done"));
        }, { queue: "credits", max: 1 });
      offer();
      await b.bus.flush();
      for (let i = 0; i < 50; i++) {
        const answer = await a.bus.request(prefix, bytes(String(i)), { timeoutMs: 2000 });
        assertEquals(text(answer.data), "done");
      }
      assertEquals(handled, Array.from({ length: 50 }, (_, i) => String(i)));
    },
  },
  {
    name: "a spent credit is no subscriber: the next message has no responders",
    async run({ a, b, prefix }) {
      b.bus.subscribe(prefix, () => {}, { queue: "credits", max: 1 });
      await b.bus.flush();
      const reply = a.bus.createInbox();
      const notices: boolean[] = [];
      a.bus.subscribe(reply, (message) => notices.push(message.noResponders));
      a.bus.publish(prefix, bytes("1"), { reply });
      await a.bus.flush();
      assertEquals(notices, []);
      a.bus.publish(prefix, bytes("2"), { reply });
      await a.bus.flush();
      assertEquals(notices, [true]);
    },
  },
  {
    name: "request() resolves with the first answer, headers included",
    async run({ a, b, prefix }) {
      b.bus.subscribe(prefix, ({ data, headers, reply = "" }) => {
        b.bus.publish(reply, bytes(`${text(data)} ${headers["n"]}`), { headers: { ok: "yes" } });
        b.bus.publish(reply, bytes("too late"));
      });
      await b.bus.flush();
      const answer = await a.bus.request(prefix, bytes("hi"), {
        timeoutMs: 2000,
        headers: { n: "7" },
      });
      assertEquals([text(answer.data), answer.headers["ok"]], ["hi 7", "yes"]);
    },
  },
  {
    name: "request() rejects with NoRespondersError when nobody subscribes",
    async run({ a, prefix }) {
      const request = a.bus.request(prefix, bytes(""), { timeoutMs: 5000 });
      await assertRejects(() => request, NoRespondersError, prefix);
    },
  },
  {
    name: "request() rejects with RequestTimeoutError when nobody answers",
    async run({ a, b, prefix }) {
      b.bus.subscribe(prefix, () => {});
      await b.bus.flush();
      const request = a.bus.request(prefix, bytes(""), { timeoutMs: 20 });
      await assertRejects(() => request, RequestTimeoutError, prefix);
    },
  },
  {
    name: "an exception in a handler is reported with its subject, and the next message handled",
    async run({ a, prefix }) {
      let handled = 0;
      a.bus.subscribe(`${prefix}.*`, () => {
        handled++;
        throw new Error("handler bug");
      });
      a.bus.publish(`${prefix}.1`, bytes(""));
      a.bus.publish(`${prefix}.2`, bytes(""));
      await a.bus.flush();
      assertEquals(handled, 2);
      assertEquals(
        a.errors.map(({ error, subject }) => [error.message, subject]),
        [["handler bug", `${prefix}.1`], ["handler bug", `${prefix}.2`]],
      );
    },
  },
  {
    name: "unsubscribe() stops delivery at once",
    async run({ a, prefix }) {
      let count = 0;
      const subscription = a.bus.subscribe(prefix, () => {
        count++;
        subscription.unsubscribe();
      });
      a.bus.publish(prefix, bytes(""));
      a.bus.publish(prefix, bytes(""));
      await a.bus.flush();
      assertEquals(count, 1);
      await subscription.drain();
    },
  },
  {
    name: "drain() handles what is on its way, then nothing more",
    async run({ a, b, prefix }) {
      let count = 0;
      const subscription = b.bus.subscribe(prefix, () => count++);
      await b.bus.flush();
      for (let i = 0; i < 100; i++) a.bus.publish(prefix, bytes(""));
      await a.bus.flush();
      await subscription.drain();
      assertEquals(count, 100);
      a.bus.publish(prefix, bytes(""));
      await settle(a, b);
      assertEquals(count, 100);
    },
  },
  {
    name: "createInbox() makes a new subject each time",
    run({ a, b }) {
      const inboxes = [a, a, b, b].map(({ bus }) => bus.createInbox());
      assertEquals(new Set(inboxes).size, 4);
      return Promise.resolve();
    },
  },
  {
    name: "close() sends what was published, tells the status and can be called twice",
    async run({ a, b, prefix }) {
      const received = collect(b, prefix);
      await b.bus.flush();
      const closed = Promise.withResolvers<void>();
      a.bus.onStatus((status) => status === "closed" && closed.resolve());
      a.bus.publish(prefix, bytes("last"));
      await Promise.all([a.bus.close(), a.bus.close()]);
      await closed.promise;
      await b.bus.flush();
      assertEquals(received, [`${prefix}=last`]);
      assertThrows(() => a.bus.publish(prefix, bytes("")), Error);
    },
  },
];
