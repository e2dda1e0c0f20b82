import { assert, assertEquals, assertMatch } from "@std/assert";
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import { HOLDER, openTicks, WRITER } from "./tick_harness.ts";

/** So long that nothing in these tests waits for it. */
const DEADLINE_MS = 60_000;
const PROBE_MS = 100;
const GRACE_MS = 2000;
const PATIENT: SystemManifest = { ...HOLDER, deadlineMs: DEADLINE_MS };

Deno.test("a shard goes to another instance as soon as the connection of its own is gone", async () => {
  await using harness = await openTicks([PATIENT]);
  await harness.addInstance(PATIENT, "writer-2");
  const { ran } = await harness.start(1);
  harness.kill("writer-1");
  await harness.advance(PROBE_MS);
  assertEquals(harness.taken.map(({ schedule }) => schedule.attempt), [0, 1]);
  await harness.finish(harness.taken[1]);
  await ran;
  const [{ systems: [{ shards }] }] = await harness.commits();
  assertEquals(shards, [{ attempt: 1, instance_id: "writer-2", changed: true }]);
  assertMatch(harness.lines.join("\n"), /writer-1's connection is gone; its shards go to others/);
  assertEquals(harness.events, ["system.up writer", "system.up writer", "system.down writer"]);
  assertEquals(harness.coordinator.instancesOf("writer").map(({ id }) => id), ["writer-2"]);
});

Deno.test("an instance that takes its time is left alone while it is connected", async () => {
  await using harness = await openTicks([PATIENT]);
  const { ran } = await harness.start(1);
  for (let i = 0; i < 20; i++) await harness.advance(PROBE_MS);
  assertEquals(harness.taken.length, 1);
  assertEquals(harness.events, ["system.up writer"]);
  await harness.finishAll();
  await ran;
});

Deno.test("a tick goes on under skip as soon as the connection of the last instance is gone", async () => {
  await using harness = await openTicks([{ ...WRITER, deadlineMs: DEADLINE_MS }]);
  const { ran } = await harness.start(1);
  harness.kill("writer-1");
  await harness.advance(PROBE_MS);
  await ran;
  assertEquals(harness.coordinator.stats.system("writer").skipped, 1);
});

Deno.test("an instance whose connection was only broken may still answer, and comes again", async () => {
  await using harness = await openTicks([PATIENT]);
  const { ran } = await harness.start(2);
  const [taken] = harness.taken;
  harness.disconnect("writer-1");
  await harness.advance(PROBE_MS);
  assertEquals(harness.coordinator.instancesOf("writer"), []);
  harness.reconnect("writer-1");
  await harness.finish(taken);
  assertEquals(harness.coordinator.tickNumber, 1);
  taken.instance.join(1);
  await harness.settle();
  await harness.finishAll();
  await ran;
  assertEquals(await harness.values("Position", "x"), [2]);
  const { late, skipped } = harness.coordinator.stats.system("writer");
  assertEquals({ late, skipped }, { late: 0, skipped: 0 });
});

Deno.test("who has not connected again yet is not gone while the coordinator has just done so itself", async () => {
  await using harness = await openTicks([PATIENT]);
  await harness.addInstance(PATIENT, "writer-2");
  const { ran } = await harness.start(1);
  const clients = ["coordinator", "writer-1", "writer-2"];
  for (const client of clients) harness.disconnect(client);
  await harness.advance(PROBE_MS);
  harness.reconnect("writer-2");
  harness.reconnect("coordinator");
  // The shard goes out again, and the other instance takes its time.
  await harness.advance(GRACE_MS - PROBE_MS);
  assertEquals(harness.taken.length, 2);
  const gone = () => harness.lines.filter((line) => /gone/.test(line));
  assertEquals(gone(), []);
  await harness.advance(2 * PROBE_MS);
  assertEquals(gone().length, 1);
  assert(gone()[0].startsWith("writer-1's"));
  await harness.finishAll();
  await ran;
});
