import { assert, assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { Broadcasts } from "../lib/runtime/broadcasts.ts";
import type { BroadcastSet } from "../lib/runtime/rows.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { AI, createStation, LABEL, POSITION, SCHEMA, spawnBoids } from "./broadcast_fixture.ts";

type ComponentSet = MessageOf<"ComponentSet">;

const ROWS = 2000;
const SMALL_BYTES = 16_384;

/** The parts of one version of a set of several parts. */
function partsOf(version: number): ComponentSet[] {
  const { world, published, publish } = createStation(SMALL_BYTES);
  spawnBoids(world, ROWS, `version ${version}`);
  publish(version);
  return published.map(({ set }) => set);
}

function receiver(): Broadcasts {
  return new Broadcasts(SCHEMA, AI);
}

function received(broadcasts: Broadcasts, version: number, epoch = 1): BroadcastSet | undefined {
  return broadcasts.get("all", { epoch, version });
}

function assertWhole(set: BroadcastSet | undefined, version: number): void {
  assert(set, `version ${version} is not there`);
  const { x, y } = set.read(POSITION);
  const { text } = set.read(LABEL);
  assertEquals([set.count, x.length, text.length], [ROWS, ROWS, ROWS]);
  for (let i = 0; i < ROWS; i++) {
    assert(x[i] === i && y[i] === -i && set.entities[i] === i + 1);
    assert(text[i] === `version ${version} ${i}`);
  }
}

Deno.test("Broadcasts hold a set once all of its parts are there, in any order", () => {
  const parts = partsOf(5);
  assert(parts.length > 2);
  fc.assert(
    fc.property(fc.shuffledSubarray(parts, { minLength: parts.length }), (shuffled) => {
      const broadcasts = receiver();
      for (const part of shuffled) {
        assertEquals(received(broadcasts, 5), undefined);
        broadcasts.receive(part);
      }
      assertWhole(received(broadcasts, 5), 5);
    }),
    { numRuns: 20 },
  );
});

Deno.test("Broadcasts take a part that comes twice once", () => {
  const broadcasts = receiver();
  const parts = partsOf(5);
  for (const part of parts.slice(1)) for (const _ of "twice") broadcasts.receive(part);
  assertEquals(received(broadcasts, 5), undefined);
  broadcasts.receive(parts[0]);
  const set = received(broadcasts, 5);
  assertWhole(set, 5);
  for (const part of parts) broadcasts.receive(part);
  assert(received(broadcasts, 5) === set, "what was derived from the set is lost");
});

Deno.test("Broadcasts hold the two newest versions of a set", () => {
  const broadcasts = receiver();
  for (const version of [1, 4, 6]) for (const part of partsOf(version)) broadcasts.receive(part);
  assertEquals(received(broadcasts, 1), undefined);
  assertWhole(received(broadcasts, 4), 4);
  assertWhole(received(broadcasts, 6), 6);
});

Deno.test("Broadcasts tell versions of different epochs apart", () => {
  const broadcasts = receiver();
  for (const part of partsOf(3)) broadcasts.receive({ ...part, epoch: 2 });
  assertEquals(received(broadcasts, 3, 1), undefined);
  assertWhole(received(broadcasts, 3, 2), 3);
});

Deno.test("Broadcasts never put parts of two versions together", () => {
  const broadcasts = receiver();
  const [old, now] = [partsOf(1), partsOf(2)];
  for (const part of old.slice(1)) broadcasts.receive(part);
  broadcasts.receive(now[0]);
  assertEquals(received(broadcasts, 1), undefined);
  assertEquals(received(broadcasts, 2), undefined);
  for (const part of now.slice(1)) broadcasts.receive(part);
  assertWhole(received(broadcasts, 2), 2);
});

Deno.test("Broadcasts keep the parts of one unfinished version at the most", () => {
  const broadcasts = receiver();
  const [first, ...rest] = partsOf(1);
  broadcasts.receive(first);
  for (let version = 2; version < 100; version++) broadcasts.receive({ ...first, version });
  for (const part of rest) broadcasts.receive(part);
  assertEquals(received(broadcasts, 1), undefined, "part 0 of version 1 was kept");
  broadcasts.receive(first);
  assertWhole(received(broadcasts, 1), 1);
});

Deno.test("Broadcasts take a set without rows", () => {
  const { published, publish } = createStation();
  publish(1);
  const broadcasts = receiver();
  broadcasts.receive(published[0].set);
  assertEquals(received(broadcasts, 1)?.count, 0);
  assertEquals(received(broadcasts, 1)?.read(POSITION).x.length, 0);
});

Deno.test("Broadcasts refuse a malformed part and are as they were", () => {
  const [part, ...rest] = partsOf(5);
  const { "Position.x": _, ...columns } = part.columns;
  const malformed: ComponentSet[] = [
    { ...part, system: "physics" },
    { ...part, set: "obstacles" },
    { ...part, set: "__proto__" },
    { ...part, part: part.parts },
    { ...part, parts: 1_000_000 },
    { ...part, count: part.count + 1 },
    { ...part, columns },
    { ...part, columns: { ...part.columns, "Label.text": new Uint8Array(4) } },
    { ...part, columns: { ...part.columns, "Position.x": [1, 2] } },
    { ...part, entities: new Uint8Array(8) },
    { ...part, entities: undefined },
    { ...part, entities: new Uint8Array(part.count * 8).fill(255) },
  ];
  const broadcasts = receiver();
  for (const other of rest) broadcasts.receive(other);
  for (const message of malformed) assertThrows(() => broadcasts.receive(message), WireError);
  broadcasts.receive(part);
  assertWhole(received(broadcasts, 5), 5);
});
