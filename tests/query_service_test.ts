import { assert, assertEquals, assertThrows } from "@std/assert";
import { QueryService } from "../coordinator/query_service.ts";
import { createSchema } from "../lib/ecs/component.ts";
import { World } from "../lib/ecs/world.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { COMPONENTS, Position } from "./graph_fixture.ts";

const MEBIBYTE = 1024 * 1024;
const LEASE_MS = 1000;
/** What they take, with their entities, is more than is pushed after one tick. */
const MANY = 300_000;

function create(entities: number) {
  const world = new World(createSchema(COMPONENTS));
  // Behind all that a new watch has seen.
  world.changeTick = 1;
  for (let i = 0; i < entities; i++) world.spawn(new Map([[Position, { x: i }]]));
  const pushed: string[] = [];
  const service = new QueryService({
    world,
    payloadBytesMax: 8 * MEBIBYTE,
    publish: (subject) => pushed.push(subject),
  });
  const watch = (deliver: string) =>
    service.watch({ query: { read: ["Position"] }, deliver, lease_ms: LEASE_MS }, 0);
  const touch = () => {
    world.changeTick++;
    for (let entity = 1; entity <= entities; entity++) world.set(entity, Position, { x: 1 });
  };
  return { service, pushed, watch, touch };
}

Deno.test("QueryService.push() serves every watch, as long as that is not too much", () => {
  const { service, pushed, watch, touch } = create(10);
  for (const deliver of ["a", "b", "c"]) watch(deliver);
  service.push(1, 0);
  service.push(2, 0);
  touch();
  service.push(3, 0);
  assertEquals(pushed, ["a", "b", "c", "a", "b", "c"]);
});

Deno.test("QueryService.push() serves watches in turn where all at once are too much", () => {
  const { service, pushed, watch, touch } = create(MANY);
  for (const deliver of ["a", "b", "c"]) watch(deliver);
  const served = [1, 2, 3, 4].map((tick) => {
    touch();
    pushed.length = 0;
    service.push(tick, 0);
    return [...new Set(pushed)];
  });
  assertEquals(served, [["a"], ["b"], ["c"], ["a"]]);
});

Deno.test("QueryService.push() ends watches whose lease is over", () => {
  const { service, pushed, watch } = create(1);
  watch("a");
  service.push(1, LEASE_MS + 1);
  assertEquals(pushed, []);
  watch("a");
  service.push(2, 0);
  assertEquals(pushed, ["a"]);
});

Deno.test("QueryService.watch() refuses more watches than there may be, and overlong queries", () => {
  const { service, watch } = create(1);
  for (let i = 0; i < 256; i++) watch(`w.${i}`);
  assertThrows(() => watch("w.256"), WireError, "256 watches are open, which is the most");
  watch("w.255");
  const read = new Array(10_000).fill("Position");
  const request = { query: { read }, deliver: "w.1", lease_ms: LEASE_MS };
  assert(assertThrows(() => service.watch(request, 0), WireError).message.includes("longer than"));
});
