import { assertEquals } from "@std/assert";
import { Probes, type Run, type Suspect, suspects } from "../coordinator/probes.ts";
import type { Bus, BusStatus, MessageHandler } from "../lib/bus/bus.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";
import { SUBJECTS } from "./fake_instance.ts";

const PROBE_MS = 100;
const GRACE_MS = 2000;

/** An instance of "ai" that listens for probes and has been silent from the beginning. */
function suspect(id: string, parts: Partial<Suspect> = {}): Suspect {
  return { id, probes: true, seenAt: 0, probedAt: -Infinity, ...parts };
}

/** A run in which `holders` have had shards since `sentAt`. */
function run(holders: readonly (string | undefined)[], { system = "ai", sentAt = 0 } = {}): Run {
  return { system, awaited: (time) => new Set(sentAt <= time ? holders : []) };
}

function idsOf(found: readonly Suspect[]): string[] {
  return found.map(({ id }) => id);
}

Deno.test("suspects() has who may hold a shard that has been out for a while", () => {
  const instancesOf = (system: string) => [suspect(`${system}-1`), suspect(`${system}-2`)];
  const at = (now: number, ...runs: Run[]) => idsOf(suspects(runs, instancesOf, now));
  assertEquals(at(PROBE_MS, run([])), []);
  assertEquals(at(PROBE_MS, run(["ai-2", "stranger"])), ["ai-2"]);
  assertEquals(at(PROBE_MS - 1, run(["ai-2"])), []);
  assertEquals(at(PROBE_MS, run(["ai-2"], { sentAt: 1 })), []);
  assertEquals(at(PROBE_MS, run(["ai-2", undefined])), ["ai-1", "ai-2"]);
  const physics = run([undefined], { system: "physics" });
  assertEquals(at(PROBE_MS, run(["ai-1"]), physics), ["ai-1", "physics-1", "physics-2"]);
});

Deno.test("suspects() has nobody who does not listen for probes, or has been heard of", () => {
  const instances = [
    suspect("deaf", { probes: false }),
    suspect("alive", { seenAt: 1 }),
    suspect("silent"),
  ];
  assertEquals(idsOf(suspects([run([undefined])], () => instances, PROBE_MS)), ["silent"]);
});

Deno.test("suspects() has a bounded number, and each of them in its turn", () => {
  const instances = Array.from({ length: 600 }, (_, i) => suspect(`ai-${i}`));
  const probed = new Set<string>();
  for (let round = 1; round <= 3; round++) {
    const now = round * PROBE_MS;
    const found = suspects([run([undefined])], () => instances, now);
    assertEquals(found.length, 256);
    for (const instance of found) {
      instance.probedAt = now;
      probed.add(instance.id);
    }
  }
  assertEquals(probed.size, instances.length);
});

/** Probes one instance, which holds a shard; what the server says is the test's business. */
function open() {
  const clock = new VirtualClock();
  const instance = { ...suspect("ai-1") };
  const replies: string[] = [];
  const gone: string[] = [];
  let answer: MessageHandler = () => {};
  let setStatus: (status: BusStatus) => void = () => {};
  const bus: Pick<Bus, "publish" | "subscribe" | "createInbox" | "onStatus"> = {
    createInbox: () => "inbox",
    publish: (subject, _, options) => {
      assertEquals(subject, SUBJECTS.probe("ai-1"));
      replies.push(options?.reply ?? "");
    },
    subscribe: (_, handler) => {
      answer = handler;
      return { unsubscribe() {}, drain: () => Promise.resolve() };
    },
    onStatus: (handler) => setStatus = handler,
  };
  const probes = new Probes({
    bus,
    clock,
    subjects: SUBJECTS,
    runs: () => [run(["ai-1"])],
    instancesOf: () => [instance],
    instance: (id) => id === instance.id ? instance : undefined,
    onGone: ({ id }) => gone.push(id),
  });
  probes.begin();
  return {
    clock,
    instance: instance as { seenAt: number },
    replies,
    gone,
    answer: (noResponders: boolean, subject = "inbox.ai-1") =>
      answer({ subject, data: new Uint8Array(0), headers: {}, noResponders }),
    setStatus: (status: BusStatus) => setStatus(status),
    stop: () => probes.stop(),
  };
}

Deno.test("Probes asks again and again, and believes the server alone", () => {
  const { clock, replies, gone, answer, stop } = open();
  clock.advance(3 * PROBE_MS);
  assertEquals(replies, ["inbox.ai-1", "inbox.ai-1", "inbox.ai-1"]);
  answer(false);
  answer(true, "inbox.stranger");
  assertEquals(gone, []);
  answer(true);
  assertEquals(gone, ["ai-1"]);
  stop();
  assertEquals(clock.pendingCount, 0);
});

Deno.test("Probes takes nobody for gone who has been heard of since it asked", () => {
  const { clock, instance, gone, answer } = open();
  clock.advance(PROBE_MS);
  instance.seenAt = PROBE_MS + 1;
  answer(true);
  assertEquals(gone, []);
});

Deno.test("Probes asks nobody, and believes nothing, until others had time to connect again", () => {
  const { clock, replies, gone, answer, setStatus } = open();
  clock.advance(PROBE_MS);
  setStatus("disconnected");
  clock.advance(10 * GRACE_MS);
  setStatus("reconnected");
  clock.advance(GRACE_MS - 1);
  answer(true);
  assertEquals([replies.length, gone], [1, []]);
  clock.advance(PROBE_MS);
  answer(true);
  assertEquals([replies.length, gone], [2, ["ai-1"]]);
});
