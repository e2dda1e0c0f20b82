import { assertEquals } from "@std/assert";
import { setImmediate } from "node:timers";
import { type PublishedResult, Receipts } from "../coordinator/receipts.ts";
import type { AttemptKey } from "../coordinator/schedule_inbox.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

const RECEIPT_MS = 500;
const TICK = 7;

function key(shard: number, attempt = 0): AttemptKey {
  return { system: "physics", tick: TICK, shard, attempt };
}

function result(shard: number, hasReceipt = true): PublishedResult {
  return { subject: `result.${shard}`, data: Uint8Array.of(shard), headers: {}, hasReceipt };
}

function open() {
  const clock = new VirtualClock();
  const appended: string[] = [];
  const headers: unknown[] = [];
  const receipts = new Receipts({
    clock,
    appender: {
      append: (subject, _, options) => {
        headers.push(options.headers);
        return Promise.resolve(appended.push(subject));
      },
    },
  });
  receipts.begin(TICK);
  let isSettled = false;
  const settle = async () => {
    receipts.settle(TICK).then(() => isSettled = true);
    await turn();
  };
  return { clock, receipts, appended, headers, settle, isSettled: () => isSettled };
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

Deno.test("Receipts.settle() waits until every accepted result is stored", async () => {
  const { receipts, settle, isSettled, appended, clock } = open();
  // The receipt may come first, and others are for attempts that were not accepted.
  receipts.receive(key(0), true);
  receipts.accept(key(0), result(0));
  receipts.accept(key(1), result(1));
  receipts.accept(key(2, 1), result(2));
  receipts.receive(key(2, 0), true);
  receipts.receive(key(1), true);
  await settle();
  assertEquals(isSettled(), false);
  receipts.receive(key(2, 1), true);
  await turn();
  assertEquals([isSettled(), appended, clock.pendingCount], [true, [], 0]);
});

Deno.test("Receipts.settle() appends what the log refused, and what it is silent about for too long", async () => {
  const { receipts, settle, isSettled, appended, clock } = open();
  receipts.accept(key(0), result(0));
  receipts.accept(key(1), result(1));
  receipts.receive(key(2), false);
  receipts.accept(key(2), result(2));
  receipts.receive(key(0), false);
  await settle();
  assertEquals([isSettled(), appended], [false, []]);
  clock.advance(RECEIPT_MS);
  await turn();
  assertEquals([isSettled(), appended], [true, ["result.2", "result.0", "result.1"]]);
});

Deno.test("Receipts.settle() appends at once what was published without a reply subject", async () => {
  const { receipts, settle, isSettled, appended, headers } = open();
  receipts.accept(key(0), result(0, false));
  await settle();
  assertEquals([isSettled(), appended], [true, ["result.0"]]);
  assertEquals(headers, [{ repeated: "1" }]);
});

Deno.test("Receipts.settle() appends what another instance's receipt may have been taken for", async () => {
  const { receipts, settle, isSettled, appended } = open();
  const headers = { "instance-id": "physics-1" };
  receipts.accept(key(0), { ...result(0), headers });
  receipts.accept(key(1), { ...result(1), headers });
  // Twice from the same instance is the same result.
  receipts.doubt(key(0), "physics-1");
  receipts.doubt(key(1), "physics-2");
  receipts.receive(key(0), true);
  receipts.receive(key(1), true);
  await settle();
  assertEquals([isSettled(), appended], [true, ["result.1"]]);
});

Deno.test("Receipts of ticks that are over, or never were, have no effect", async () => {
  const { receipts, settle, isSettled, appended } = open();
  await settle();
  receipts.receive(key(0), false);
  receipts.accept(key(0), result(0));
  receipts.receive({ ...key(0), tick: NaN }, true);
  await receipts.settle(TICK);
  assertEquals([isSettled(), appended], [true, []]);
});
