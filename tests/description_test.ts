import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { LocalWorld } from "../chaos/undisturbed.ts";
import { describeSchema } from "../coordinator/description.ts";
import { componentType, createSchema } from "../lib/ecs/component.ts";
import { World } from "../lib/ecs/world.ts";
import type { Manifests } from "../lib/manifest/manifest.ts";
import { WatchedRows } from "../lib/query/watched_rows.ts";
import { decodeMessage } from "../lib/wire/codec.ts";
import { isEventTopic, parseEventData } from "../lib/wire/events.ts";
import type { MessageOf, MessageType } from "../lib/wire/messages.ts";
import { RefusedError, requestMessage } from "../lib/wire/request.ts";
import { createSubjects } from "../lib/wire/subjects.ts";
import { createProject, type Project, withLocal } from "./e2e.ts";

const TIMEOUT_MS = 10_000;
const TICKS = 6;
const subjects = createSubjects();

/** \`move\` follows \`steer\` row by row; \`report\` conflicts with nobody, and fails in tick 3. */
function createFleet(): Promise<Project> {
  return createProject({
    "manifests/components.yaml": `
Position: { value: { type: vec3, unit: m }, description: Where it is. }
Velocity: { linear: { type: vec3, unit: m/s, description: How fast it moves. } }
Log: { count: u32, text: { type: string, default: none } }
Anchored: {}
`,
    "manifests/worlds/fleet.yaml": `
world: fleet
entities:
  - count: 40
    components: { Position: {}, Velocity: { linear: [1, 0, 0] } }
  - count: 3
    components: { Log: {}, Anchored: {} }
`,
    "manifests/steer.yaml": `
system: steer
query: { write: [Velocity.linear], read: [Position], without: [Anchored] }
before: [move]
on_miss: hold
`,
    "manifests/move.yaml": `
system: move
query: { read: [Velocity.linear], write: [Position.value], without: [Anchored] }
deadline: 70ms
on_miss: hold
`,
    "manifests/report.yaml": `
system: report
query: { write: [Log.count], with: [Anchored] }
on_miss: hold
`,
    "systems/steer.ts": script(
      "if (tick % 2 === 0) rows.write(Velocity).linear.fill(tick);",
      "Velocity",
    ),
    "systems/move.ts": script(
      "const { value } = rows.write(Position); for (let i = 0; i < value.length; i++) value[i] += 1;",
      "Position",
    ),
    "systems/report.ts": script(
      'if (tick === 3) throw new Error("no ink"); rows.write(Log).count.fill(tick);',
      "Log",
    ),
  });
}

function script(body: string, handle: string): string {
  return `
import { defineSystem } from "orrery";
import { ${handle} } from "../manifests/components.ts";
export default defineSystem(import.meta, ({ rows, tick }) => { ${body} });
`;
}

/** Asks while the world turns, which it only does when it is told to. */
function ask<T extends MessageType, R extends MessageType>(
  { local }: LocalWorld,
  subject: string,
  [type, value, replyType]: readonly [T, MessageOf<T>, R],
): Promise<MessageOf<R>> {
  const { bus } = local.connect("test");
  return requestMessage(bus, subject, { type, value, replyType, timeoutMs: TIMEOUT_MS });
}

async function withFleet(use: (world: LocalWorld) => Promise<void>): Promise<void> {
  await using project = await createFleet();
  await withLocal(project.manifests, {}, use);
}

Deno.test("query.schema tells the components with their defaults, and what archetypes have rows", async () => {
  await withFleet(async (world) => {
    const schema = await ask(world, subjects.querySchema, ["SchemaRequest", {}, "SchemaReply"]);
    assertEquals(schema.world, "fleet");
    const log = schema.components.find(({ name }) => name === "Log");
    assertEquals(log?.fields.map(({ name, type, default: value }) => [name, type, value]), [
      ["count", "u32", 0],
      ["text", "string", "none"],
    ]);
    assertEquals(schema.components.find(({ name }) => name === "Anchored")?.fields, []);
    assertEquals(schema.archetypes, [
      { components: ["Position", "Velocity"], count: 40 },
      { components: ["Anchored", "Log"], count: 3 },
    ]);
    assertEquals(schema.archetype_count, 2);
  });
});

Deno.test("query.schema tells what components.yaml says of components and fields", async () => {
  await withFleet(async (world) => {
    const schema = await ask(world, subjects.querySchema, ["SchemaRequest", {}, "SchemaReply"]);
    const [position, velocity, log] = schema.components;
    assertEquals([position.description, velocity.description], ["Where it is.", undefined]);
    const told = [position, velocity, log].map((
      { fields: [{ unit, description }] },
    ) => [unit, description]);
    assertEquals(told, [["m", undefined], ["m/s", "How fast it moves."], [undefined, undefined]]);
    assertEquals(schema.annotations_left_out, undefined);
  });
});

