import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { BusStatus } from "../lib/bus/bus.ts";
import { connectNats } from "../lib/bus/nats_bus.ts";
import {
  checkCopiesVersion,
  checkServerVersion,
  compareVersions,
  COPIES_VERSION_MIN,
} from "../lib/bus/nats_version.ts";
import { UserError } from "../lib/user_error.ts";
import { testBusConformance } from "./bus_conformance.ts";
import type { TestClient } from "./conformance_case.ts";
import { startTestCluster } from "./test_cluster.ts";
import { startTestServer } from "./test_server.ts";

async function connect(servers: string, name: string): Promise<TestClient> {
  const errors: { error: Error; subject: string }[] = [];
  const onError = (error: Error, subject: string) => void errors.push({ error, subject });
  return { ...await connectNats({ servers, name, onError }), errors };
}

testBusConformance("NATS", async () => {
  const server = await startTestServer({ maxPayloadBytes: 1_000_000 });
  return {
    connect: (name) => connect(server.url, name),
    [Symbol.asyncDispose]: () => server.stop(),
  };
});

Deno.test("connectNats() says where it found no server, and what to do", async () => {
  await using server = await startTestServer();
  const { url } = server;
  await server.stop();
  const error = await assertRejects(() => connect(url, "a"), UserError, "Cannot connect to NATS");
  assertEquals([error.message.includes(url), error.message.includes("--nats")], [true, true]);
});

Deno.test("connectNats() reconnects when the server comes back", async () => {
  await using first = await startTestServer();
  const { bus, log } = await connect(first.url, "a");
  const statuses: BusStatus[] = [];
  const reconnected = Promise.withResolvers<void>();
  bus.onStatus((status) => {
    statuses.push(status);
    if (status === "reconnected") reconnected.resolve();
  });
  let received = 0;
  bus.subscribe("x", () => received++);
  await bus.flush();
  await first.stop();
  await using second = await startTestServer({ port: first.port });
  await reconnected.promise;
  bus.publish("x", new Uint8Array(1));
  await bus.flush();
  assertEquals([received, second.port], [1, first.port]);
  await assertRejects(() => log.info("none"), Error, "stream not found");
  await bus.close();
  assertEquals(statuses, ["disconnected", "reconnected", "closed"]);
});

Deno.test("a queue member for one message takes no more than one after a reconnect", async () => {
  const BATCH = 20;
  await using first = await startTestServer();
  const members = await Promise.all(["a", "b"].map((name) => connect(first.url, name)));
  const sender = await connect(first.url, "sender");
  const back = [...members, sender].map(({ bus }) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    bus.onStatus((status) => status === "reconnected" && resolve());
    return promise;
  });
  const taken: string[] = [];
  for (const { bus } of members) {
    bus.subscribe("x", ({ headers }) => taken.push(headers["n"]), { queue: "q", max: 1 });
    await bus.flush();
  }
  await first.stop();
  await using _second = await startTestServer({ port: first.port });
  await Promise.all(back);
  for (const { bus } of members) await bus.flush();
  let bounced = 0;
  sender.bus.subscribe("bounced", ({ noResponders }) => noResponders && bounced++);
  for (let n = 0; n < BATCH; n++) {
    const options = { headers: { n: `${n}` }, reply: "bounced" };
    sender.bus.publish("x", new Uint8Array(1), options);
  }
  await sender.bus.flush();
  for (const { bus } of members) await bus.flush();
  assertEquals(taken.length, members.length);
  assertEquals(bounced, BATCH - members.length);
  await Promise.all([...members, sender].map(({ bus }) => bus.close()));
});

Deno.test("what waits for the log when the server goes is told at once", async () => {
  await using server = await startTestServer();
  const { bus, log } = await connect(server.url, "a");
  Deno.kill(server.pid, "SIGSTOP");
  const append = log.append("x", new Uint8Array(1));
  Deno.kill(server.pid, "SIGKILL");
  await assertRejects(() => append, Error, "no connection to NATS");
  await bus.close();
});

Deno.test("what may be asked twice is asked again when the server is back", async () => {
  await using server = await startTestServer();
  const { bus, log } = await connect(server.url, "a");
  Deno.kill(server.pid, "SIGSTOP");
  const info = log.info("none");
  Deno.kill(server.pid, "SIGKILL");
  await server.exited;
  await using _second = await startTestServer({ port: server.port });
  await assertRejects(() => info, Error, "stream not found");
  await bus.close();
});

