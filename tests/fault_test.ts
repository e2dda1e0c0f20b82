import { assert, assertEquals } from "@std/assert";
import { type Cast, drawFault, type Fault } from "../chaos/fault.ts";
import { tally } from "../chaos/tally.ts";
import { createRandom } from "../lib/random.ts";

const CAST: Cast = {
  server: "server",
  leader: "leader",
  standby: "standby",
  instances: new Map([["a", ["a 1", "a 2"]], ["b", ["b 1"]]]),
};
const DRAWS = 2000;

function draw(cast: Cast, seed: number): Fault[] {
  const random = createRandom(seed);
  return Array.from({ length: DRAWS }, () => drawFault(cast, random));
}

Deno.test("drawFault() draws the same faults from the same seed, and others from another", () => {
  assertEquals(draw(CAST, 7), draw(CAST, 7));
  assert(JSON.stringify(draw(CAST, 7)) !== JSON.stringify(draw(CAST, 8)));
});

Deno.test("drawFault() strikes everybody sooner or later, alone and together", () => {
  const faults = draw(CAST, 1);
  const everybody = ["server", "leader", "standby", "a 1", "a 2", "b 1"];
  assertEquals(new Set(faults.flatMap(({ victims }) => victims)), new Set(everybody));
  assert(faults.every(({ victims }) => victims.length > 0));
  assert(faults.some(({ victims }) => victims.length === everybody.length));
  assertEquals(new Set(faults.map(({ signal }) => signal)), new Set(["SIGKILL", "SIGSTOP"]));
});

Deno.test("drawFault() has no fault for a standby that is not there", () => {
  const faults = draw({ ...CAST, standby: undefined }, 1);
  assert(faults.every(({ victims }) => victims.length > 0 && !victims.includes("standby")));
  assert(!faults.some(({ name }) => /standby|both/.test(name)));
});

Deno.test("tally() has a line for each kind of fault, and one for all", () => {
  const outcomes = [["x", 1], ["y", 10], ["x", 3]] as const;
  const lines = tally(outcomes.map(([fault, ms]) => ({ fault, ms, backMs: 2 * ms })));
  assertEquals(
    lines.map((
      { fault, rounds, median_ms, max_ms, back_median_ms },
    ) => [fault, rounds, median_ms, max_ms, back_median_ms]),
    [["x", 2, 2, 3, 4], ["y", 1, 10, 10, 20], ["all", 3, 3, 10, 6]],
  );
});
