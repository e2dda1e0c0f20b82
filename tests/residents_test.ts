import { assert, assertEquals } from "@std/assert";
import { type ResidentRange, Residents } from "../lib/runtime/residents.ts";

const KIBIBYTE = 1024;

function rangeOf(tick: number, epoch = 1): ResidentRange {
  const columns = new Map([["Position.x", new Float32Array(KIBIBYTE / 4)]]);
  return { epoch, tick, chunks: [{ columns, entities: undefined, before: undefined }] };
}

Deno.test("Residents.take() gives a range as of its tick alone, and only once", () => {
  const residents = new Residents();
  residents.keep(1n, rangeOf(5));
  assertEquals(residents.take(1n, { epoch: 1, tick: 4 }), undefined);
  residents.keep(1n, rangeOf(5));
  assertEquals(residents.take(1n, { epoch: 1, tick: 5 })?.tick, 5);
  assertEquals(residents.take(1n, { epoch: 1, tick: 5 }), undefined);
});

Deno.test("Residents.keep() drops what no schedule can build on any more", () => {
  const residents = new Residents();
  residents.keep(1n, rangeOf(1));
  residents.keep(2n, rangeOf(2));
  residents.keep(3n, rangeOf(3));
  assertEquals(residents.take(1n, { epoch: 1, tick: 1 }), undefined);
  assert(residents.take(2n, { epoch: 1, tick: 2 }));
  residents.keep(4n, rangeOf(1, 2));
  assertEquals(residents.take(3n, { epoch: 1, tick: 3 }), undefined);
  assert(residents.take(4n, { epoch: 2, tick: 1 }));
});

Deno.test("Residents.keep() drops the least recently kept when there are too many bytes", () => {
  const residents = new Residents(3 * KIBIBYTE);
  for (const id of [1n, 2n, 3n, 4n]) residents.keep(id, rangeOf(1));
  assertEquals(residents.take(1n, { epoch: 1, tick: 1 }), undefined);
  for (const id of [2n, 3n, 4n]) assert(residents.take(id, { epoch: 1, tick: 1 }));
});
