import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { Grain } from "../coordinator/grain.ts";

interface Load {
  readonly rows: number;
  readonly instances: number;
  readonly chain?: number;
  /** What shard `i` of `count` takes, in milliseconds. */
  readonly msOf: (shard: number, count: number) => number;
}

/** How many shards a grain settles on when it runs that load for long. */
function settledCount({ rows, instances, chain = 1, msOf }: Load, grain = new Grain()): number {
  let count = 1;
  for (let tick = 0; tick < 200; tick++) {
    count = grain.shardCount({ rows, instances, chain });
    grain.measure({ rows, shardMs: Array.from({ length: count }, (_, i) => msOf(i, count)) });
  }
  return count;
}

/** Rows that all cost the same, `ms` together. */
function even(ms: number) {
  return (_: number, count: number) => ms / count;
}

/** The first shard costs half of everything. */
function skewed(ms: number) {
  return (shard: number, count: number) => shard === 0 ? ms / 2 : ms / 2 / (count - 1);
}

Deno.test("a Grain of unknown cost cuts two shards for each instance, and none too small", () => {
  const grain = new Grain();
  assertEquals(grain.shardCount({ rows: 100_000, instances: 3, chain: 1 }), 6);
  assertEquals(grain.shardCount({ rows: 300, instances: 3, chain: 1 }), 1);
  assertEquals(grain.shardCount({ rows: 0, instances: 3, chain: 1 }), 1);
  assertEquals(grain.shardCount({ rows: 300, instances: 0, chain: 1 }), 1);
});

Deno.test("a Grain cuts rows of even cost no finer, however dear they are", () => {
  assertEquals(settledCount({ rows: 100_000, instances: 2, msOf: even(10) }), 4);
  assertEquals(settledCount({ rows: 100_000, instances: 2, msOf: even(1000) }), 4);
  assertEquals(settledCount({ rows: 64, instances: 16, msOf: even(3000) }), 32);
  assertEquals(settledCount({ rows: 5, instances: 4, msOf: even(100) }), 5);
});

Deno.test("a Grain cuts rows of uneven cost, and those of a chain, more finely", () => {
  assertEquals(settledCount({ rows: 100_000, instances: 2, msOf: skewed(200) }), 16);
  assertEquals(settledCount({ rows: 100_000, instances: 1, chain: 4, msOf: even(20) }), 4);
  assertEquals(settledCount({ rows: 100_000, instances: 2, chain: 3, msOf: even(200) }), 16);
});

Deno.test("a Grain that is told how many shards to cut cuts so many", () => {
  const grain = new Grain({ perInstance: 3 });
  assertEquals(settledCount({ rows: 100_000, instances: 2, msOf: skewed(1000) }, grain), 6);
});

Deno.test("a Grain keeps its cut while the cost wavers by a third", () => {
  const property = fc.property(
    fc.double({ min: 5, max: 500, noNaN: true }),
    fc.array(fc.double({ min: 0.75, max: 1.33, noNaN: true }), { minLength: 1, maxLength: 40 }),
    (ms, factors) => {
      const grain = new Grain();
      const load = { rows: 20_000, instances: 2, chain: 3 };
      settledCount({ ...load, msOf: even(ms) }, grain);
      const counts = new Set(factors.map((factor) => {
        const count = grain.shardCount(load);
        const shardMs = Array.from({ length: count }, () => ms * factor / count);
        grain.measure({ rows: load.rows, shardMs });
        return count;
      }));
      // The first may settle on the cost; after that it may change once at the most.
      assert(counts.size <= 2, `${[...counts]}`);
    },
  );
  fc.assert(property);
});

Deno.test("a Grain sends the dearest shards first, and like ones in their order", () => {
  const grain = new Grain();
  assertEquals(grain.order(3), [0, 1, 2]);
  grain.measure({ rows: 100, shardMs: [1, 9, 1.1, undefined, 3] });
  assertEquals(grain.order(5), [1, 4, 0, 2, 3]);
  assertEquals(grain.order(2), [0, 1]);
});