Deno.test("describeSchema() leaves out what there is no room for, from the end, and says so", () => {
  const heat = componentType("Heat", [{ name: "flow", type: "f32", default: 0 }]);
  const world = new World(createSchema([heat]));
  const annotations = new Map([
    ["Heat", { description: "é".repeat(1000) }],
    ["Heat.flow", { unit: "W/m²", description: "Through the wall." }],
  ]);
  const describe = (payloadBytesMax: number) =>
    describeSchema(world, { annotations, payloadBytesMax });
  const whole = describe(10_000);
  assertEquals(whole.annotations_left_out, undefined);
  assertEquals(whole.components[0].fields[0].unit, "W/m²");
  const short = describe(6_100);
  assertEquals(short.annotations_left_out, 1);
  assertEquals([short.components[0].description?.length, short.components[0].fields[0]], [
    1000,
    { name: "flow", type: "f32", default: 0 },
  ]);
  for (const bytes of [6_000, 1_000, 0]) {
    const { annotations_left_out, components } = describe(bytes);
    assertEquals([annotations_left_out, components[0].description], [2, undefined]);
  }
});

Deno.test("query.graph tells who waits for whom, and over what", async () => {
  await withFleet(async (world) => {
    const { systems, ambiguities } = await ask(world, subjects.queryGraph, [
      "GraphRequest",
      {},
      "GraphReply",
    ]);
    const move = systems.find(({ name }) => name === "move");
    assertEquals(move, {
      name: "move",
      queue: "q.move",
      deadline_ms: 70,
      on_miss: "hold",
      reads: ["Velocity.linear"],
      writes: ["Position.value"],
      after: ["steer"],
      rowwise: ["steer"],
      level: 2,
    });
    const report = systems.find(({ name }) => name === "report");
    assertEquals([report?.after, report?.level, report?.reads], [[], 1, ["Anchored"]]);
    assertEquals(ambiguities, []);
  });
});

Deno.test("query.trace tells where the time of each tick went, shard by shard", async () => {
  await withFleet(async (world) => {
    const trace = (value: MessageOf<"TraceRequest">) =>
      ask(world, subjects.queryTrace, ["TraceRequest", value, "TraceReply"]);
    assertEquals((await trace({})).ticks, []);
    await world.coordinator.run(TICKS);
    const { ticks } = await trace({});
    assertEquals(ticks.map(({ tick_id }) => tick_id), [1, 2, 3, 4, 5, 6]);
    for (const { systems, duration_ms, commit_ms, late, period_ms } of ticks) {
      assertEquals([late, period_ms], [false, 0]);
      assert(duration_ms > 0 && commit_ms !== undefined && commit_ms >= 0);
      assertEquals(systems.map(({ system }) => system).toSorted(), ["move", "report", "steer"]);
      for (const { shards, started_ms, ended_ms, missed, shard_count } of systems) {
        assertEquals([missed, shard_count], [0, shards.length]);
        assert(0 <= started_ms && started_ms <= ended_ms && ended_ms <= duration_ms);
        for (const { ready_ms = NaN, sent_ms = NaN, done_ms = NaN, ...shard } of shards) {
          assert(started_ms <= ready_ms && ready_ms <= sent_ms && sent_ms <= done_ms);
          assert(done_ms <= ended_ms && shard.compute_ms >= 0 && shard.attempts === 1);
        }
      }
    }
    const report = ticks[2].systems.find(({ system }) => system === "report");
    assert(report?.shards.every(({ instance_id }) => instance_id === undefined));
    const move = ticks[2].systems.find(({ system }) => system === "move");
    assertEquals(move?.shards.reduce((sum, { rows }) => sum + rows, 0), 40);
    assertMatch(move?.shards[0].instance_id ?? "", /^move/);

    const idsOf = async (value: MessageOf<"TraceRequest">) =>
      (await trace(value)).ticks.map(({ tick_id }) => tick_id);
    assertEquals(await idsOf({ ticks: 2 }), [5, 6]);
    assertEquals(await idsOf({ from_tick: 2, ticks: 2 }), [2, 3]);
    assertEquals(await idsOf({ from_tick: 7 }), []);
    assertEquals(await idsOf({ from_tick: 0, ticks: 1 }), [1]);
    const future = () => trace({ from_tick: 9 });
    await assertRejects(future, RefusedError, "Cannot trace tick 9: the newest is 6");
  });
});

