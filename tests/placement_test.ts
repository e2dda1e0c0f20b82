import { assertEquals } from "@std/assert";
import { Placement, type Seat } from "../coordinator/placement.ts";
import { Residency } from "../coordinator/residency.ts";
import type { Shard } from "../coordinator/shards.ts";
import { Table } from "../lib/ecs/archetype.ts";
import { Position } from "./graph_fixture.ts";

const TABLE = new Table([Position]);
const SHARDS: Shard[] = Array.from({ length: 6 }, (_, i) => [{ table: TABLE, first: i, count: 1 }]);
const ANYWHERE = { instance: undefined, holder: undefined };

function seats(...ids: string[]): Seat[] {
  return ids.map((id) => ({ id, credits: 4 }));
}

/** A tick's placement after one in which `holders[i]` ran shard i. */
function placementAfter(
  holders: readonly string[],
  { now, depth = 2 }: { now: () => readonly Seat[]; depth?: number },
): Placement {
  const residency = new Residency();
  const before = new Placement(SHARDS, { residency, depth, seats: now });
  for (const [shard, instance] of holders.entries()) {
    before.hold(shard, { instance, tick: 1, changeTick: 1 });
  }
  return new Placement(SHARDS, { residency, depth, seats: now });
}

/** Who the shard goes to when it is sent now: by name, with `+` if by what it keeps, or to `any`. */
function send(placement: Placement, shard: number): string | undefined {
  if (!placement.takeHolder(shard) && !placement.takeAny(shard)) return undefined;
  const { instance, holder } = placement.placeOf(shard);
  return instance === undefined ? "any" : `${instance}${holder ? "+" : ""}`;
}

Deno.test("a shard goes to whoever has a credit as long as nobody keeps rows", () => {
  const options = { residency: undefined, depth: 2, seats: () => seats("a", "b") };
  const placement = new Placement(SHARDS, options);
  assertEquals(SHARDS.map((_, shard) => send(placement, shard)), new Array(6).fill("any"));
  const first = new Placement(SHARDS, { ...options, residency: new Residency() });
  assertEquals(send(first, 0), "any");
  assertEquals(first.placeOf(0), ANYWHERE);
});

Deno.test("a shard goes to who keeps its rows, and waits for it while nobody is idle", () => {
  const placement = placementAfter(["a", "a", "a", "b", "b", "b"], { now: () => seats("a", "b") });
  assertEquals([0, 1, 2, 3].map((shard) => send(placement, shard)), ["a+", "a+", "b", "b+"]);
  assertEquals([4, 5].map((shard) => send(placement, shard)), [undefined, undefined]);
  placement.leave(3);
  assertEquals(send(placement, 4), "b+");
});

Deno.test("an instance with nothing to do takes a shard from one that is busy", () => {
  const placement = placementAfter(["a", "a", "a", "a", "b"], { now: () => seats("a", "b") });
  assertEquals([0, 1, 4].map((shard) => send(placement, shard)), ["a+", "a+", "b+"]);
  assertEquals(send(placement, 2), undefined);
  placement.leave(4);
  assertEquals([2, 3].map((shard) => send(placement, shard)), ["b", undefined]);
});

Deno.test("shards that nobody keeps go to who has the least, as many as the depth allows", () => {
  const placement = placementAfter(["a", "b"], { now: () => seats("a", "b") });
  const sent = SHARDS.map((_, shard) => send(placement, shard));
  assertEquals(sent, ["a+", "b+", "a", "b", undefined, undefined]);
});

Deno.test("an instance that nothing is known of gets its first shards by the queue group", () => {
  let now = seats("a");
  const placement = placementAfter(["a", "a", "a", "a"], { now: () => now });
  assertEquals([0, 1, 2].map((shard) => send(placement, shard)), ["a+", "a+", undefined]);
  now = seats("a", "newcomer");
  assertEquals(send(placement, 2), "any");
});

Deno.test("an instance that misses a deadline gets nothing by name until it keeps rows again", () => {
  const now = () => seats("a", "b");
  const placement = placementAfter(["a", "a", "b"], { now });
  assertEquals([0, 2].map((shard) => send(placement, shard)), ["a+", "b+"]);
  placement.miss(0);
  assertEquals([0, 1, 3].map((shard) => send(placement, shard)), ["b", "any", "any"]);
  placement.hold(1, { instance: "a", tick: 2, changeTick: 2 });
  assertEquals(send(placement, 4), "a");
});

Deno.test("a shard that its keeper refuses is sent whole, and one that is not taken by name to anyone", () => {
  const placement = placementAfter(["a"], { now: () => seats("a") });
  assertEquals(send(placement, 0), "a+");
  assertEquals([placement.bounce(0), send(placement, 0)], [true, "a"]);
  assertEquals([placement.bounce(0), send(placement, 0)], [true, "any"]);
  assertEquals(placement.bounce(0), false);
});

Deno.test("an instance that has left gets nothing", () => {
  let now = seats("a", "b");
  const placement = placementAfter(["a", "b"], { now: () => now });
  now = seats("b");
  assertEquals([0, 1].map((shard) => send(placement, shard)), ["b", "b+"]);
});

Deno.test("an idle instance takes a shard before a busy one is sent its second", () => {
  const placement = placementAfter(["a", "a"], { now: () => seats("a", "b") });
  placement.hold(5, { instance: "b", tick: 1, changeTick: 1 });
  const taken = [
    placement.takeHolder(0, 1),
    placement.takeHolder(1, 1),
    placement.takeAny(1),
  ];
  assertEquals(taken, [true, false, true]);
  assertEquals(placement.placeOf(1), { instance: "b", holder: undefined });
});
