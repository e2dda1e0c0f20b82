import { assertEquals, assertRejects } from "@std/assert";
import type { Message } from "../lib/bus/bus.ts";
import { type MemoryConnection, MemoryNetwork } from "../lib/bus/memory_bus.ts";
import { type Delivery, type Fault, LOG_REQUEST, PING, SERVER } from "../lib/bus/memory_link.ts";
import type { Clock } from "../lib/clock.ts";
import { bytes, testBusConformance, text } from "./bus_conformance.ts";
import type { TestClient } from "./conformance_case.ts";

/** A full-period generator: what matters is that every run draws the same numbers. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function connect(network: MemoryNetwork, name: string): TestClient & MemoryConnection {
  const errors: { error: Error; subject: string }[] = [];
  const onError = (error: Error, subject: string) => void errors.push({ error, subject });
  return { ...network.connect(name, { onError }), errors };
}

testBusConformance("MemoryNetwork", () => {
  const network = new MemoryNetwork({ random: createRandom(1), payloadBytesMax: 100_000 });
  return Promise.resolve({
    connect: (name) => Promise.resolve(connect(network, name)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

Deno.test("MemoryNetwork picks queue members with the random numbers that it is given", async () => {
  const run = async () => {
    const network = new MemoryNetwork({ random: createRandom(42) });
    const { bus } = connect(network, "a");
    const picks: number[] = [];
    for (let member = 0; member < 3; member++) {
      bus.subscribe("x", () => picks.push(member), { queue: "q" });
    }
    for (let i = 0; i < 20; i++) bus.publish("x", bytes(""));
    await bus.flush();
    return picks;
  };
  assertEquals(await run(), await run());
});

Deno.test("MemoryNetwork delivers when the injected defer says so", () => {
  const turns: (() => void)[] = [];
  const network = new MemoryNetwork({
    random: () => 0,
    defer: (deliver) => void turns.push(deliver),
  });
  const { bus } = connect(network, "a");
  const received: string[] = [];
  bus.subscribe("x", ({ data }) => {
    received.push(text(data));
    if (received.length === 1) bus.publish("x", bytes("3"));
  });
  bus.publish("x", bytes("1"));
  bus.publish("x", bytes("2"));
  assertEquals([received, turns.length], [[], 1]);
  turns.shift()?.();
  assertEquals(received, ["1", "2"]);
  turns.shift()?.();
  assertEquals([received, turns.length], [["1", "2", "3"], 0]);
});

Deno.test("MemoryNetwork lets timers run while messages go to and fro", async () => {
  const { bus } = connect(new MemoryNetwork({ random: () => 0 }), "a");
  const subscription = bus.subscribe("x", () => bus.publish("x", bytes("")));
  bus.publish("x", bytes(""));
  await new Promise<void>((resolve) => setTimeout(resolve, 0));
  subscription.unsubscribe();
  await bus.close();
});

Deno.test("kill() ends a client without handling, sending or settling anything more", async () => {
  const network = new MemoryNetwork({ random: () => 0 });
  const victim = connect(network, "victim");
  const other = connect(network, "other");
  await other.log.open({
    name: "S",
    subjects: ["s.>"],
    storage: "memory",
    bytesMax: 1000,
    replicas: 1,
  });
  const handled: string[] = [];
  const received: string[] = [];
  victim.bus.subscribe("x", ({ data }) => handled.push(text(data)));
  other.bus.subscribe("y", ({ data }) => received.push(text(data)));
  other.bus.publish("x", bytes("on its way"));
  victim.bus.publish("y", bytes("before"));
  let settled = 0;
  const settle = () => settled++;
  victim.bus.request("y", bytes(""), { timeoutMs: 1 }).then(settle, settle);
  victim.log.append("s.1", bytes("")).then(settle, settle);
  victim.kill();
  victim.bus.publish("y", bytes("after"));
  victim.log.append("s.2", bytes("")).then(settle, settle);
  victim.bus.flush().then(settle, settle);
  await other.bus.flush();
  await assertRejects(() => other.bus.request("x", bytes(""), { timeoutMs: 1000 }), Error);
  assertEquals([handled, received, settled], [[], ["before", ""], 0]);
  assertEquals((await other.log.info("S")).messages, 1);
  await victim.bus.close();
});

/** A clock whose timers fire when the test says so. */
function createManualClock(): Clock & { fireAll(): void } {
  const timers = new Set<() => void>();
  return {
    now: () => 0,
    after(_delayMs, callback) {
      timers.add(callback);
      return { cancel: () => void timers.delete(callback) };
    },
    fireAll() {
      for (const callback of timers) callback();
      timers.clear();
    },
  };
}

