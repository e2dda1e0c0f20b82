import { assertEquals, assertThrows } from "@std/assert";
import { Stats } from "../coordinator/stats.ts";

Deno.test("Stats.tickMs() is 0 before any tick", () => {
  assertEquals(new Stats([]).tickMs(0.5), 0);
  assertEquals(new Stats([]).tickMs(1), 0);
});

Deno.test("Stats.tickMs() has the median and the percentiles, in whatever order ticks came", () => {
  const stats = new Stats([]);
  for (let ms = 100; ms > 0; ms--) stats.addTick(ms);
  assertEquals([0, 0.5, 0.99, 1].map((p) => stats.tickMs(p)), [1, 51, 100, 100]);
});

Deno.test("Stats.tickMs() forgets the oldest ticks and keeps a bounded number", () => {
  const stats = new Stats([]);
  stats.addTick(1e6);
  for (let i = 0; i < 65_536; i++) stats.addTick(2);
  assertEquals([0, 0.5, 1].map((p) => stats.tickMs(p)), [2, 2, 2]);
});

Deno.test("Stats.tickMs() of the newest ticks leaves out the older ones", () => {
  const stats = new Stats([]);
  for (let ms = 1; ms <= 65_540; ms++) stats.addTick(ms);
  assertEquals([0, 0.5, 1].map((p) => stats.tickMs(p, 5)), [65_536, 65_538, 65_540]);
  assertEquals(stats.tickMs(0, 65_536), 5);
});

Deno.test("Stats.system() counts per system, and knows those of the manifests alone", () => {
  const stats = new Stats(["ai", "physics"]);
  stats.system("ai").shards++;
  assertEquals([...stats.systems].map(([name, { shards }]) => [name, shards]), [
    ["ai", 1],
    ["physics", 0],
  ]);
  assertThrows(() => stats.system("__proto__"), RangeError, 'unknown system "__proto__"');
});
