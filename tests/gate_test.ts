import { assert, assertEquals } from "@std/assert";
import { Gate } from "../coordinator/gate.ts";

/** How many ticks have passed the gate by now; it counts on while it may. */
function countPasses(gate: Gate): { count: number; isEnough: boolean } {
  const passes = { count: 0, isEnough: false };
  (async () => {
    while (!passes.isEnough) {
      await gate.pass();
      passes.count++;
      if (gate.isOpen) return;
    }
  })();
  return passes;
}

/** Lets every promise that can settle do so. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

Deno.test("Gate.pass() resolves while the gate is open, and waits while it is paused", async () => {
  const gate = new Gate();
  assert(gate.isOpen);
  await gate.pass();
  gate.pause();
  assert(!gate.isOpen);
  const passes = countPasses(gate);
  await settle();
  assertEquals(passes.count, 0);
  gate.open();
  await settle();
  assertEquals(passes.count, 1);
});

Deno.test("Gate.step() lets that many ticks through and stays shut", async () => {
  const gate = new Gate();
  gate.step(3);
  const passes = countPasses(gate);
  await settle();
  assertEquals(passes.count, 3);
  assert(!gate.isOpen);
  gate.step(1);
  await settle();
  assertEquals(passes.count, 4);
});

Deno.test("Gate.pause() takes back the steps that are left", async () => {
  const gate = new Gate();
  gate.step(5);
  await gate.pass();
  gate.pause();
  const passes = countPasses(gate);
  await settle();
  assertEquals(passes.count, 0);
});

Deno.test("Gate.open() leaves no steps over for the next pause", async () => {
  const gate = new Gate();
  gate.step(5);
  gate.open();
  await gate.pass();
  gate.pause();
  const passes = countPasses(gate);
  await settle();
  assertEquals(passes.count, 0);
});
