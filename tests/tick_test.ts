import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { componentType, createSchema } from "../lib/ecs/component.ts";
import {
  access,
  COMPONENTS,
  Frozen,
  Mass,
  type Parts,
  Position,
  query,
  system,
  Velocity,
} from "./graph_fixture.ts";
import { SUBJECTS } from "./fake_instance.ts";
import { DEADLINE_MS, HOLDER, openTicks, TickHarness, WRITER } from "./tick_harness.ts";

Deno.test("a tick runs systems without a conflict at the same time, others one after the other", async () => {
  const readVelocity = system("b", { write: [access(Velocity)] });
  const afterA = system("c", { read: [access(Position)], write: [access(Mass)] });
  await using harness = await openTicks([
    system("a", { write: [access(Position)] }),
    readVelocity,
    afterA,
  ]);
  const { ran } = await harness.start(1);
  assertEquals(harness.busy, ["a", "b"]);
  await harness.finish(harness.next("a"));
  assertEquals(harness.busy, ["b", "c"]);
  await harness.finish(harness.next("b"));
  await harness.finish(harness.next("c"));
  await ran;
  assertEquals(await harness.values("Mass", "value"), [1]);
});

Deno.test("a tick never runs two systems at once that conflict, and always runs the others", async () => {
  const parts = fc.record({
    read: fc.subarray([Position, Velocity, Mass]),
    write: fc.subarray([Position, Velocity, Mass], { maxLength: 2 }),
  });
  const names = ["a", "b", "c", "d", "e"];
  const property = fc.asyncProperty(
    fc.array(parts, { minLength: 2, maxLength: 5 }),
    fc.array(fc.nat(1000), { minLength: 5, maxLength: 5 }),
    async (systems, picks) => {
      const written = systems.map(({ write }) => new Set(write));
      const touched = systems.map(({ read, write }) => new Set([...read, ...write]));
      const conflict = (i: number, j: number) =>
        !written[i].isDisjointFrom(touched[j]) || !written[j].isDisjointFrom(touched[i]);
      await using harness = await openTicks(systems.map(({ read, write }, i) => {
        const query: Parts = {
          read: read.filter((component) => !write.includes(component)).map((component) =>
            access(component)
          ),
          write: write.map((component) => access(component)),
          with: [Position],
        };
        return system(names[i], query);
      }));
      const { ran } = await harness.start(1);
      const waiting = new Set(systems.keys());
      for (const pick of picks.slice(0, systems.length)) {
        const busy = harness.busy.map((name) => names.indexOf(name));
        for (const i of busy) waiting.delete(i);
        for (const [at, i] of busy.entries()) {
          for (const j of busy.slice(at + 1)) {
            assert(!conflict(i, j), `${names[i]} and ${names[j]}`);
          }
        }
        for (const i of waiting) {
          // In manifest order: what waits does so for one that it conflicts with.
          const isHeld = [...busy, ...waiting].some((j) => j < i && conflict(i, j));
          assert(isHeld, `${names[i]} waits for nothing`);
        }
        await harness.finish(harness.taken[pick % harness.taken.length]);
      }
      await ran;
      assertEquals(waiting.size, 0);
    },
  );
  await fc.assert(property, { numRuns: 60 });
});

Deno.test("a tick merges what instances return and commits who ran it", async () => {
  await using harness = await openTicks([WRITER], { rows: 3 });
  const { ran } = await harness.start(2);
  await harness.finishAll();
  await ran;
  assertEquals(await harness.values("Position", "x"), [2, 2, 2]);
  const commits = await harness.commits();
  assertEquals(commits.map(({ tick_id }) => tick_id), [1, 2]);
  assertEquals(commits[0].systems, [
    {
      system: "writer",
      missed: 0,
      shards: [{ attempt: 0, instance_id: "writer-1", changed: true }],
    },
  ]);
  const { shards, rows, errors, ticks } = harness.coordinator.stats.system("writer");
  assertEquals({ shards, rows, errors, ticks }, { shards: 2, rows: 6, errors: 0, ticks: 2 });
});

Deno.test("a tick gives a shard to another instance after its deadline, and takes the first result", async () => {
  await using harness = await openTicks([HOLDER]);
  await harness.addInstance(HOLDER, "writer-2");
  const { ran } = await harness.start(1);
  const slow = harness.next("writer");
  await harness.advance(DEADLINE_MS - 1);
  assertEquals(harness.taken.length, 1);
  await harness.advance(1);
  assertEquals(harness.taken.map(({ schedule }) => schedule.attempt), [0, 1]);
  const fast = harness.taken[1];
  assert(fast.instance !== slow.instance);
  await harness.finish(fast);
  await ran;
  await harness.finish(slow);
  assertEquals(await harness.values("Position", "x"), [1]);
  assertEquals(harness.coordinator.stats.system("writer").late, 1);
  const [{ systems: [{ shards }] }] = await harness.commits();
  assertEquals(shards, [{ attempt: 1, instance_id: "writer-2", changed: true }]);
});