Deno.test("a log is read whole that is more than is asked for at a time", async (t) => {
  const [subjects, entryBytes, entries] = [["x", "y"], 900_000, 44];
  await using server = await startTestServer({ maxPayloadBytes: 1_000_000 });
  const { bus, log } = await connect(server.url, "a");
  const common = { storage: "file", bytesMax: 100_000_000, discard: "new", replicas: 1 } as const;
  await log.open({ ...common, name: "large", subjects: ["large.*", "last.>"] });
  for (let i = 0; i < entries; i++) {
    await log.append(`large.${subjects[i % 2]}`, new Uint8Array(entryBytes).fill(i));
  }
  await t.step("by sequence", async () => {
    const seen: number[] = [];
    for await (const { data } of log.read("large")) {
      assert(data.length === entryBytes && data.every((byte) => byte === data[0]));
      seen.push(data[0]);
    }
    assertEquals(seen, Array.from({ length: entries }, (_, i) => i));
  });
  await t.step("the last of each subject", async () => {
    for (let i = 0; i < entries; i++) await log.append(`last.${i}`, new Uint8Array(entryBytes));
    const seen: string[] = [];
    for await (const { subject } of log.lastPerSubject("large", "last.*")) seen.push(subject);
    assertEquals(seen, Array.from({ length: entries }, (_, i) => `last.${i}`));
  });
  await bus.close();
});

Deno.test("a log is read whole whose entries fill what is asked for to the byte", async () => {
  const maxPayloadBytes = 10_000_000;
  // A server counts the subject, too, and where an acknowledgement would go.
  const ack = "$JS.ACK.fit.consumer.1.1.1.1700000000000000000.2";
  const size = maxPayloadBytes - "fit".length - ack.length;
  await using server = await startTestServer({ maxPayloadBytes });
  const { bus, log } = await connect(server.url, "a");
  const config = { storage: "memory", bytesMax: 100_000_000, discard: "new", replicas: 1 } as const;
  await log.open({ ...config, name: "fit", subjects: ["fit"] });
  for (let i = 0; i < 3; i++) await log.append("fit", new Uint8Array(size));
  let count = 0;
  for await (const { data } of log.read("fit")) count += data.length === size ? 1 : 0;
  assertEquals(count, 3);
  await bus.close();
});

Deno.test("a stream keeps the copies that it has, and gets more only of servers that keep them right", async () => {
  await using cluster = await startTestCluster();
  await cluster.addStream({ name: "S", subjects: ["s"], storage: "file" });
  const { bus, log } = await connect(cluster.urls.join(","), "a");
  const config = { name: "S", subjects: ["s"], storage: "file", bytesMax: 5_000_000 } as const;
  assertEquals((await log.open({ ...config, replicas: 1 })).bytesMax, 5_000_000);
  assertEquals(await cluster.copiesOf("S"), 3);
  const other = { ...config, name: "T", subjects: ["t"] };
  await log.open({ ...other, replicas: 1 });
  const isOld = compareVersions(cluster.version, COPIES_VERSION_MIN) < 0;
  const more = log.open({ ...other, replicas: 3 });
  await (isOld ? assertRejects(() => more, UserError, `on nats-server ${cluster.version}`) : more);
  assertEquals(await cluster.copiesOf("T"), isOld ? 1 : 3);
  await bus.close();
});

Deno.test("close() does not wait for a server that is gone", async () => {
  await using server = await startTestServer();
  const { bus } = await connect(server.url, "a");
  const gone = Promise.withResolvers<void>();
  bus.onStatus((status) => status === "disconnected" && gone.resolve());
  await server.stop();
  await gone.promise;
  await bus.close();
});

Deno.test("checkServerVersion() refuses what is older than 2.9.10", () => {
  for (const version of ["2.9.10", "2.9.25", "2.10.0", "v3.0.0", "2.12.0-beta.1"]) {
    checkServerVersion(version);
  }
  for (const version of ["2.9.9", "2.8.30", "1.99.99", "unknown"]) {
    assertThrows(() => checkServerVersion(version), UserError, "2.9.10 or newer");
  }
});

Deno.test("checkCopiesVersion() refuses what is older than 2.9.21", () => {
  for (const version of ["2.9.21", "2.10.0", "v3.0.0"]) checkCopiesVersion(version, 3);
  for (const version of ["2.9.20", "2.9.10", "unknown"]) {
    assertThrows(() => checkCopiesVersion(version, 3), UserError, "Install 2.9.21 or newer");
  }
});
