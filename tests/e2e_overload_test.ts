import { assert, assertEquals, assertMatch } from "@std/assert";
import { decodePayload, encodeMessage } from "../lib/wire/codec.ts";
import type { MessageOf, MessageType } from "../lib/wire/messages.ts";
import {
  createProject,
  finalOf,
  type Meeting,
  Onlooker,
  poll,
  Program,
  type Project,
  REPOSITORY,
  runLocal,
  startCoordinator,
  startInstance,
  upTo,
} from "./e2e.ts";
import { startTestServer } from "./test_server.ts";

const MEBIBYTE = 1024 * 1024;
const HZ = 30;

function createField(entities: number): Promise<Project> {
  return createProject({
    "manifests/components.yaml": `
Position: { value: vec3 }
Note: { text: string }
`,
    "manifests/worlds/field.yaml": `
world: field
entities:
  - components: { Note: {} }
  - { count: ${entities}, components: { Position: {} } }
`,
    "manifests/move.yaml": `
system: move
query: { write: [Position] }
deadline: 400ms
on_miss: hold
`,
    "systems/move.ts": `
import { defineSystem } from "orrery";
import { Position } from "../manifests/components.ts";

export default defineSystem(import.meta, ({ rows }) => {
  const { value } = rows.write(Position);
  for (let i = 0; i < value.length; i++) value[i] += 1;
});
`,
  });
}

/** Sends many of a message, and keeps what each is answered. */
class Flood {
  readonly answers: { readonly type: string; readonly reason: string | undefined }[] = [];
  readonly #onlooker: Onlooker;
  readonly #reply: string;
  sent = 0;

