import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { meanFlatness, peakFlatness, relativeFlatness } from "../chaos/flatness.ts";

Deno.test("meanFlatness() holds the last third against the middle one, and ignores the first", () => {
  const flat = meanFlatness("memory", [1, 2, 3, 10, 20, 30, 21, 19, 23]);
  assertEquals(flat.thirds, [2, 20, 21]);
  assertAlmostEquals(flat.growth, 0.05);
  assert(meanFlatness("memory", [0, 0, 0, 100, 100, 100, 104, 105, 105]).isFlat);
  assert(!meanFlatness("memory", [0, 0, 0, 100, 100, 100, 106, 106, 106]).isFlat);
  assert(meanFlatness("memory", [9, 9, 9, 9, 9, 9, 1, 1, 1]).isFlat);
});

Deno.test("relativeFlatness() takes off what something else has grown by", () => {
  const log = [0, 0, 0, 50, 50, 50, 60, 60, 60];
  const memory = [1, 1, 1, 100, 100, 100, 120, 120, 120];
  assertAlmostEquals(relativeFlatness("memory", memory, log).growth, 0);
  assert(!relativeFlatness("memory", memory, memory.with(8, 60)).isFlat);
  assert(!relativeFlatness("memory", memory, Array(9).fill(1)).isFlat);
  const shrunk = [0, 0, 0, 60, 60, 60, 50, 50, 50];
  assertAlmostEquals(relativeFlatness("memory", shrunk.map((x) => x + 60), shrunk).growth, -1 / 12);
  assert(!relativeFlatness("memory", memory, shrunk).isFlat);
});

Deno.test("peakFlatness() holds the peaks of the thirds against each other", () => {
  const share = { share: 0.25 };
  const units = { units: 2 };
  assert(peakFlatness("handles", [1, 1, 1, 5, 9, 5, 11, 1, 1], units).isFlat);
  assert(!peakFlatness("handles", [1, 1, 1, 5, 9, 5, 1, 12, 1], units).isFlat);
  assert(peakFlatness("stream", [1, 1, 1, 5, 8, 5, 1, 10, 1], share).isFlat);
  assert(!peakFlatness("stream", [1, 1, 1, 5, 8, 5, 1, 11, 1], share).isFlat);
  assert(!peakFlatness("stream", [1, 1, 1, 0, 0, 0, 0, 1, 0], share).isFlat);
});

Deno.test("flatness needs samples enough, and puts what is left over into the first third", () => {
  assertThrows(() => meanFlatness("memory", [1, 2, 3]), RangeError, "3 samples are fewer than 9");
  assertEquals(meanFlatness("memory", [7, 7, 7, 7, 7, 1, 1, 1, 2, 2, 2]).thirds, [7, 1, 2]);
});
