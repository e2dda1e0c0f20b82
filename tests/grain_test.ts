import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { Grain } from "../coordinator/grain.ts";

/** A grain that has seen many ticks of rows that cost as much. */
function measured(msPerRow: number): Grain {
  const grain = new Grain();
  for (let tick = 0; tick < 100; tick++) {
    grain.measure({ rows: 1000, computeMs: 1000 * msPerRow });
    grain.shardCount({ rows: 1000, instances: 1 });
  }
  return grain;
}

Deno.test("a Grain of unknown cost cuts two shards for each instance, and none too small", () => {
  const grain = new Grain();
  assertEquals(grain.shardCount({ rows: 100_000, instances: 3 }), 6);
  assertEquals(grain.shardCount({ rows: 300, instances: 3 }), 1);
  assertEquals(grain.shardCount({ rows: 0, instances: 3 }), 1);
  assertEquals(grain.shardCount({ rows: 300, instances: 0 }), 1);
});

Deno.test("a Grain cuts rows that cost much more finely, whatever their number", () => {
  assertEquals(measured(0.0001).shardCount({ rows: 100_000, instances: 2 }), 4);
  assertEquals(measured(0.001).shardCount({ rows: 32_000, instances: 2 }), 8);
  assertEquals(measured(0.01).shardCount({ rows: 100_000, instances: 2 }), 16);
  assertEquals(measured(10).shardCount({ rows: 64, instances: 4 }), 32);
  assertEquals(measured(10).shardCount({ rows: 5, instances: 4 }), 5);
});

Deno.test("a Grain keeps its cut while the cost wavers by a third", () => {
  const property = fc.property(
    fc.double({ min: 0.0005, max: 0.05, noNaN: true }),
    fc.array(fc.double({ min: 0.75, max: 1.33, noNaN: true }), { minLength: 1, maxLength: 40 }),
    (msPerRow, factors) => {
      const grain = measured(msPerRow);
      const rows = 20_000;
      const counts = new Set(factors.map((factor) => {
        grain.measure({ rows, computeMs: rows * msPerRow * factor });
        return grain.shardCount({ rows, instances: 2 });
      }));
      // The first may settle on the cost; after that it may change once at the most.
      assert(counts.size <= 2, `${[...counts]}`);
    },
  );
  fc.assert(property);
});
