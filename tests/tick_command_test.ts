import { assert, assertEquals, assertRejects } from "@std/assert";
import { RefusedError } from "../lib/wire/request.ts";
import { HOLDER, openTicks, WRITER } from "./tick_harness.ts";

Deno.test("commands from outside take effect in the next tick, which their answer names", async () => {
  await using harness = await openTicks([HOLDER]);
  const { ran } = await harness.start(2);
  const answer = harness.command([
    { op: "spawn", components: { Position: { x: 5 }, Frozen: {} } },
    { op: "despawn", entity: 99 },
    { op: "despawn", entity: 1 },
  ]);
  await harness.settle();
  assertEquals(harness.next("writer").schedule.chunks[0].count, 1);
  await harness.finish(harness.next("writer"));
  assertEquals(harness.next("writer").schedule.tick_id, 2);
  await harness.finishAll();
  await ran;
  const { tick_id, spawned, refused } = await answer;
  assertEquals([tick_id, spawned, refused.map(({ index }) => index)], [2, [2], [1]]);
  assertEquals(await harness.values("Position", "x"), [6]);
});

Deno.test("a coordinator tells how many requests wait for the end of a tick", async () => {
  await using harness = await openTicks([HOLDER]);
  const { coordinator } = harness;
  const idle = { commands: 0, queries: 0, snapshots: 0 };
  assertEquals(coordinator.waiting, idle);
  const { ran } = await harness.start(2);
  const asked = [
    harness.command([{ op: "spawn", components: {} }]),
    harness.control({ op: "snapshot" }).catch(() => undefined),
  ];
  await harness.settle();
  assertEquals(coordinator.waiting, { ...idle, commands: 1, snapshots: 1 });
  await harness.finishAll();
  await ran;
  await Promise.all(asked);
  assertEquals(coordinator.waiting, idle);
});

Deno.test("commands of systems take effect in shard order, whoever is first", async () => {
  await using harness = await openTicks([HOLDER], { rows: 1024, credits: 2 });
  const { ran } = await harness.start(1);
  const [one, other] = harness.taken;
  const spawn = (kg: number) => ({
    commands: [{ op: "spawn" as const, components: { Mass: { value: kg } } }],
  });
  other.instance.finish(other, spawn(2));
  await harness.settle();
  one.instance.finish(one, spawn(1));
  await harness.settle();
  await ran;
  const masses = await harness.values("Mass", "value");
  assertEquals(masses.filter((value) => value > 0), [1, 2]);
});

Deno.test("commands that are more than a commit has room for are refused", async () => {
  await using harness = await openTicks([WRITER], { payloadBytesMax: 65_536 });
  const spawn = { op: "spawn" as const, components: { Position: { x: 0.1, y: 0.1 } } };
  await assertRejects(
    () => harness.pump(harness.command(new Array(1000).fill(spawn))),
    RefusedError,
    "send them in several messages",
  );
  assertEquals(harness.coordinator.stats.refused, 1);
});

Deno.test("the answer to many commands that fail fits into a message", async () => {
  await using harness = await openTicks([WRITER], { payloadBytesMax: 65_536 });
  const answer = harness.command(new Array(1200).fill({ op: "despawn", entity: 77 }));
  const { ran } = await harness.start(2);
  await harness.finishAll();
  await ran;
  const { refused } = await answer;
  assert(refused.length > 0 && refused.length < 1200);
});
