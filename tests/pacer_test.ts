import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { Pacer } from "../coordinator/pacer.ts";

const HZ = 50;
const PERIOD_MS = 20;

/** Runs ticks that take `durationsMs`, waiting as the pacer says, and returns when each began. */
function run(pacer: Pacer, durationsMs: readonly number[], now = 0): number[] {
  return durationsMs.map((durationMs) => {
    const startedAt = now + pacer.next(now);
    now = startedAt + durationMs;
    return startedAt;
  });
}

Deno.test("Pacer.next() lets the first tick begin at once, and each other one a period later", () => {
  assertEquals(run(new Pacer(HZ, 0), [0, 5, 19, 20, 1]), [0, 20, 40, 60, 80]);
});

Deno.test("Pacer.next() does not drift over many ticks of a period that is no round number", () => {
  const starts = run(new Pacer(60, 0), new Array(36_001).fill(1));
  assertAlmostEquals(starts[36_000], 600_000, 1e-6);
});

Deno.test("Pacer.next() catches up with a late tick, and is then in time again", () => {
  assertEquals(run(new Pacer(HZ, 0), [70, 1, 1, 1, 1, 1]), [0, 70, 71, 72, 80, 100]);
});

Deno.test("Pacer.next() lets go of what is too late to be caught up with", () => {
  assertEquals(run(new Pacer(HZ, 0), [1000, 1, 1, 1]), [0, 1000, 1020, 1040]);
});

Deno.test("Pacer.restart() begins a schedule of another rate with a tick at once", () => {
  const pacer = new Pacer(HZ, 0);
  run(pacer, [0, 0, 0]);
  pacer.restart(45, 10);
  assertEquals(pacer.hz, 10);
  assertEquals(run(pacer, [0, 0, 0], 45), [45, 145, 245]);
  pacer.restart(300);
  assertEquals(run(pacer, [0, 0], 310), [310, 400]);
});

Deno.test("Pacer.next() never waits at an unlimited rate", () => {
  const pacer = new Pacer(Infinity, 0);
  assertEquals(pacer.periodMs, 0);
  assertEquals(run(pacer, [5, 0, 7]), [0, 5, 5]);
});

Deno.test("Pacer.next() is never early, nor ever waits for longer than a period", () => {
  fc.assert(fc.property(fc.array(fc.nat(300), { maxLength: 60 }), (durationsMs) => {
    const pacer = new Pacer(HZ, 0);
    let now = 0;
    for (const [tick, durationMs] of durationsMs.entries()) {
      const waitMs = pacer.next(now);
      assert(waitMs >= 0 && waitMs <= PERIOD_MS);
      now += waitMs;
      assert(now >= tick * PERIOD_MS, "a tick begins before its time");
      now += durationMs;
    }
  }));
});

Deno.test("Pacer.next() has only so many ticks begin at once after a late one", () => {
  fc.assert(fc.property(fc.nat(10_000), (lateMs) => {
    const starts = run(new Pacer(HZ, 0), [lateMs, ...new Array(20).fill(0)]);
    const behind = starts.filter((startedAt) => startedAt === lateMs).length;
    assert(behind <= 6, `${behind} ticks began at once`);
  }));
});