Deno.test("query.systems tells how instances fare, and each system's newest error", async () => {
  await withFleet(async (world) => {
    await world.coordinator.run(TICKS);
    const { systems, tick_id, tick_ms_p50, tick_ms_p99 } = await ask(world, subjects.querySystems, [
      "SystemsRequest",
      {},
      "SystemsReply",
    ]);
    assertEquals(tick_id, TICKS);
    assert(0 < tick_ms_p50 && tick_ms_p50 <= tick_ms_p99);
    const { report, move } = systems;
    assert(report.errors >= 1 && report.errors <= 3);
    assertEquals([report.ticks, report.skipped, move.errors], [TICKS, 0, 0]);
    assertEquals(report.last_error?.tick_id, 3);
    assertMatch(report.last_error?.text ?? "", /^Error: no ink\n +at .*report\.ts/);
    assertEquals(move.last_error, undefined);
    assertEquals(move.instances.map(({ instance_id, since_tick }) => [instance_id, since_tick]), [
      [world.coordinator.instancesOf("move")[0].id, 0],
    ]);
    assert(move.bytes_sent > 0 && move.bytes_received > 0 && move.compute_ms_per_tick >= 0);
  });
});

Deno.test("the coordinator's events say what went wrong and what was asked of it, as they are documented", async () => {
  await withFleet(async (world) => {
    const { bus } = world.local.connect("listener");
    const events: [topic: string, data: unknown][] = [];
    bus.subscribe(subjects.event(">"), (message) => {
      const { topic, data } = decodeMessage("Event", message);
      assert(isEventTopic(topic) && parseEventData(topic, data) !== undefined, topic);
      events.push([topic, data]);
    });
    await bus.flush();
    const control = (value: MessageOf<"Control">) =>
      ask(world, subjects.control, ["Control", value, "ControlReply"]);
    await world.coordinator.run(4);
    await control({ op: "pause" });
    await control({ op: "step", ticks: 2 });
    await control({ op: "rate", hz: 30 });
    await control({ op: "resume" });
    await bus.flush();
    const errors = events.filter(([topic]) => topic === "system.error").map(([, data]) => data);
    // One for each of its shards, of which there are more where the machine is slow.
    assert(errors.length >= 1 && errors.length <= 3);
    for (const data of errors) {
      const error = parseEventData("system.error", data);
      assertEquals(error?.system, "report");
      assertMatch(error?.error ?? "", /^Error: no ink\n +at /);
    }
    assertEquals(events.filter(([topic]) => topic.startsWith("control.")), [
      ["control.paused", {}],
      ["control.stepped", { ticks: 2 }],
      ["control.rate", { hz: 30 }],
      ["control.resumed", {}],
    ]);
  });
});

Deno.test("a watch of a world that is paused is told its rows", async () => {
  await withFleet(async (world) => {
    const { bus } = world.local.connect("watcher");
    const schema = await ask(world, subjects.querySchema, ["SchemaRequest", {}, "SchemaReply"]);
    const rows = new WatchedRows(new Map(schema.components.map((each) => [each.name, each])));
    const told = Promise.withResolvers<void>();
    bus.subscribe("watcher", (message) => {
      rows.apply(decodeMessage("QueryDelta", message));
      told.resolve();
    });
    const value: MessageOf<"QueryWatch"> = {
      query: { read: ["Log.text"] },
      where: { op: "=", path: "Log.text", value: "none" },
      deliver: "watcher",
      lease_ms: TIMEOUT_MS,
      components: true,
    };
    await ask(world, subjects.queryWatch, ["QueryWatch", value, "QueryWatchReply"]);
    await told.promise;
    assertEquals([rows.tick, rows.isWhole, [...rows.rows.keys()]], [0, true, [41, 42, 43]]);
    assertEquals(rows.rows.get(41)?.components, ["Anchored", "Log"]);
  });
});

Deno.test("systems and traces are told while a tick waits for somebody who does not come", async () => {
  await using project = await createFleet();
  const change = (manifests: Manifests): Manifests => ({
    ...manifests,
    systems: manifests.systems.map((system) => ({ ...system, instances: 0 })),
  });
  await withLocal(project.manifests, { change }, async (world) => {
    const running = world.coordinator.run(1);
    const { systems, tick_id } = await ask(world, subjects.querySystems, [
      "SystemsRequest",
      {},
      "SystemsReply",
    ]);
    assertEquals([tick_id, systems.move.instances], [0, []]);
    const { ticks } = await ask(world, subjects.queryTrace, ["TraceRequest", {}, "TraceReply"]);
    assertEquals(ticks, []);
    world.coordinator.stop({ abandon: true });
    await running;
  });
});
