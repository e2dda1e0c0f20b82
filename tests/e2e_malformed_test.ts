import { assert, assertEquals, assertMatch } from "@std/assert";
import { loadManifests } from "../lib/manifest/load.ts";
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import { createRandom } from "../lib/random.ts";
import { decodeMessage, encodeMessage } from "../lib/wire/codec.ts";
import type { Chunk, MessageType } from "../lib/wire/messages.ts";
import { PROTOCOL_VERSION } from "../lib/wire/protocol.ts";
import { requestMessage } from "../lib/wire/request.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import {
  createProject,
  finalOf,
  Onlooker,
  poll,
  type Project,
  startCoordinator,
  startInstance,
} from "./e2e.ts";
import { malformed, type RawMessage, type Samples } from "./malformed.ts";
import { startTestServer } from "./test_server.ts";
import { TrapInstance, word } from "./trap_instance.ts";

const MESSAGES_PER_SUBJECT = 1000;
/** Of those for what an instance changed: results of attempts that are open. */
const FORGED_RESULTS = 200;
const HZ = 200;
const REQUEST_TIMEOUT_MS = 10_000;
const NOBODY = { epoch: 1, tick_id: 1, system: "nobody", shard: 0, attempt: 0 };
const FORGED = { ...NOBODY, instance_id: "forged", compute_ms: 1 };

/** `move` has a real instance; the test itself is the instance of `trap`. */
function createTrap(): Promise<Project> {
  return createProject({
    "manifests/components.yaml": `
Position: { value: vec3, note: string }
Trap: { value: u32 }
Wind: { value: f32 }
`,
    "manifests/worlds/trap.yaml": `
world: trap
entities:
  - { count: 300, components: { Position: {} } }
  - components: { Trap: {} }
  - components: { Wind: { value: 1 } }
`,
    "manifests/move.yaml": `
system: move
query: { write: [Position] }
broadcast:
  wind: { read: [Wind] }
deadline: 2s
on_miss: hold
`,
    "manifests/trap.yaml": `
system: trap
query: { write: [Trap] }
deadline: 10s
on_miss: hold
`,
    "systems/move.ts": `
import { defineSystem } from "orrery";
import { Position } from "../manifests/components.ts";
export default defineSystem(import.meta, ({ rows }) => {
  const { value } = rows.write(Position);
  for (let i = 0; i < value.length; i++) value[i]++;
});
`,
  });
}

const chunk: Chunk = { archetype: 1n, first: 0, count: 1, columns: { "Trap.value": word(1) } };

interface Target<T extends MessageType> extends Samples<T> {
  readonly subject: string;
}

function target<T extends MessageType>(target: Target<T>): Target<T> {
  return target;
}

/** What the coordinator listens to from instances. */
function memberTargets(subjects: Subjects) {
  const descriptor = {
    protocol: PROTOCOL_VERSION,
    name: "move",
    instance_id: "forged",
    query: "",
    schema_hash: "0",
    credits: 1,
  };
  return [
    target({
      subject: subjects.register,
      type: "SystemDescriptor",
      good: descriptor,
      wrong: ["a.b", "a b", ">", "*"].map((instance_id) => ({ ...descriptor, instance_id })),
    }),
    target({
      subject: subjects.unregister,
      type: "Unregister",
      good: { instance_id: "forged", system: "move" },
      wrong: [],
    }),
    target({
      subject: subjects.heartbeat,
      type: "Heartbeat",
      good: {
        instance_id: "forged",
        system: "move",
        load: 0,
        shards: 0,
        rows: 0,
        errors: 0,
        refused: 0,
      },
      wrong: [],
    }),
    target({
      subject: subjects.componentChanged("move"),
      type: "ComponentShard",
      good: { ...FORGED, system: "move", chunks: [chunk], commands: [] },
      wrong: [{ ...FORGED, chunks: [chunk], commands: [] }],
    }),
    target({
      subject: subjects.tickDone,
      type: "TickAck",
      good: { ...FORGED, system: "move" },
      wrong: [FORGED],
    }),
  ] as const;
}

/** What the coordinator listens to from anybody. */
function openTargets(subjects: Subjects) {
  const spawn = (components: Record<string, Record<string, never>>) => ({
    commands: [{ op: "spawn" as const, components }],
  });
  return [
    target({
      subject: subjects.entityCommand,
      type: "EntityCommand",
      good: spawn({}),
      wrong: [
        spawn({ Nonsense: {} }),
        spawn({ toString: {} }),
        spawn({ Position: { nonsense: 1 as never } }),
        spawn({ Position: { value: [1, 2] as never } }),
        spawn({ Position: { note: 1 as never } }),
        spawn({ Trap: { value: -1 as never } }),
        { commands: [{ op: "set", entity: 1, component: "hasOwnProperty", value: {} }] },
        { commands: [{ op: "remove", entity: -7, component: "Nonsense" }] },
      ],
    }),
    target({
      subject: subjects.control,
      type: "Control",
      good: { op: "status" },
      wrong: [{ op: "rate" }],
    }),
  ] as const;
}

