import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import type { Clock } from "../lib/clock.ts";
import { LOG_REQUEST, PING, SERVER, STREAMS, SUBSCRIBE } from "../lib/bus/memory_link.ts";
import { Draw } from "../sim/draw.ts";
import { NetworkFaults, type NetworkRates } from "../sim/network_faults.ts";
import { ProcessClock } from "../sim/process_clock.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

const ROUGH: NetworkRates = {
  latencyMs: 0.5,
  jitterMs: 5,
  drop: 0.2,
  duplicate: 0.2,
  straggle: 0.3,
  straggleMs: 50,
  isReordering: false,
};

function openNetwork(rates: Partial<NetworkRates> = {}, seed = 1) {
  const clock = new VirtualClock();
  const counts = new Map<string, number>();
  const faults = new NetworkFaults({
    clock,
    draw: new Draw(seed, "network"),
    rates: { ...ROUGH, ...rates },
    count: (kind) => counts.set(kind, (counts.get(kind) ?? 0) + 1),
  });
  /** When a message that is sent now arrives; undefined when it is lost. */
  const send = (subject: string, { from = "a", to = SERVER } = {}) => {
    const message = {
      subject,
      data: new Uint8Array(1),
      headers: {},
      reply: undefined,
      noResponders: false,
    };
    const fault = faults.decide({ from, to, message });
    return fault?.drop ? undefined : clock.now() + (fault?.delayMs ?? 0);
  };
  return { clock, counts, faults, send };
}

/** Sends some messages while time passes, and returns when those that are not lost arrive. */
function arrivals(
  { clock, send }: ReturnType<typeof openNetwork>,
  subjects: readonly string[],
): { subject: string; at: number }[] {
  return subjects.flatMap((subject) => {
    clock.advance(1);
    const at = send(subject);
    return at === undefined ? [] : [{ subject, at }];
  });
}

function isAscending(times: readonly number[]): boolean {
  return times.every((at, i) => i === 0 || at >= times[i - 1]);
}

const SUBJECTS = Array.from({ length: 400 }, (_, i) => i % 3 === 0 ? "x" : "y");

Deno.test("NetworkFaults keeps the order of a link, and of a subject where it reorders", () => {
  const strict = arrivals(openNetwork(), SUBJECTS);
  assert(isAscending(strict.map(({ at }) => at)));
  const loose = arrivals(openNetwork({ isReordering: true }), SUBJECTS);
  assert(!isAscending(loose.map(({ at }) => at)));
  for (const subject of ["x", "y"]) {
    const times = loose.filter((arrival) => arrival.subject === subject).map(({ at }) => at);
    assert(isAscending(times));
  }
});

Deno.test("NetworkFaults neither loses nor overtakes with what a client asks the server for", () => {
  const network = openNetwork({ isReordering: true });
  let newest = 0;
  for (let i = 0; i < 300; i++) {
    network.clock.advance(1);
    newest = Math.max(newest, network.send(i % 2 === 0 ? "x" : "y") ?? 0);
    const at = network.send(i % 3 === 0 ? PING : SUBSCRIBE);
    assert(at !== undefined && at >= newest);
    newest = at;
  }
});

Deno.test("NetworkFaults loses, doubles and delays about as often as it is told to, and counts it", () => {
  const { counts, send } = openNetwork();
  const lost = Array.from({ length: 2000 }, () => send("x")).filter((at) => at === undefined);
  assertEquals(lost.length, counts.get("dropped"));
  assert(Math.abs(lost.length - 400) < 100);
  assert((counts.get("duplicated") ?? 0) > 200 && (counts.get("straggled") ?? 0) > 300);
});

Deno.test("NetworkFaults holds a client's traffic, both ways and for a while", () => {
  const { faults, send } = openNetwork({ drop: 0, straggle: 0 });
  faults.hold("a", 500);
  assert((send("x") ?? 0) >= 500);
  assert((send("x", { from: "b", to: "a" }) ?? 0) >= 500);
  assert((send("x", { from: "b" }) ?? 0) < 10);
});

Deno.test("NetworkFaults takes the streams down and up, and all else goes on", () => {
  const { faults, send } = openNetwork({ drop: 0 });
  faults.setLogDown(true);
  assertEquals(send("x", { to: STREAMS }), undefined);
  assertEquals(send(LOG_REQUEST), undefined);
  assert(send("x") !== undefined);
  faults.setLogDown(false);
  assert(send("x", { to: STREAMS }) !== undefined && send(LOG_REQUEST) !== undefined);
});

Deno.test("NetworkFaults.calm() ends all of it", () => {
  const { faults, counts, send } = openNetwork({ drop: 1, jitterMs: 0 });
  faults.hold("a", 500);
  faults.setLogDown(true);
  faults.calm();
  for (const subject of ["x", LOG_REQUEST]) assertEquals(send(subject), 0.5);
  assertEquals(counts.size, 0);
});

Deno.test("VirtualClock fires in order of time, then of setting, but for what was cancelled", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ delay: fc.nat(20), isCancelled: fc.boolean() }), { maxLength: 60 }),
      (timers) => {
        const clock = new VirtualClock();
        const fired: number[] = [];
        const set = timers.map(({ delay }, i) => clock.after(delay, () => fired.push(i)));
        for (const [i, { isCancelled }] of timers.entries()) if (isCancelled) set[i].cancel();
        const left = timers.map((timer, i) => ({ ...timer, i }))
          .filter(({ isCancelled }) => !isCancelled).toSorted((a, b) => a.delay - b.delay);
        assertEquals([clock.pendingCount, clock.nextAt], [left.length, left[0]?.delay]);
        while (clock.step());
        assertEquals(fired, left.map(({ i }) => i));
        assertEquals([clock.pendingCount, clock.now()], [0, left.at(-1)?.delay ?? 0]);
      },
    ),
  );
});

Deno.test("ProcessClock holds what becomes due while its process stands still, and dies with it", () => {
  const shared = new VirtualClock();
  const clock: Clock & ProcessClock = new ProcessClock(shared);
  const fired: string[] = [];
  clock.after(1, () => fired.push("before"));
  const cancelled = clock.after(5, () => fired.push("cancelled"));
  clock.after(5, () => fired.push("held"));
  clock.after(50, () => fired.push("dead"));
  shared.advance(2);
  clock.pause();
  shared.advance(20);
  cancelled.cancel();
  assertEquals([fired, clock.now()], [["before"], 22]);
  clock.resume();
  shared.advance(0);
  assertEquals(fired, ["before", "held"]);
  clock.kill();
  clock.after(1, () => fired.push("late"));
  shared.advance(100);
  assertEquals([fired, shared.pendingCount], [["before", "held"], 0]);
});
