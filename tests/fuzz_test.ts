import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { encode } from "@std/msgpack";
import { BATCH_INPUTS, type BatchOutcome, Fuzzer, TARGETS } from "../fuzz/batch.ts";
import { mutateBytes } from "../fuzz/byte_mutation.ts";
import { FuzzTally } from "../fuzz/fuzz_tally.ts";
import { planBatches } from "../fuzz/plan.ts";
import type { Target } from "../fuzz/target.ts";
import { mutateText } from "../fuzz/text_mutation.ts";
import { mutateValue } from "../fuzz/value_mutation.ts";
import { Draw } from "../sim/draw.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";

const INPUTS = 3000;
const MEGABYTE = 1024 * 1024;
const first = crypto.getRandomValues(new Uint32Array(1))[0] + 1;

Deno.test(`${INPUTS} mutated inputs from seed ${first} on are taken or refused, and nothing worse`, async () => {
  const fuzzer = new Fuzzer(new VirtualClock());
  const fed = new Map<string, number>();
  for (const batch of planBatches(TARGETS, { inputs: INPUTS, seed: first })) {
    const { taken, refused, failure } = await fuzzer.run(batch);
    assertEquals(failure, undefined, failure);
    fed.set(batch.target, (fed.get(batch.target) ?? 0) + taken + refused);
  }
  assertEquals([...fed.keys()].toSorted(), TARGETS.map(({ name }) => name).toSorted());
  assertEquals(fed.values().reduce((sum, inputs) => sum + inputs, 0), INPUTS);
});

Deno.test("planBatches() gives each target its share, and each batch a seed of its own", () => {
  const targets = [{ name: "a", share: 3 }, { name: "b", share: 1 }];
  const batches = [...planBatches(targets, { inputs: 8 * BATCH_INPUTS - 1, seed: 5 })];
  assertEquals(batches.filter(({ target }) => target === "a").length, 6);
  assertEquals(batches.map(({ seed }) => seed), [5, 6, 7, 8, 9, 10, 11, 12]);
  assertEquals(batches.at(-1)?.inputs, BATCH_INPUTS - 1);
});

/** Throws at what has been made negative. */
const fragile: Target = {
  name: "fragile",
  share: 1,
  open: () => ({
    feed(draw, note) {
      const number = draw.between(-3, 100);
      note(Uint8Array.of(0xab, number & 0xff));
      if (number < 0) throw new TypeError("it is negative");
      return number < 50 ? "taken" : "refused";
    },
  }),
};

Deno.test("Fuzzer.run() says which input fails and how to see it again, which is the same each time", async () => {
  const run = () =>
    new Fuzzer(new VirtualClock(), [fragile]).run({ target: "fragile", seed: 9, inputs: 500 });
  const outcome = await run();
  assertMatch(
    outcome.failure ?? "",
    /^target fragile, seed 9, input \d+; run `deno task fuzz --target fragile --seed 9`.*\n {2}input abf[def]\n {2}TypeError: it is negative/,
  );
  assert(outcome.taken > 0 && outcome.refused > 0);
  const withoutStack = (
    { failure, ...counts }: BatchOutcome,
  ) => [counts, failure?.split("    at")[0]];
  assertEquals(withoutStack(await run()), withoutStack(outcome));
});

function report(heapBytes: number, failure?: string) {
  const outcome: BatchOutcome = {
    batch: { target: "codec", seed: 1, inputs: 3 },
    taken: 1,
    refused: 2,
    slowestMs: 1,
    ...(failure !== undefined && { failure }),
  };
  return { outcome, heapBytes };
}

Deno.test("FuzzTally finds a heap that grows, and lets one pass that only warms up", () => {
  const warm = new FuzzTally();
  for (const megabytes of [5, 20, 40, 41, 39, 40, 42, 41, 40]) {
    warm.add(0, report(megabytes * MEGABYTE));
  }
  assert(warm.isGood, warm.summary(1));
  const leaking = new FuzzTally();
  for (let batch = 1; batch <= 9; batch++) leaking.add(0, report(batch * 20 * MEGABYTE));
  assert(!leaking.isGood);
  assertMatch(leaking.summary(1), /27 inputs.*\n.*9 taken, 18 refused[^]*it grows/);
  const failing = new FuzzTally();
  failing.add(0, report(1, "target codec, seed 1"));
  assert(!failing.isGood);
});

Deno.test("mutations follow from their seed, and seldom leave things as they are", () => {
  const value = {
    epoch: 1,
    chunks: [{ rows: new Uint8Array(40), name: "C0.a" }],
    digest: 2n ** 60n,
  };
  const bytes = encode(value);
  const text = "system: s0\nquery: { read: [C0] }\nafter: [s1]\n";
  const kinds: readonly ((draw: Draw) => string)[] = [
    (draw) => `${mutateBytes(bytes, draw, [bytes])}`,
    (draw) => `${mutateValue(bytes, draw)}`,
    (draw) => mutateText(text, draw, [text]),
  ];
  for (const mutate of kinds) {
    const all = Array.from({ length: 200 }, (_, seed) => mutate(new Draw(seed, "x")));
    assertEquals(all, all.map((_, seed) => mutate(new Draw(seed, "x"))));
    assert(new Set(all).size > 150);
  }
  assertNotEquals(mutateBytes(new Uint8Array(0), new Draw(1, "x"), []), undefined);
});