Deno.test("a tick takes an earlier attempt's result if that comes first", async () => {
  await using harness = await openTicks([HOLDER]);
  await harness.addInstance(HOLDER, "writer-2");
  const { ran } = await harness.start(1);
  await harness.advance(DEADLINE_MS);
  const [slow, retry] = harness.taken;
  await harness.finish(slow);
  await ran;
  await harness.finish(retry);
  assertEquals(await harness.values("Position", "x"), [1]);
  const [{ systems: [{ shards }] }] = await harness.commits();
  assertEquals(shards, [{ attempt: 0, instance_id: "writer-1", changed: true }]);
});

Deno.test("a tick sends a refused shard to another instance", async () => {
  await using harness = await openTicks([HOLDER]);
  const { ran } = await harness.start(1);
  const { instance } = harness.next("writer");
  instance.refuse(harness.next("writer"));
  await harness.settle();
  await harness.advance(5);
  assertEquals(harness.next("writer").schedule.attempt, 1);
  await harness.finishAll();
  await ran;
  assertEquals(await harness.values("Position", "x"), [1]);
});

Deno.test("a tick sends broadcast sets again to who refuses a shard, but not each time", async () => {
  const reader = system("reader", {
    write: [access(Position, "x")],
    broadcast: query({ read: [access(Position)] }),
  });
  await using harness = await openTicks([{ ...reader, onMiss: "hold" }]);
  const sets: Uint8Array[] = [];
  harness.connect("keeper").bus.subscribe(
    SUBJECTS.componentSet("reader"),
    ({ data }) => sets.push(data),
  );
  const { ran } = await harness.start(1);
  assertEquals(sets.length, 1);
  for (let refusals = 0; refusals < 3; refusals++) {
    const { instance } = harness.next("reader");
    instance.refuse(harness.next("reader"));
    await harness.settle();
    await harness.advance(20);
  }
  assertEquals(sets, [sets[0], sets[0]]);
  await harness.finishAll();
  await ran;
});

Deno.test("a `changed` query is given the world at first, then what others changed", async () => {
  const follower = system("x_follower", {
    read: [access(Position)],
    write: [access(Mass)],
    changed: [Position],
  });
  await using harness = await openTicks([WRITER, follower], { rows: 2 });
  const { ran } = await harness.start(3);
  const followed: number[] = [];
  // The writer changes all rows in tick 1, and none in the ticks after.
  while (harness.taken.length > 0) {
    const [taken] = harness.taken;
    const { system, tick_id, chunks } = taken.schedule;
    if (system === "x_follower") followed.push(tick_id, chunks[0].count);
    if (system === "writer" && tick_id > 1) {
      taken.instance.end(taken);
      await harness.settle();
    } else await harness.finish(taken);
  }
  await ran;
  assertEquals(followed, [1, 2]);
  assertEquals(await harness.values("Mass", "value"), [1, 1]);
});

Deno.test("a tick without systems, or without rows for them, is done at once", async () => {
  await using harness = await TickHarness.open({ systems: [] });
  await (await harness.start(2)).ran;
  assertEquals((await harness.commits()).length, 2);
  await using empty = await openTicks([HOLDER], { rows: 0 });
  await (await empty.start(2)).ran;
  assertEquals(empty.coordinator.stats.system("writer").ticks, 2);
});

Deno.test("a broadcast that does not fit into messages costs its system the tick, and no other", async () => {
  const notes = ["a", "b", "c"];
  const Notes = componentType(
    "Notes",
    notes.map((name) => ({ name, type: "string", default: "" })),
  );
  const ai = {
    ...system("ai", { write: [access(Mass)] }),
    broadcast: new Map([["notes", query({ read: [access(Notes)] })]]),
  };
  await using harness = await TickHarness.open({
    systems: [ai, WRITER],
    schema: createSchema([...COMPONENTS, Notes]),
    entities: [{ Position: {}, Mass: {}, Notes: {} }],
    payloadBytesMax: 16_384,
  });
  const answers = notes.map((name) =>
    harness.command([
      { op: "set", entity: 1, component: "Notes", value: { [name]: "x".repeat(8000) } },
    ])
  );
  await harness.addInstance(ai, "ai-1");
  await harness.addInstance(WRITER, "writer-1");
  await harness.settle();
  // A tick takes one of these commands, so the set is too large from the third tick on.
  const { ran } = await harness.start(4);
  await harness.finishAll();
  await ran;
  await harness.pump(Promise.all(answers));
  assertEquals(harness.coordinator.stats.system("ai").errors, 2);
  assertEquals(await harness.values("Position", "x"), [4]);
});

Deno.test("a tick with a frozen archetype leaves its rows alone", async () => {
  const free = system("writer", { write: [access(Position, "x")], without: [Frozen] });
  await using harness = await openTicks([free], {
    entities: [{ Position: {} }, { Position: {}, Frozen: {} }],
  });
  const { ran } = await harness.start(1);
  await harness.finishAll();
  await ran;
  assertEquals((await harness.values("Position", "x")).toSorted(), [0, 1]);
});
