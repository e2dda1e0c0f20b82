import { assertEquals, assertRejects } from "@std/assert";
import { Committer, FencedError, UncommittedError } from "../coordinator/committer.ts";
import { MemoryNetwork } from "../lib/bus/memory_bus.ts";
import { type Log, WrongLastSequenceError } from "../lib/bus/log.ts";
import type { Report } from "../lib/report.ts";
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

const silent: Report = { info: () => {}, warn: () => {} };

function committer(
  log: Log,
  lastSequence = 0,
  { clock = new VirtualClock(), report = silent } = {},
) {
  return new Committer(log, { clock, report, stream: STREAM, subject: SUBJECT, lastSequence });
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

/** A log whose appends fail as `fail` says, by their number from 0, before or after they store. */
function flaky(log: Log, fail: (append: number) => "before" | "after" | undefined): Log {
  let appends = 0;
  return {
    ...bound(log),
    async append(subject, data, options) {
      const when = fail(appends++);
      if (when === "before") throw new Error("no answer");
      const sequence = await log.append(subject, data, options);
      if (when === "after") throw new Error("no answer");
      return sequence;
    },
  };
}

/** Lets time pass whenever `work` waits for it. */
async function letTimePass<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  let isDone = false;
  work.then(() => isDone = true, () => isDone = true);
  while (!isDone) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (clock.nextAt !== undefined) clock.advance(clock.nextAt - clock.now());
  }
  return await work;
}

Deno.test("Committer.commit() tries again until the log answers, and says so once", async () => {
  const log = await openLog();
  const clock = new VirtualClock();
  const said: string[] = [];
  const say = (line: string) => void said.push(line);
  const report = { info: say, warn: say };
  const mine = committer(flaky(log, (n) => n < 5 ? "before" : undefined), 0, { clock, report });
  await mine.commit(commit(1), nothing);
  await letTimePass(clock, mine.settled());
  assertEquals(await storedTicks(log), [1]);
  assertEquals(said, ["tick 1 waits for the log: no answer", "tick 1 is stored"]);
});

for (const [how, change] of [["with", {}], ["without", { id: undefined }]] as const) {
  Deno.test(`Committer.commit() knows its own commit whose answer was lost, ${how} ids`, async () => {
    const log = await openLog();
    const clock = new VirtualClock();
    const forgetful: Log = {
      ...bound(log),
      append: (subject, data, options) => {
        const { id, ...rest } = { ...options, ...change };
        return log.append(subject, data, id === undefined ? rest : { ...rest, id });
      },
    };
    const mine = committer(flaky(forgetful, (n) => n % 2 === 0 ? "after" : undefined), 0, {
      clock,
    });
    for (const tick of [1, 2, 3]) await letTimePass(clock, mine.commit(commit(tick), nothing));
    await letTimePass(clock, mine.settled());
    assertEquals(await storedTicks(log), [1, 2, 3]);
  });
}

Deno.test("Committer.commit() is not fenced by a try of its own that is under way", async () => {
  const log = await openLog();
  const clock = new VirtualClock();
  let appends = 0;
  const busy: Log = {
    ...bound(log),
    append(subject, data, options) {
      if (appends++ < 2) return Promise.reject(new WrongLastSequenceError("under way"));
      return log.append(subject, data, options);
    },
  };
  const mine = committer(busy, 0, { clock });
  await mine.commit(commit(1), nothing);
  await letTimePass(clock, mine.settled());
  assertEquals([await storedTicks(log), appends], [[1], 3]);
});

Deno.test("Committer.commit() is refused by a log that has lost what it held", async () => {
  const log = await openLog();
  const mine = committer(log);
  await mine.commit(commit(1), nothing);
  await mine.settled();
  await log.purge(STREAM);
  await mine.commit(commit(2), nothing);
  await assertRejects(() => mine.settled(), FencedError, "has lost its newest commits");
});

Deno.test("Committer.abandon() ends the wait for a log that does not answer", async () => {
  const silentLog: Log = { ...bound(await openLog()), append: () => new Promise(() => {}) };
  const mine = committer(silentLog);
  await mine.commit(commit(1), nothing);
  const settled = mine.settled();
  mine.abandon();
  await assertRejects(() => settled, UncommittedError, "stopped before the log had taken it");
});

function bound(log: Log): Log {
  return {
    open: (config) => log.open(config),
    append: (subject, data, options) => log.append(subject, data, options),
    last: (stream, subject) => log.last(stream, subject),
    read: (stream, options) => log.read(stream, options),
    lastPerSubject: (stream, filter) => log.lastPerSubject(stream, filter),
    purge: (stream, options) => log.purge(stream, options),
    info: (stream) => log.info(stream),
  };
}
