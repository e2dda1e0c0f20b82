import { assert, assertEquals, assertMatch } from "@std/assert";
import { SEEDS_THAT_FAILED } from "./sim_seeds.ts";
import type { SystemFunction } from "../lib/runtime/system.ts";
import { createScenario } from "../sim/scenario.ts";
import { isFailure, runSeed } from "../sim/seed_run.ts";
import { describeFailure, Tally } from "../sim/tally.ts";

const NEW_SEEDS = 250;

Deno.test("a seed gives the same run each time, event by event", async () => {
  for (const seed of [3, 7, 11]) {
    const [one, other] = [await runSeed(seed), await runSeed(seed)];
    assert(!isFailure(one), isFailure(one) ? describeFailure(one) : "");
    assert(one.events > 100);
    assertEquals(one, other);
  }
  const [three, seven] = [await runSeed(3), await runSeed(7)];
  assert(!isFailure(three) && !isFailure(seven) && three.trace !== seven.trace);
});

Deno.test("a seed gives the same run whether somebody watches it or not", async () => {
  const lines: string[] = [];
  assertEquals(await runSeed(5, { onLine: (line) => lines.push(line) }), await runSeed(5));
  assertMatch(lines.join("\n"), /components\.yaml: C0: [^]*\n +\d+\.\d\d {2}tick: 1 of term /);
});

Deno.test("seeds that once failed do not fail any more", async () => {
  for (const { seed, bug, hasSnapshots = false } of SEEDS_THAT_FAILED) {
    const outcome = await runSeed(seed, { hasSnapshots });
    assert(!isFailure(outcome), `${bug}: ${isFailure(outcome) ? describeFailure(outcome) : ""}`);
  }
});

// Others each time; a failure says which.
const first = crypto.getRandomValues(new Uint32Array(1))[0] + 1;
Deno.test(`${NEW_SEEDS} new seeds from ${first} on do not fail`, async () => {
  const tally = new Tally();
  for (let seed = first; seed < first + NEW_SEEDS; seed++) tally.add(await runSeed(seed));
  assertEquals(tally.failures, [], tally.summary(0));
});

Deno.test("an instance that computes something else is found out, by the same seed each time", async () => {
  const tamper = (script: SystemFunction): SystemFunction => (context) =>
    script(context.tick === 4 ? { ...context, dt: 9, tick: 5 } : context);
  let found = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const outcome = await runSeed(seed, { tamper });
    if (!isFailure(outcome)) continue;
    found++;
    assertMatch(outcome.failure, /Violation: .*tick 4/);
    assertMatch(describeFailure(outcome), new RegExp(`deno task sim --seed ${seed} --trace`));
    assertEquals(await runSeed(seed, { tamper }), outcome);
  }
  assert(found >= 4, `${found} of 12`);
});

Deno.test("Tally adds up what came of seeds, and says how to see a failure again", () => {
  const tally = new Tally();
  const result = { ticks: 10, virtualMs: 2000, events: 100, answered: 3, trace: "0" };
  tally.add({ seed: 1, ...result, faults: { dropped: 2 } });
  tally.add({ seed: 2, ...result, faults: { dropped: 1, held: 4 } });
  tally.add({ seed: 3, failure: "Violation: no\nat all", hasSnapshots: true });
  assertEquals([tally.seeds, tally.failures.length], [3, 1]);
  assertEquals(
    tally.summary(1500),
    `3 seeds, 2.0 a second, 20 ticks, 1 failures, in 1.5 s
200 events over 4 simulated seconds; 6 commands and queries answered
  held     4
  dropped  3
seed 3 failed; run \`deno task sim --seed 3 --trace\` to see how
  Violation: no
  at all`,
  );
  assertMatch(
    describeFailure({ seed: 4, failure: "", hasSnapshots: false }),
    /`deno task sim --seed 4 --no-snapshots --trace`/,
  );
});

Deno.test("seeds draw snapshots for half of the worlds, which are taken and restored", async () => {
  const tally = new Tally();
  const seeds = Array.from({ length: 20 }, (_, i) => i + 1);
  const drawn = seeds.filter((seed) => createScenario(seed).snapshots !== undefined);
  assert(drawn.length > 5 && drawn.length < 15, `${drawn}`);
  for (const seed of drawn) tally.add(await runSeed(seed));
  assertEquals(tally.failures, [], tally.summary(0));
  for (const what of ["snapshots stored: auto", "snapshots stored: manual", "worlds restored"]) {
    assertMatch(tally.summary(0), new RegExp(`${what} +[1-9]`));
  }
  const plain = await runSeed(drawn[0], { hasSnapshots: false });
  assert(!isFailure(plain) && Object.keys(plain.faults).every((kind) => !/snapshot/.test(kind)));
});
