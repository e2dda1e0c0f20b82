import { assert, assertEquals, assertMatch } from "@std/assert";
import { poll } from "../chaos/wait.ts";
import type { Message } from "../lib/bus/bus.ts";
import { MemoryNetwork } from "../lib/bus/memory_bus.ts";
import { systemClock } from "../lib/clock.ts";
import { createSchema } from "../lib/ecs/component.ts";
import { createRandom } from "../lib/random.ts";
import { Instance } from "../lib/runtime/instance.ts";
import type { SystemFunction } from "../lib/runtime/system.ts";
import { decodeMessage, encodeMessage } from "../lib/wire/codec.ts";
import type { MessageOf, MessageType } from "../lib/wire/messages.ts";
import { createSubjects } from "../lib/wire/subjects.ts";
import { access, COMPONENTS, Position, system } from "./graph_fixture.ts";

const MANIFEST = system("move", { write: [access(Position)] });
const CREDITS = 2;
const subjects = createSubjects("test");

/** A coordinator that sends what a test wants, and an instance that it talks to. */
class Stage implements AsyncDisposable {
  readonly acks: MessageOf<"TickAck">[] = [];
  readonly refusals: string[] = [];
  registrations = 0;
  epoch = 1;
  readonly #bus;
  readonly #instance: Instance;

  constructor(run: SystemFunction) {
    const network = new MemoryNetwork({ random: createRandom(1) });
    const onError = (error: Error) => {
      throw error;
    };
    this.#bus = network.connect("coordinator", { onError }).bus;
    this.#instance = new Instance({
      ...network.connect("move-1", { onError }),
      clock: systemClock,
      subjects,
      manifests: {
        folder: "/manifests",
        schema: createSchema(COMPONENTS),
        annotations: new Map(),
        systems: [MANIFEST],
        worlds: new Map(),
      },
      manifest: MANIFEST,
      definition: { run },
      instanceId: "move-1",
      credits: CREDITS,
      report: { info: () => {}, warn: () => {} },
    });
  }

  static async open(run: SystemFunction): Promise<Stage> {
    const stage = new Stage(run);
    stage.#listen();
    await stage.#instance.start();
    return stage;
  }

  /** Sends a schedule of no rows past the credits. */
  schedule(tick_id: number, shard = 0): void {
    const attempt = { epoch: this.epoch, tick_id, system: "move", shard, attempt: 0 };
    const value = { ...attempt, dt: 0.1, sets: {}, chunks: [chunk()] };
    const { data, options } = encodeMessage("SystemSchedule", value);
    const reply = "test.refusals";
    this.#bus.publish(subjects.schedule("move", "move-1"), data, { ...options, reply });
  }

  /** Resolves when what was sent has been taken. */
  delivered(): Promise<void> {
    return this.#bus.flush();
  }

  lead(epoch: number): void {
    this.epoch = epoch;
    const { data, options } = encodeMessage("Lease", { epoch, tick_id: 0 }, { epoch });
    this.#bus.publish(subjects.lease, data, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#instance.stop();
    await this.#bus.close();
  }

  #listen(): void {
    this.#bus.subscribe(subjects.register, (message) => {
      this.registrations++;
      const reply = { accepted: true, epoch: this.epoch, tick_id: 0, heartbeat_ms: 60_000 };
      this.#answer(message, "RegisterReply", reply);
    });
    this.#bus.subscribe(
      subjects.heartbeat,
      (message) => this.#answer(message, "HeartbeatReply", { known: false }),
    );
    this.#bus.subscribe(
      subjects.unregister,
      (message) => this.#answer(message, "UnregisterReply", { known: true }),
    );
    this.#bus.subscribe(
      subjects.tickDone,
      (message) => this.acks.push(decodeMessage("TickAck", message)),
    );
    this.#bus.subscribe(
      subjects.componentChanged("move"),
      (message) => {
        const { chunks: _chunks, commands: _commands, ...ack } = decodeMessage(
          "ComponentShard",
          message,
        );
        this.acks.push(ack);
      },
    );
    this.#bus.subscribe(
      "test.refusals",
      (message) => this.refusals.push(decodeMessage("Refusal", message).reason),
    );
  }

  #answer<T extends MessageType>({ reply }: Message, type: T, value: MessageOf<T>): void {
    const { data, options } = encodeMessage(type, value);
    if (reply !== undefined) this.#bus.publish(reply, data, options);
  }
}

function chunk() {
  const zero = () => new Uint8Array(4);
  return {
    archetype: 1n,
    first: 0,
    count: 1,
    columns: { "Position.x": zero(), "Position.y": zero() },
  };
}

Deno.test("an instance runs no shard of a tick that its coordinator has left behind", async () => {
  const ran: number[] = [];
  const first = Promise.withResolvers<void>();
  await using stage = await Stage.open(async ({ tick }) => {
    ran.push(tick);
    if (tick === 1) await first.promise;
  });
  stage.schedule(1, 0);
  await poll("the first shard", () => Promise.resolve(ran.length === 1));
  stage.schedule(1, 1);
  stage.schedule(2);
  await stage.delivered();
  first.resolve();
  await poll("three answers", () => Promise.resolve(stage.acks.length === 3));
  assertEquals(ran, [1, 2]);
  assertEquals(stage.acks.map(({ tick_id }) => tick_id), [1, 1, 2]);
});

Deno.test("an instance refuses schedules beyond what its credits allow for", async () => {
  const FLOOD = 100;
  const gate = Promise.withResolvers<void>();
  await using stage = await Stage.open(() => gate.promise);
  for (let shard = 0; shard < FLOOD; shard++) stage.schedule(1, shard);
  await poll("refusals", () => Promise.resolve(stage.refusals.length > 0));
  gate.resolve();
  await poll(
    "an answer to each",
    () => Promise.resolve(stage.acks.length + stage.refusals.length === FLOOD),
  );
  assertEquals(stage.acks.length, 4 * CREDITS);
  assertMatch(stage.refusals[0], /Cannot take a schedule: 8 are waiting, which is the most/);
});

Deno.test("an instance registers with a new coordinator as soon as it hears of it", async () => {
  await using stage = await Stage.open(() => {});
  assertEquals(stage.registrations, 1);
  stage.lead(1);
  stage.lead(5);
  await poll("a registration", () => Promise.resolve(stage.registrations === 2));
  stage.lead(4);
  stage.lead(5);
  stage.schedule(1);
  await poll("an answer", () => Promise.resolve(stage.acks.length === 1));
  assert(stage.registrations === 2);
});
