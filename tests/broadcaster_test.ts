import { assert, assertEquals, assertThrows } from "@std/assert";
import { createStation, Label, spawnBoids } from "./broadcast_fixture.ts";
import { Frozen, Mass, Position } from "./graph_fixture.ts";

const SMALL_BYTES = 16_384;

Deno.test("Broadcaster.publish() publishes a set under the tick that it was taken in", () => {
  const { world, published, publish } = createStation();
  spawnBoids(world, 2);
  assertEquals(publish(7), { all: 7 });
  assertEquals(published.length, 1);
  const [{ set, address }] = published;
  assertEquals(address, { system: "ai", set: "all", part: 0 });
  assertEquals([set.epoch, set.version, set.part, set.parts, set.count], [1, 7, 0, 1, 2]);
  assertEquals(Object.keys(set.columns).toSorted(), ["Label.text", "Position.x", "Position.y"]);
  assertEquals(set.entities?.length, 16);
});

Deno.test("Broadcaster.publish() publishes a set without rows as one part with all columns", () => {
  const { published, publish } = createStation();
  publish(1);
  assertEquals(published.map(({ set }) => [set.part, set.parts, set.count]), [[0, 1, 0]]);
  const [{ set: { columns, entities } }] = published;
  assertEquals(columns["Label.text"], []);
  assertEquals(columns["Position.x"].length, 0);
  assertEquals(entities?.length, 0);
});

Deno.test("Broadcaster.publish() keeps the version of a set that has not changed", () => {
  const { world, published, publish } = createStation();
  spawnBoids(world, 2);
  publish(1);
  assertEquals(publish(2), { all: 1 });
  // Of another component, and of rows that the set leaves out.
  world.spawn(new Map([[Mass, {}]]));
  assertEquals(publish(3), { all: 1 });
  assertEquals(published.length, 1);
});

Deno.test("Broadcaster.publish() publishes anew after a value, a row or an archetype changed", () => {
  const { world, published, publish } = createStation();
  spawnBoids(world, 3);
  publish(1);
  const changes = [
    () => world.set(1, Position, { x: 9 }),
    () => world.set(1, Label, { text: "nine" }),
    () => world.despawn(2),
    () => world.add(3, Mass),
    () => world.add(3, Frozen),
    () => spawnBoids(world, 1),
  ];
  for (const [i, change] of changes.entries()) {
    world.changeTick++;
    change();
    assertEquals(publish(10 + i), { all: 10 + i }, `change ${i}`);
  }
  // A set of two archetypes goes in one part for each.
  const perVersion = Map.groupBy(published, ({ set }) => set.version);
  assertEquals(
    Array.from(perVersion.values(), (parts) => parts.reduce((sum, { set }) => sum + set.count, 0)),
    [3, 3, 3, 2, 2, 1, 2],
  );
});

Deno.test("Broadcaster.publish() publishes anew what the system's own run then changed", () => {
  const { world, published, publish } = createStation();
  spawnBoids(world, 1);
  publish(1);
  // Marked with the run's change tick, as a result is when it is merged.
  world.set(1, Position, { x: 9 });
  assertEquals(publish(2), { all: 2 });
  assertEquals(publish(3), { all: 2 });
  assertEquals(published.length, 2);
});

Deno.test("Broadcaster.resend() sends a set as it was, whatever its system has written since", () => {
  const { world, published, publish, broadcaster } = createStation();
  spawnBoids(world, 2);
  publish(1);
  world.set(1, Position, { x: 9 });
  broadcaster.resend("nobody");
  broadcaster.resend("ai");
  assertEquals(published, [published[0], published[0]]);
});

Deno.test("Broadcaster.publish() cuts a large set into parts that fit into messages", () => {
  const { world, published, publish } = createStation(SMALL_BYTES);
  spawnBoids(world, 2000);
  publish(1);
  assert(published.length > 1);
  assertEquals(published.map(({ set }) => set.part), published.map((_, i) => i));
  assert(published.every(({ set }) => set.parts === published.length));
  assertEquals(published.reduce((sum, { set }) => sum + set.count, 0), 2000);
});

Deno.test("Broadcaster.publish() tries a set again that could not be published", () => {
  const { world, published, publish } = createStation(SMALL_BYTES);
  spawnBoids(world, 1, "x".repeat(SMALL_BYTES));
  assertThrows(() => publish(1), RangeError);
  assertThrows(() => publish(2), RangeError);
  world.set(1, Label, { text: "short" });
  assertEquals(publish(3), { all: 3 });
  assertEquals(published.length, 1);
});

Deno.test("Broadcaster.renew() publishes the sets again as they were, whatever has changed since", () => {
  const { world, published, publish, renew } = createStation(SMALL_BYTES);
  spawnBoids(world, 2000);
  publish(1);
  const before = [...published];
  world.changeTick++;
  world.set(1, Position, { x: 9 });
  renew();
  assertEquals(published.slice(before.length), before);
  assertEquals(publish(2), { all: 2 });
});
