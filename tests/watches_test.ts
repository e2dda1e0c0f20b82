import { assert, assertEquals, assertThrows } from "@std/assert";
import { Watches } from "../coordinator/watches.ts";
import { createSchema } from "../lib/ecs/component.ts";
import { World } from "../lib/ecs/world.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { COMPONENTS, Position } from "./graph_fixture.ts";

const MEBIBYTE = 1024 * 1024;
const LEASE_MS = 1000;
function create(entities: number) {
  const world = new World(createSchema(COMPONENTS));
  // Behind all that a new watch has seen.
  world.changeTick = 1;
  for (let i = 0; i < entities; i++) world.spawn(new Map([[Position, { x: i }]]));
  const pushed: string[] = [];
  const watches = new Watches({
    world,
    payloadBytesMax: 8 * MEBIBYTE,
    publish: (subject) => pushed.push(subject),
  });
  const watch = (deliver: string) =>
    watches.open({ query: { read: ["Position"] }, deliver, lease_ms: LEASE_MS }, 0);
  const touch = () => {
    world.changeTick++;
    for (let entity = 1; entity <= entities; entity++) world.set(entity, Position, { x: 1 });
  };
  return { watches, pushed, watch, touch };
}

Deno.test("Watches.push() serves every watch, as long as that is not too much", () => {
  const { watches, pushed, watch, touch } = create(10);
  for (const deliver of ["a", "b", "c"]) watch(deliver);
  watches.push(1, 0);
  watches.push(2, 0);
  touch();
  watches.push(3, 0);
  assertEquals(pushed, ["a", "b", "c", "a", "b", "c"]);
});

Deno.test("Watches.push() ends watches whose lease is over", () => {
  const { watches, pushed, watch } = create(1);
  watch("a");
  watches.push(1, LEASE_MS + 1);
  assertEquals(pushed, []);
  watch("a");
  watches.push(2, 0);
  assertEquals(pushed, ["a"]);
});

Deno.test("Watches.open() refuses more watches than there may be, and overlong queries", () => {
  const { watches, watch } = create(1);
  for (let i = 0; i < 256; i++) watch(`w.${i}`);
  assertThrows(() => watch("w.256"), WireError, "256 watches are open, which is the most");
  watch("w.255");
  const read = new Array(10_000).fill("Position");
  const request = { query: { read }, deliver: "w.1", lease_ms: LEASE_MS };
  assert(assertThrows(() => watches.open(request, 0), WireError).message.includes("longer than"));
});