Deno.test("faults drop, duplicate and delay deliveries", async () => {
  const clock = createManualClock();
  const asked: Pick<Delivery, "from" | "to">[] = [];
  const byText: Record<string, Fault> = {
    drop: { drop: true },
    twice: { duplicate: true },
    late: { delayMs: 10 },
  };
  const network = new MemoryNetwork({
    random: () => 0,
    clock,
    faults: ({ from, to, message }) => {
      if (to === SERVER || message.subject === PING) return undefined;
      asked.push({ from, to });
      return byText[text(message.data)];
    },
  });
  const a = connect(network, "a");
  const b = connect(network, "b");
  const received: string[] = [];
  const take = ({ data }: Message) => void received.push(text(data));
  const subscription = b.bus.subscribe("x", take);
  for (const data of ["late", "drop", "twice", "plain"]) a.bus.publish("x", bytes(data));
  await b.bus.flush();
  assertEquals(received, ["twice", "twice", "plain"]);
  const drained = subscription.drain();
  clock.fireAll();
  await drained;
  assertEquals(received, ["twice", "twice", "plain", "late"]);
  assertEquals(asked, Array.from({ length: 4 }, () => ({ from: "a", to: "b" })));
});

Deno.test("disconnect() loses what is on its way, and reconnect() brings the subscriptions back", async () => {
  const network = new MemoryNetwork({ random: () => 0 });
  const a = connect(network, "a");
  const b = connect(network, "b");
  const received: string[] = [];
  const statuses: string[] = [];
  a.bus.onStatus((status) => statuses.push(status));
  a.bus.subscribe("x", ({ data }) => received.push(text(data)));
  b.bus.publish("x", bytes("on its way"));
  const flushed = a.bus.flush();
  a.disconnect();
  await assertRejects(() => flushed, Error, "it is disconnected");
  await assertRejects(() => a.bus.flush(), Error, "it is disconnected");
  b.bus.publish("x", bytes("meanwhile"));
  a.bus.publish("x", bytes("into the void"));
  await b.bus.flush();
  a.reconnect();
  b.bus.publish("x", bytes("after"));
  await b.bus.flush();
  assertEquals([received, statuses], [["after"], ["disconnected", "reconnected"]]);
});

Deno.test("a credit that was lost with the connection is back with it, and one that was used is not", async () => {
  const network = new MemoryNetwork({ random: () => 0 });
  const a = connect(network, "a");
  const b = connect(network, "b");
  const received: string[] = [];
  const credit = () =>
    a.bus.subscribe("x", ({ data }) => received.push(text(data)), { queue: "q", max: 1 });
  credit();
  b.bus.publish("x", bytes("lost"));
  a.disconnect();
  a.reconnect();
  b.bus.publish("x", bytes("again"));
  await b.bus.flush();
  a.disconnect();
  a.reconnect();
  await assertRejects(() => b.bus.request("x", bytes("none left"), { timeoutMs: 1000 }), Error);
  assertEquals(received, ["again"]);
});

Deno.test("pause() holds what arrives until resume(), in its order", async () => {
  const network = new MemoryNetwork({ random: () => 0 });
  const a = connect(network, "a");
  const b = connect(network, "b");
  const received: string[] = [];
  a.bus.subscribe("x", ({ data }) => received.push(text(data)));
  a.pause();
  for (const data of ["1", "2"]) b.bus.publish("x", bytes(data));
  await b.bus.flush();
  assertEquals(received, []);
  a.resume();
  b.bus.publish("x", bytes("3"));
  await b.bus.flush();
  assertEquals(received, ["1", "2", "3"]);
});

Deno.test("forgetMemory() empties the streams in memory alone", async () => {
  const network = new MemoryNetwork({ random: () => 0 });
  const { bus, log } = connect(network, "a");
  const settings = { bytesMax: 1000, replicas: 1 };
  await log.open({ name: "M", subjects: ["m"], storage: "memory", ...settings });
  await log.open({ name: "F", subjects: ["f"], storage: "file", ...settings });
  for (const subject of ["m", "f"]) bus.publish(subject, bytes(""));
  await bus.flush();
  network.forgetMemory();
  assertEquals([(await log.info("M")).messages, (await log.info("F")).messages], [0, 1]);
});

Deno.test("a request to the log that gets lost fails in time", async () => {
  const clock = createManualClock();
  const network = new MemoryNetwork({
    random: () => 0,
    clock,
    faults: ({ message }) => message.subject === LOG_REQUEST ? { drop: true } : undefined,
  });
  const { log } = connect(network, "a");
  const asked = log.info("S");
  clock.fireAll();
  await assertRejects(() => asked, Error, "No answer");
});