/** What it is asked by anybody. */
function queryTargets(subjects: Subjects) {
  return [
    target({
      subject: subjects.queryRequest,
      type: "QueryRequest",
      good: { query: { read: ["Position"] } },
      wrong: [
        { query: { read: ["Nonsense"] } },
        { query: { read: ["Position.nonsense"] } },
        { query: { read: ["Position"], without: ["constructor"] } },
        { query: { read: ["Position"] }, cursor: "0.-1" },
        { query: {}, where: { op: "=", path: "Position.nonsense", value: 1 } },
        { query: {}, where: { op: "=", path: "Position.value", value: 1 } },
        { query: {}, where: { op: "=", path: "Position.value.9", value: 1 } },
        { query: {}, where: { op: "<", path: "Position.note", value: 1 } },
        { query: {}, where: { op: "contains", path: "Trap.value", value: 1 } },
        { query: {}, where: { op: "=", path: "__proto__.toString", value: "" } },
        { query: {}, sort: [{ by: "Position.value" }] },
        { query: {}, sort: [{ by: "Entity" }], offset: 2 ** 32 - 1 },
        { query: {}, cursor: "0.0", offset: 0 },
        { query: {}, entities: word(1) },
      ],
    }),
    target({
      subject: subjects.queryTrace,
      type: "TraceRequest",
      good: { from_tick: 0, ticks: 1 },
      wrong: [{ from_tick: 2 ** 40 }],
    }),
    target({
      subject: subjects.queryWatch,
      type: "QueryWatch",
      good: { query: { read: ["Trap"] }, deliver: "watcher", lease_ms: 1 },
      wrong: [
        { query: { read: ["Nonsense"] }, deliver: "watcher", lease_ms: 60_000 },
        { query: { read: ["Position"] }, deliver: "all.>", lease_ms: 60_000 },
        { query: { read: ["Position"] }, deliver: "white space", lease_ms: 60_000 },
        { query: { read: ["Position"] }, deliver: ".", lease_ms: 60_000 },
        {
          query: {},
          where: { op: "=", path: "Nonsense.value", value: 1 },
          deliver: "watcher",
          lease_ms: 60_000,
        },
      ],
    }),
  ] as const;
}

/** All that it listens to. */
function coordinatorTargets(subjects: Subjects) {
  return [...memberTargets(subjects), ...openTargets(subjects), ...queryTargets(subjects)];
}

/** What instances of `move` listen to. */
function instanceTargets(subjects: Subjects, epoch: number) {
  const attempt = { epoch, tick_id: 1, system: "move", shard: 0, attempt: 0 };
  const columns = { "Position.value": word(3), "Position.note": [""] };
  const rows = { archetype: 1n, first: 0, count: 1, columns };
  const patch = { rows: word(1), values: word(3) };
  const good = { ...attempt, dt: 1, sets: { wind: 1 }, chunks: [rows] };
  const spoiled = (...chunks: Chunk[]) => ({ ...good, chunks });
  const set = { epoch, system: "move", set: "wind", version: 2 ** 40, part: 0, parts: 2, count: 1 };
  return {
    schedule: target({
      subject: subjects.schedule("move"),
      type: "SystemSchedule",
      good,
      wrong: [
        { ...good, system: "trap" },
        { ...good, sets: {} },
        spoiled({ ...rows, columns: {} }),
        spoiled({ ...rows, count: 2 ** 32 - 1 }),
        spoiled({ ...rows, rows: word(2) }),
        spoiled({ ...rows, columns: { ...columns, "Position.value": word(2) } }),
        spoiled({ ...rows, columns: { ...columns, "Position.value": [1, 2, 3] } }),
        spoiled({ ...rows, columns: { ...columns, "Position.note": word(1) } }),
        spoiled({ ...rows, columns: { ...columns, "Position.note": [1] } }),
        spoiled(rows, { ...rows, columns: {} }),
        { ...spoiled({ ...rows, columns: {} }), range: 5n, base: 1 },
        spoiled({ ...rows, columns: {}, patches: { "Position.value": patch } }),
        { ...spoiled({ ...rows, columns: {}, patches: { "Position.value": patch } }), base: 1 },
      ],
    }),
    set: target({
      subject: subjects.componentSet("move", "wind", 7),
      type: "ComponentSet",
      good: { ...set, columns: { "Wind.value": word(1) } },
      wrong: [
        { ...set, system: "trap", columns: { "Wind.value": word(1) } },
        { ...set, set: "__proto__", columns: { "Wind.value": word(1) } },
        { ...set, part: 2, columns: { "Wind.value": word(1) } },
        { ...set, parts: 2 ** 31, columns: { "Wind.value": word(1) } },
        { ...set, count: 2 ** 31, columns: { "Wind.value": word(1) } },
        { ...set, columns: {} },
        { ...set, columns: { "Wind.value": [1] } },
      ],
    }),
  };
}

function messagesOf<T extends MessageType>(samples: Samples<T>, count: number): RawMessage[] {
  const random = createRandom(42);
  return Array.from({ length: count }, () => malformed(samples, random));
}

