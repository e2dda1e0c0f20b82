import { assertEquals } from "@std/assert";
import { setImmediate } from "node:timers";
import type { Bus, Message } from "../lib/bus/bus.ts";
import { MemoryNetwork } from "../lib/bus/memory_bus.ts";
import { Registration } from "../lib/runtime/registration.ts";
import { decodeMessage, encodeMessage } from "../lib/wire/codec.ts";
import type { MessageOf, MessageType } from "../lib/wire/messages.ts";
import { SUBJECTS } from "./fake_instance.ts";
import { access, Position, system } from "./graph_fixture.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

const WRITER = system("writer", { write: [access(Position)] });
const HEARTBEAT_MS = 1000;
const SILENCE_MS = 250;

class FakeCoordinator {
  readonly registered: number[] = [];
  readonly descriptors: MessageOf<"SystemDescriptor">[] = [];
  readonly beats: MessageOf<"Heartbeat">[] = [];
  isKnown = true;
  reason: string | undefined;
  readonly #bus: Bus;

  constructor(bus: Bus, readonly epoch: number) {
    this.#bus = bus;
    bus.subscribe(SUBJECTS.register, (message) => {
      this.registered.push(epoch);
      this.descriptors.push(decodeMessage("SystemDescriptor", message));
      this.#reply(message, "RegisterReply", {
        accepted: this.reason === undefined,
        ...(this.reason !== undefined && { reason: this.reason }),
        epoch,
        tick_id: 7,
        heartbeat_ms: HEARTBEAT_MS,
      });
    });
    bus.subscribe(SUBJECTS.heartbeat, (message) => {
      this.beats.push(decodeMessage("Heartbeat", message));
      this.#reply(message, "HeartbeatReply", { known: this.isKnown });
    });
  }

  speak(epoch = this.epoch): void {
    const { data, options } = encodeMessage("Lease", { epoch, tick_id: 7 });
    this.#bus.publish(SUBJECTS.lease, data, options);
  }

  /** Calls back where nobody listens for probes. */
  probe(onGone: () => void): void {
    const reply = this.#bus.createInbox();
    this.#bus.subscribe(reply, ({ noResponders }) => noResponders && onGone());
    const { data, options } = encodeMessage("Probe", {});
    this.#bus.publish(SUBJECTS.probe("writer-1"), data, { ...options, reply });
  }

  #reply<T extends MessageType>({ reply = "" }: Message, type: T, value: MessageOf<T>): void {
    const { data, options } = encodeMessage(type, value);
    this.#bus.publish(reply, data, options);
  }
}

function open() {
  const clock = new VirtualClock();
  const turns: (() => void)[] = [];
  const network = new MemoryNetwork({
    random: () => 0,
    clock,
    defer: (deliver) => void turns.push(deliver),
  });
  const connect = (name: string) =>
    network.connect(name, {
      onError: (error) => {
        throw error;
      },
    });
  const lines: string[] = [];
  let terms = 0;
  const registration = new Registration({
    bus: connect("writer-1").bus,
    clock,
    subjects: SUBJECTS,
    manifest: WRITER,
    instanceId: "writer-1",
    credits: 2,
    report: { info: (line) => lines.push(line), warn: (line) => lines.push(line) },
    vitals: () => ({ load: 0.5, shards: 1, rows: 2, errors: 3, refused: 4 }),
    onTerm: () => terms++,
  });
  const settle = async () => {
    while (true) {
      await new Promise<void>((resolve) => void setImmediate(resolve));
      if (turns.length === 0) return;
      for (const turn of turns.splice(0)) turn();
    }
  };
  const advance = async (ms: number) => {
    clock.advance(ms);
    await settle();
  };
  const lead = (epoch: number) => {
    const { bus, kill } = connect(`coordinator-${epoch}`);
    return Object.assign(new FakeCoordinator(bus, epoch), { kill });
  };
  return { registration, clock, lines, lead, settle, advance, terms: () => terms };
}

Deno.test("Registration.begin() waits for a coordinator, and then gives signs of life", async () => {
  const { registration, lines, lead, settle, advance } = open();
  registration.begin();
  await settle();
  assertEquals(lines, ["waiting for a coordinator"]);
  const coordinator = lead(3);
  await advance(SILENCE_MS);
  assertEquals([coordinator.registered, registration.epoch], [[3], 3]);
  await advance(HEARTBEAT_MS);
  const { instance_id, system, ...vitals } = coordinator.beats[0];
  assertEquals([instance_id, system], ["writer-1", "writer"]);
  assertEquals(vitals, { load: 0.5, shards: 1, rows: 2, errors: 3, refused: 4 });
  await registration.stop();
});

Deno.test("a registration is made anew at once when another coordinator leads, and for no older one", async () => {
  const { registration, lead, settle, terms, clock } = open();
  const old = lead(3);
  registration.begin();
  await settle();
  old.speak();
  await settle();
  assertEquals([old.registered, terms()], [[3], 1]);
  old.kill();
  const next = lead(5);
  next.speak();
  next.speak();
  await settle();
  assertEquals([next.registered, registration.epoch, terms()], [[5], 5, 2]);
  next.speak(4);
  next.speak();
  await settle();
  assertEquals(next.registered, [5]);
  await registration.stop();
  await settle();
  assertEquals(clock.pendingCount, 0);
});

Deno.test("a registration is made anew when the coordinator does not know it, which is no new term", async () => {
  const { registration, lead, settle, advance, terms } = open();
  const coordinator = lead(3);
  registration.begin();
  await settle();
  coordinator.isKnown = false;
  await advance(HEARTBEAT_MS);
  assertEquals([coordinator.registered, terms()], [[3, 3], 1]);
  await registration.stop();
});

Deno.test("a registration that is refused is tried again, and the reason said once", async () => {
  const { registration, lead, lines, settle, advance } = open();
  const coordinator = lead(3);
  coordinator.reason = "its manifest differs";
  registration.begin();
  await settle();
  for (let i = 0; i < 3; i++) await advance(SILENCE_MS);
  assertEquals([coordinator.registered.length, registration.epoch], [4, 0]);
  assertEquals(lines, ["Cannot register: its manifest differs"]);
  coordinator.reason = undefined;
  await advance(SILENCE_MS);
  assertEquals(registration.epoch, 3);
  await registration.stop();
});

Deno.test("a registration listens for probes until it has left, and says that it does", async () => {
  const { registration, lead, settle } = open();
  const coordinator = lead(3);
  registration.begin();
  await settle();
  assertEquals(coordinator.descriptors.map(({ probes }) => probes), [true]);
  let gone = 0;
  const probe = async () => {
    coordinator.probe(() => gone++);
    await settle();
  };
  await probe();
  await registration.stop();
  await probe();
  assertEquals(gone, 0);
  const left = registration.unregister();
  await settle();
  await left;
  await probe();
  assertEquals(gone, 1);
});