  constructor(onlooker: Onlooker) {
    this.#onlooker = onlooker;
    this.#reply = onlooker.bus.createInbox();
    onlooker.bus.subscribe(this.#reply, ({ headers, data }) => {
      const type = headers["msg-type"];
      const reason = type === "Refusal" ? decodePayload("Refusal", data).reason : undefined;
      this.answers.push({ type, reason });
    });
  }

  async send<T extends MessageType>(
    subject: string,
    type: T,
    values: Iterable<MessageOf<T>>,
  ): Promise<void> {
    const { bus } = this.#onlooker;
    for (const value of values) {
      const { data, options } = encodeMessage(type, value);
      bus.publish(subject, data, { ...options, reply: this.#reply });
      this.sent++;
    }
    await bus.flush();
  }

  count(type: string): number {
    return this.answers.filter((answer) => answer.type === type).length;
  }

  /** Resolves when so many have been answered. */
  async answered(count: number): Promise<void> {
    await poll(`${count} answers`, () => Promise.resolve(this.answers.length >= count));
    assertEquals(this.answers.length, count);
  }

  get reasons(): string {
    return this.answers.map(({ reason }) => reason ?? "").join("\n");
  }
}

async function startWorld(
  meeting: Meeting,
  args: readonly string[] = [],
): Promise<{ coord: Program; onlooker: Onlooker } & AsyncDisposable> {
  const onlooker = await Onlooker.connect(meeting);
  const coord = startCoordinator(meeting, ["--hz", `${HZ}`, ...args]);
  await coord.line(/is up at/);
  return {
    coord,
    onlooker,
    async [Symbol.asyncDispose]() {
      await coord[Symbol.asyncDispose]();
      await onlooker[Symbol.asyncDispose]();
    },
  };
}

Deno.test("what waits for a tick is bounded, and who comes too late is told so", async () => {
  const COMMANDS = 40;
  const COMMAND_BYTES = 3 * MEBIBYTE;
  const QUERIES = 300;
  const QUERIES_WAITING = 256;
  const WATCHES = 300;
  await using project = await createField(100);
  await using server = await startTestServer();
  const meeting = { project, url: server.url };
  await using world = await startWorld(meeting);
  const { onlooker } = world;
  const { subjects } = onlooker;
  // Nobody runs the system, so the first tick does not end.
  await world.coord.line(/tick 1 waits for move/);

  const queries = new Flood(onlooker);
  const query = { read: ["Position"] };
  await queries.send(
    subjects.queryRequest,
    "QueryRequest",
    upTo(QUERIES).map(() => ({ query, limit: 1 })),
  );
  await queries.answered(QUERIES - QUERIES_WAITING);
  assertMatch(queries.reasons, /Cannot take the query: too many wait; try again later/);

  const watches = new Flood(onlooker);
  const watch = (i: number) => ({ query, deliver: `watch.${i}`, lease_ms: 1000 });
  await watches.send(subjects.queryWatch, "QueryWatch", upTo(WATCHES).map(watch));
  await watches.answered(WATCHES);
  assertEquals(watches.count("QueryWatchReply"), 256);
  assertMatch(watches.reasons, /256 watches are open, which is the most/);

  const commands = new Flood(onlooker);
  const value = { text: "x".repeat(COMMAND_BYTES) };
  const command = { op: "set", entity: 1, component: "Note", value } as const;
  await commands.send(
    subjects.entityCommand,
    "EntityCommand",
    upTo(COMMANDS).map(() => ({ commands: [command] })),
  );
  const queued = Math.ceil(64 * MEBIBYTE / COMMAND_BYTES);
  await commands.answered(COMMANDS - queued);
  assertMatch(commands.reasons, /Cannot queue the commands: too many wait; try again later/);

  await using _instance = startInstance(meeting, "move");
  await queries.answered(QUERIES);
  await commands.answered(COMMANDS);
  assertEquals(queries.count("QueryResponse"), QUERIES_WAITING);
  assertEquals(commands.count("EntityCommandReply"), queued);
});

Deno.test("ticks go on through a flood of everything, and the world is the same", async () => {
  const FLOOD = 5000;
  const ENTITIES = 2000;
  await using project = await createField(ENTITIES);
  await using server = await startTestServer();
  const meeting = { project, url: server.url };
  await using world = await startWorld(meeting);
  const { coord, onlooker } = world;
  const { subjects } = onlooker;
  const ticks = await onlooker.watch(subjects.tick, "TickStart");
  await using _instance = startInstance(meeting, "move");
  await ticks.first("a tick", ({ tick_id }) => tick_id === 10);

  const flood = new Flood(onlooker);
  const registration = {
    protocol: 1,
    name: "move",
    instance_id: "stranger",
    query: "",
    schema_hash: "x",
    credits: 1,
  };
  const beat = { system: "move", load: 0, shards: 0, rows: 0, errors: 0, refused: 0 };
  const strangers = upTo(FLOOD).map((i) => ({ ...beat, instance_id: `stranger-${i}` }));
  await flood.send(subjects.heartbeat, "Heartbeat", strangers);
  await flood.send(subjects.register, "SystemDescriptor", upTo(FLOOD).map(() => registration));
  await flood.send(
    subjects.queryRequest,
    "QueryRequest",
    upTo(FLOOD).map(() => ({ query: { read: ["Position"] } })),
  );
  const event = { topic: "noise", tick_id: 0, source: "test", data: null };
  for (let i = 0; i < FLOOD; i++) {
    const { data, options } = encodeMessage("Event", event);
    onlooker.bus.publish(subjects.event("noise"), data, options);
    onlooker.bus.publish(subjects.tickDone, new Uint8Array(9), options);
  }
  await flood.answered(flood.sent);
  assertEquals(flood.count("HeartbeatReply"), FLOOD);
  assertEquals(flood.count("RegisterReply"), FLOOD);
  assert(flood.count("QueryResponse") > 0);
  const since = ticks.seen.at(-1)?.tick_id ?? 0;
  await ticks.first("ticks after the flood", ({ tick_id }) => tick_id === since + HZ);
  const status = await onlooker.status();
  assert(status.refused >= FLOOD, `${status.refused} refused`);
  assertEquals([status.systems.move.errors, status.systems.move.instances], [0, 1]);

  coord.kill("SIGINT");
  const final = await finalOf(coord);
  assertEquals(final, await runLocal(project.manifests, final.ticks, { hz: HZ }));
});

Deno.test("a watcher that stops reading is dropped by its server, and holds up nobody", async () => {
  const ENTITIES = 20_000;
  const TICKS_AFTER = 150;
  await using project = await createField(ENTITIES);
  // What the server keeps for one client is a multiple of this.
  await using server = await startTestServer({ maxPayloadBytes: MEBIBYTE / 2 });
  const meeting = { project, url: server.url };
  await using world = await startWorld(meeting, ["--max-speed"]);
  const { coord, onlooker } = world;
  const ticks = await onlooker.watch(onlooker.subjects.tick, "TickStart");
  await using _instance = startInstance(meeting, "move");
  const script = `${REPOSITORY}tests/watcher_main.ts`;
  const args = ["run", "-A", "-q", "--config", `${REPOSITORY}deno.json`, script];
  await using watcher = new Program(Deno.execPath(), [...args, server.url, "Position"]);
  await watcher.line(/^tick \d+/);
  watcher.kill("SIGSTOP");
  const stopped = ticks.seen.at(-1)?.tick_id ?? 0;
  const end = stopped + TICKS_AFTER;
  await ticks.first("ticks while the watcher is stopped", ({ tick_id }) => tick_id >= end);
  watcher.kill("SIGCONT");
  await watcher.line(/^disconnected$/);
  await watcher.line(/^reconnected$/);
  await poll("the watcher to be served again", () => {
    const back = watcher.stdout.indexOf("reconnected");
    return Promise.resolve(watcher.stdout.slice(back).some((line) => /^tick \d+/.test(line)));
  });
  coord.kill("SIGINT");
  const final = await finalOf(coord);
  assert(final.ticks >= end);
});