function trapOf(systems: readonly SystemManifest[]): SystemManifest {
  const manifest = systems.find(({ name }) => name === "trap");
  assert(manifest);
  return manifest;
}

Deno.test("1,000 malformed messages on each subject are refused, counted and survived", async () => {
  await using project = await createTrap();
  await using server = await startTestServer();
  const meeting = { project, url: server.url };
  await using onlooker = await Onlooker.connect(meeting);
  const { bus, subjects } = onlooker;
  await using coord = startCoordinator(meeting, ["--hz", `${HZ}`]);
  await using instance = startInstance(meeting, "move");
  const [instanceId] = (await instance.line(/registered/)).split(":");
  const { systems } = await loadManifests(project.manifests);
  const trap = new TrapInstance(onlooker, trapOf(systems), FORGED_RESULTS);
  await trap.start();
  const beats = await onlooker.watch(subjects.heartbeat, "Heartbeat");

  let expected = 0;
  for (const { subject, ...samples } of coordinatorTargets(subjects)) {
    const forged = samples.type === "ComponentShard" ? FORGED_RESULTS : 0;
    const count = MESSAGES_PER_SUBJECT - forged;
    for (const { data, headers } of messagesOf(samples as Samples<MessageType>, count)) {
      bus.publish(subject, data, { headers });
    }
    expected += count;
    await poll(`${expected} refused, ${subject} last`, async () => {
      const { refused } = await onlooker.status();
      return refused - trap.forged >= expected;
    });
  }
  expected += FORGED_RESULTS;
  await poll("all forgeries", () => Promise.resolve(trap.forged === FORGED_RESULTS));

  const { schedule, set } = instanceTargets(subjects, (await onlooker.status()).epoch);
  for (const { data, headers } of messagesOf(schedule, MESSAGES_PER_SUBJECT)) {
    const direct = { headers, timeoutMs: REQUEST_TIMEOUT_MS };
    const refusal = await bus.request(subjects.schedule("move", instanceId), data, direct);
    assert(decodeMessage("Refusal", refusal).reason !== "");
    const answer = await poll(
      "an instance that has time",
      () =>
        bus.request(schedule.subject, data, { headers, timeoutMs: REQUEST_TIMEOUT_MS })
          .catch((error) => error.name === "NoRespondersError" ? undefined : Promise.reject(error)),
    );
    assert(decodeMessage("Refusal", answer).reason !== "");
  }
  for (const { data, headers } of messagesOf(set, MESSAGES_PER_SUBJECT)) {
    bus.publish(set.subject, data, { headers });
  }
  await beats.first(
    "a heartbeat with all refusals",
    ({ refused }) => refused >= 3 * MESSAGES_PER_SUBJECT,
  );

  const before = await onlooker.status();
  const after = await poll("ticks that go on", async () => {
    const status = await onlooker.status();
    return status.tick_id > before.tick_id + 20 && status;
  });
  assertEquals(after.refused, expected);
  assertEquals(after.systems.move.errors, 0);
  assertEquals(after.systems.trap.errors, FORGED_RESULTS);
  assertEquals(after.entities, 302);
  assertEquals(beats.seen.at(-1)?.refused, 3 * MESSAGES_PER_SUBJECT);
  coord.kill("SIGINT");
  assertEquals((await finalOf(coord)).entities, 302);
  instance.kill("SIGINT");
  assertEquals(await instance.code(), 0);
  assertMatch(coord.stderr.join("\n"), /more warnings in the second before/);
});

Deno.test("well-formed messages that cannot be answered or committed are survived, too", async () => {
  await using project = await createTrap();
  await using server = await startTestServer();
  const meeting = { project, url: server.url };
  await using onlooker = await Onlooker.connect(meeting);
  const { bus, subjects } = onlooker;
  await using coord = startCoordinator(meeting, ["--hz", `${HZ}`]);
  await coord.line(/is up at/);
  const reply = "all.>";
  const spawn = { op: "spawn" as const, components: { Position: {} } };
  const good = { commands: [spawn] };
  const command = encodeMessage("EntityCommand", good);
  bus.publish(subjects.entityCommand, command.data, { ...command.options, reply });
  const status = encodeMessage("Control", { op: "status" });
  bus.publish(subjects.control, status.data, { ...status.options, reply });
  const note = "x".repeat(bus.payloadBytesMax / 2);
  const huge = { commands: [{ ...spawn, components: { Position: { note } } }] };
  const refusal = await requestMessage(bus, subjects.entityCommand, {
    type: "EntityCommand",
    value: huge,
    replyType: "EntityCommandReply",
    timeoutMs: REQUEST_TIMEOUT_MS,
  }).catch((error) => error);
  assertMatch(`${refusal}`, /RefusedError: Cannot queue the commands: .* send them in several/);
  assertEquals((await onlooker.status()).refused, 1);

  await using _move = startInstance(meeting, "move");
  const { systems } = await loadManifests(project.manifests);
  const trap = new TrapInstance(onlooker, trapOf(systems));
  await trap.start();
  await poll("ticks that go on", async () => (await onlooker.status()).tick_id > 20);
  assertEquals((await onlooker.status()).entities, 303);
});
