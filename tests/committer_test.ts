import { assertEquals, assertRejects } from "@std/assert";
import { Committer } from "../coordinator/committer.ts";
import { FencedError } from "../coordinator/fence.ts";
import { MemoryNetwork } from "../lib/bus/memory_bus.ts";
import type { Log } from "../lib/bus/log.ts";
import { decodePayload } from "../lib/wire/codec.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

const SUBJECT = "engine.coord.commit";
const STREAM = "COMMITS";

async function openLog(): Promise<Log> {
  const network = new MemoryNetwork({ random: () => 0 });
  const onError = (error: Error) => {
    throw error;
  };
  const { log } = network.connect("coordinator", { onError });
  await log.open({
    name: STREAM,
    subjects: [SUBJECT],
    storage: "memory",
    bytesMax: 1 << 20,
    replicas: 1,
  });
  return log;
}

function committer(log: Log, lastSequence = 0): Committer {
  return new Committer({
    log,
    clock: new VirtualClock(),
    stream: STREAM,
    subject: SUBJECT,
    lastSequence,
    onTrouble: (_, error) => {
      throw error;
    },
    onRelief: () => {},
  });
}

function commit(tick: number, epoch = 1): MessageOf<"TickCommit"> {
  return { epoch, tick_id: tick, dt: 0.1, buffers: [], systems: [], digest: 7n };
}

async function storedTicks(log: Log): Promise<number[]> {
  const entries = await Array.fromAsync(log.read(STREAM));
  return entries.map(({ data }) => decodePayload("TickCommit", data).tick_id);
}

function nothing(): void {}

Deno.test("Committer.commit() stores commits in order and tells of each when it is stored", async () => {
  const log = await openLog();
  const mine = committer(log);
  const events: string[] = [];
  for (const tick of [1, 2, 3]) {
    await mine.commit(commit(tick), () => events.push(`stored ${tick}`));
    events.push(`on its way ${tick}`);
  }
  // A commit may go on its way only behind one that is stored.
  assertEquals(events.slice(0, 5), [
    "on its way 1",
    "stored 1",
    "on its way 2",
    "stored 2",
    "on its way 3",
  ]);
  await mine.settled();
  assertEquals(events[5], "stored 3");
  assertEquals(await storedTicks(log), [1, 2, 3]);
});

Deno.test("Committer.commit() says nothing is stored before the log has acknowledged it", async () => {
  const log = await openLog();
  const acknowledged = Promise.withResolvers<number>();
  const slow: Log = { ...bound(log), append: () => acknowledged.promise };
  const mine = committer(slow);
  let isStored = false;
  await mine.commit(commit(1), () => isStored = true);
  await log.info(STREAM);
  assertEquals(isStored, false);
  acknowledged.resolve(1);
  await mine.settled();
  assertEquals(isStored, true);
});

Deno.test("Committer.commit() continues a log from its newest commit", async () => {
  const log = await openLog();
  await committer(log).commit(commit(1), nothing);
  const next = committer(log, 1);
  await next.commit(commit(2, 2), nothing);
  await next.settled();
  assertEquals(await storedTicks(log), [1, 2]);
});

Deno.test("Committer fences one of two coordinators, who learns it and stores nothing more", async () => {
  const log = await openLog();
  const [one, other] = [committer(log), committer(log)];
  const stored: string[] = [];
  await one.commit(commit(1), () => stored.push("one"));
  await other.commit(commit(1, 2), () => stored.push("other"));
  await one.settled();
  await assertRejects(() => other.settled(), FencedError, "another coordinator");
  await assertRejects(() => other.commit(commit(2, 2), nothing), FencedError);
  await one.commit(commit(2), () => stored.push("one"));
  await one.settled();
  assertEquals(stored, ["one", "one"]);
  assertEquals(await storedTicks(log), [1, 2]);
});

Deno.test("Committer fences a coordinator that is behind another's commits", async () => {
  const log = await openLog();
  const old = committer(log);
  await old.commit(commit(1), nothing);
  await old.settled();
  await committer(log, 1).commit(commit(2, 2), nothing);
  await old.commit(commit(2), nothing);
  await assertRejects(() => old.settled(), FencedError);
  assertEquals(await storedTicks(log), [1, 2]);
});

Deno.test("Committer.commit() passes on that a commit is too large, to who comes next", async () => {
  const broken: Log = {
    ...bound(await openLog()),
    append: () => Promise.reject(new RangeError("Cannot append: too large")),
  };
  const mine = committer(broken);
  await mine.commit(commit(1), nothing);
  await assertRejects(() => mine.commit(commit(2), nothing), RangeError, "too large");
});

Deno.test("Committer.commit() waits for the receipts of what the tick accepted", async () => {
  const log = await openLog();
  const mine = committer(log);
  const key = { system: "physics", tick: 1, shard: 0, attempt: 0 };
  mine.receipts.begin(1);
  const result = { subject: "x", data: new Uint8Array(1), headers: {}, hasReceipt: true };
  mine.receipts.accept(key, result);
  await mine.commit(commit(1), nothing);
  assertEquals(await storedTicks(log), []);
  mine.receipts.receive(key, true);
  await mine.settled();
  assertEquals(await storedTicks(log), [1]);
});

function bound(log: Log): Log {
  return {
    open: (config) => log.open(config),
    append: (subject, data, options) => log.append(subject, data, options),
    last: (stream, subject) => log.last(stream, subject),
    read: (stream, options) => log.read(stream, options),
    follow: (stream, options) => log.follow(stream, options),
    lastPerSubject: (stream, filter) => log.lastPerSubject(stream, filter),
    subjects: (stream, filter) => log.subjects(stream, filter),
    purge: (stream, options) => log.purge(stream, options),
    info: (stream) => log.info(stream),
  };
}
