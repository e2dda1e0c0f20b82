import { assertEquals } from "@std/assert";
import { setImmediate } from "node:timers";
import { type ResultKey, ResultLedger } from "../coordinator/result_ledger.ts";
import type { Message } from "../lib/bus/bus.ts";
import { isStoredNotice, type Log } from "../lib/bus/log.ts";
import { MemoryNetwork } from "../lib/bus/memory_bus.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

const NEVER_MS = 10_000;

function key(shard: number, tick = 1): ResultKey {
  return { tick, system: "move", shard, attempt: 0, instance: "move-1" };
}

function message(shard: number): Message {
  const data = Uint8Array.of(shard);
  return { subject: "changed.move", data, headers: {}, reply: undefined, noResponders: false };
}

/** A ledger over a log that takes what is appended, and fails as often as it is told to. */
class Desk {
  readonly clock = new VirtualClock();
  readonly appended: number[] = [];
  readonly lines: string[] = [];
  failures = 0;
  readonly ledger = new ResultLedger({
    log: {
      append: (_subject: string, data: Uint8Array) => {
        if (this.failures-- > 0) return Promise.reject(new Error("no answer"));
        return Promise.resolve(this.appended.push(data[0]));
      },
    } as Partial<Log> as Log,
    clock: this.clock,
    report: {
      info: (line) => this.lines.push(line),
      warn: (line) => this.lines.push(line),
    },
  });

  /** Ends the tick, lets time pass, and tells whether all of its results are in the log then. */
  async settlesWithin(ms: number): Promise<boolean> {
    let isSettled = false;
    this.ledger.settle().then(() => isSettled = true);
    for (let passed = 0; passed < ms && !isSettled; passed += 10) {
      await new Promise<void>((resolve) => void setImmediate(resolve));
      this.clock.advance(10);
    }
    await new Promise<void>((resolve) => void setImmediate(resolve));
    return isSettled;
  }
}

Deno.test("ResultLedger.settle() is done at once when each result is confirmed, before or after", async () => {
  const { ledger, clock, appended } = new Desk();
  ledger.confirm(key(0));
  for (const shard of [0, 1]) ledger.accept(key(shard), message(shard));
  ledger.confirm(key(1));
  await ledger.settle();
  assertEquals([clock.now(), appended], [0, []]);
});

Deno.test("ResultLedger.settle() waits for confirmations that are on their way", async () => {
  const { ledger, appended, clock } = new Desk();
  ledger.accept(key(0), message(0));
  const settled = ledger.settle();
  clock.advance(10);
  ledger.confirm(key(0));
  await settled;
  assertEquals([appended, clock.pendingCount], [[], 0]);
});

Deno.test("ResultLedger.settle() appends what nobody confirms, and nothing else", async () => {
  const desk = new Desk();
  for (const shard of [0, 1, 2]) desk.ledger.accept(key(shard), message(shard));
  desk.ledger.confirm(key(1));
  assertEquals(await desk.settlesWithin(NEVER_MS), true);
  assertEquals(desk.appended, [0, 2]);
});

Deno.test("ResultLedger.settle() tries again until the log takes a result", async () => {
  const desk = new Desk();
  desk.failures = 3;
  desk.ledger.accept(key(0), message(0));
  assertEquals(await desk.settlesWithin(NEVER_MS), true);
  assertEquals(desk.appended, [0]);
  assertEquals(desk.lines.length, 4);
});

Deno.test("ResultLedger.settle() takes a confirmation that comes while the log fails", async () => {
  const desk = new Desk();
  desk.failures = Infinity;
  desk.ledger.accept(key(0), message(0));
  desk.clock.after(500, () => desk.ledger.confirm(key(0)));
  assertEquals(await desk.settlesWithin(NEVER_MS), true);
  assertEquals(desk.appended, []);
});

Deno.test("ResultLedger.settle() does not take an older tick's confirmation for a newer one's", async () => {
  const desk = new Desk();
  await desk.ledger.settle();
  desk.ledger.confirm(key(0, 1));
  desk.ledger.accept(key(0, 2), message(0));
  assertEquals(await desk.settlesWithin(NEVER_MS), true);
  assertEquals(desk.appended, [0]);
});

Deno.test("ResultLedger.settle() waits for the results of its own tick alone", async () => {
  const desk = new Desk();
  desk.ledger.accept(key(0, 1), message(0));
  desk.ledger.confirm(key(0, 1));
  const settled = desk.ledger.settle();
  desk.ledger.accept(key(0, 2), message(0));
  await settled;
});

Deno.test("ResultLedger.abandon() ends the wait for a log that does not answer", async () => {
  const desk = new Desk();
  desk.failures = Infinity;
  desk.ledger.accept(key(0), message(0));
  desk.clock.after(1000, () => desk.ledger.abandon());
  assertEquals(await desk.settlesWithin(NEVER_MS), true);
  assertEquals([desk.appended, desk.clock.pendingCount], [[], 0]);
});

Deno.test("isStoredNotice() takes a stream's word, and nothing that only looks like it", async () => {
  const network = new MemoryNetwork({ random: () => 0 });
  const { bus, log } = network.connect("test", { onError: () => {} });
  const stream = { name: "S", subjects: ["s"], bytesMax: 200, replicas: 1 };
  await log.open({ ...stream, storage: "memory", discard: "new" });
  const answers: Message[] = [];
  bus.subscribe("answers", (message) => answers.push(message));
  bus.publish("s", new Uint8Array(9), { reply: "answers" });
  // There is no room for this one.
  bus.publish("s", new Uint8Array(500), { reply: "answers" });
  bus.publish("nobody", new Uint8Array(9), { reply: "answers" });
  await bus.flush();
  assertEquals(answers.map(isStoredNotice), [true, false, false]);
  const said = (text: string, headers = {}) => ({ data: new TextEncoder().encode(text), headers });
  assertEquals(isStoredNotice(said('{"stream":"S","seq":7}')), true);
  assertEquals(isStoredNotice(said('{"stream":"S","seq":7}', { "msg-type": "Refusal" })), false);
  for (
    const text of [
      "",
      "null",
      "7",
      "[",
      '{"seq":0}',
      '{"seq":"7"}',
      `{"seq":7,"x":"${"x".repeat(2000)}"}`,
    ]
  ) {
    assertEquals(isStoredNotice(said(text)), false, text.slice(0, 20));
  }
});
