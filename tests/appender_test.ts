import { assertEquals, assertRejects } from "@std/assert";
import { Appender } from "../coordinator/appender.ts";
import { MemoryNetwork } from "../lib/bus/memory_bus.ts";
import {
  type Log,
  StreamFullError,
  UnavailableError,
  WrongLastSequenceError,
} from "../lib/bus/log.ts";
import { UserError } from "../lib/user_error.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

const SUBJECT = "x.commit";
const STREAM = "X";
const one = Uint8Array.of(1);
const two = Uint8Array.of(2);

interface Bench {
  readonly log: Log;
  readonly clock: VirtualClock;
  readonly appender: Appender;
  readonly events: string[];
  /** What the next appends do instead; "lost" stores the message and loses the answer. */
  readonly faults: (Error | "lost")[];
}

async function open(): Promise<Bench> {
  const network = new MemoryNetwork({ random: () => 0 });
  const { log } = network.connect("a", {
    onError: (error) => {
      throw error;
    },
  });
  const subjects = ["x.>"];
  await log.open({ name: STREAM, subjects, storage: "memory", bytesMax: 1 << 20, replicas: 1 });
  const faults: Bench["faults"] = [];
  const faulty: Pick<Log, "append" | "last"> = {
    last: (stream, subject) => log.last(stream, subject),
    append: async (subject, data, options) => {
      const fault = faults.shift();
      if (fault instanceof Error) throw fault;
      const sequence = await log.append(subject, data, options);
      if (fault === "lost") throw new UnavailableError("Cannot append: no answer");
      return sequence;
    },
  };
  const clock = new VirtualClock();
  const events: string[] = [];
  const appender = new Appender({
    log: faulty as Log,
    clock,
    stream: STREAM,
    onTrouble: (trouble) => events.push(trouble),
    onRelief: () => events.push("ready"),
  });
  return { log, clock, appender, events, faults };
}

/** Lets time pass until the promise is settled. */
async function wait<T>({ clock, log }: Bench, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  promise.then(() => isSettled = true, () => isSettled = true);
  while (!isSettled) {
    await log.info(STREAM);
    clock.advance(10);
  }
  return await promise;
}

Deno.test("Appender.append() tries again until the log takes the message, and says so once", async () => {
  const bench = await open();
  const full = new StreamFullError("Cannot append: maximum bytes exceeded");
  bench.faults.push(full, full, full, new UnavailableError("Cannot append: no connection"), full);
  assertEquals(await wait(bench, bench.appender.append(SUBJECT, one, {})), 1);
  assertEquals(bench.events, ["full", "down", "full", "ready"]);
  await bench.appender.append(SUBJECT, two, {});
  assertEquals(bench.events.length, 4);
});

Deno.test("Appender.append() finds that a message was stored whose answer was lost", async () => {
  const bench = await open();
  await bench.appender.append(SUBJECT, one, { expectedLastSequence: 0 });
  bench.faults.push("lost");
  const appending = bench.appender.append(SUBJECT, two, { expectedLastSequence: 1 });
  assertEquals(await wait(bench, appending), 2);
  assertEquals((await bench.log.info(STREAM)).messages, 2);
  assertEquals(bench.events, ["down", "ready"]);
});

Deno.test("Appender.append() is refused where others came first, however often it tries", async () => {
  const bench = await open();
  await bench.log.append(SUBJECT, one);
  const append = (expectedLastSequence: number) =>
    bench.appender.append(SUBJECT, two, { expectedLastSequence });
  await assertRejects(() => append(0), WrongLastSequenceError);
  bench.faults.push(new UnavailableError("Cannot append: no answer"));
  await assertRejects(() => wait(bench, append(0)), WrongLastSequenceError);
  // A message that was there before is not taken for this one, however equal.
  await bench.log.append(SUBJECT, two);
  await assertRejects(() => append(0), WrongLastSequenceError);
});

Deno.test("Appender.append() passes on what another attempt cannot mend", async () => {
  const bench = await open();
  bench.faults.push(new RangeError("Cannot append: too large"));
  await assertRejects(() => bench.appender.append(SUBJECT, one, {}), RangeError, "too large");
  assertEquals(bench.events, []);
});

Deno.test("Appender.stop() lets the attempt end that is under way, and no other follow", async () => {
  const bench = await open();
  bench.faults.push(new UnavailableError("Cannot append: no answer"));
  const appending = bench.appender.append(SUBJECT, one, {});
  await bench.log.info(STREAM);
  bench.appender.stop();
  assertEquals(await appending, 1);
  bench.faults.push(new UnavailableError("Cannot append: no answer"));
  await assertRejects(() => bench.appender.append(SUBJECT, one, {}), UserError, "it is lost");
  assertEquals(bench.clock.pendingCount, 0);
});

Deno.test("Appender.append() is not refused by an earlier attempt of its own that is under way", async () => {
  const bench = await open();
  const underWay = new WrongLastSequenceError("Cannot append: another one is being stored");
  bench.faults.push(underWay, underWay);
  const append = bench.appender.append(SUBJECT, one, { expectedLastSequence: 0 });
  assertEquals(await wait(bench, append), 1);
  assertEquals((await bench.log.info(STREAM)).messages, 1);
});
