import { assert, assertEquals, assertThrows } from "@std/assert";
import { Watches } from "../coordinator/watches.ts";
import { World } from "../lib/ecs/world.ts";
import { evaluateQuery } from "../lib/query/evaluate.ts";
import type { QuerySpec } from "../lib/query/spec.ts";
import { WatchedRows } from "../lib/query/watched_rows.ts";
import { captureWorld } from "../lib/snapshot/world_image.ts";
import { decodePayload, type Encoded } from "../lib/wire/codec.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { RandomWorld, SCHEMA } from "./query_fixture.ts";

const KIBIBYTE = 1024;
const LEASE_MS = 1000;

type Request = MessageOf<"QueryWatch">;

/** Watches of a world, and a receiver of each that keeps its rows. */
class Scene {
  readonly watches: Watches;
  readonly receivers = new Map<string, WatchedRows>();
  /** Subjects in the order in which they were pushed to. */
  readonly pushed: string[] = [];
  bytesMost = 0;
  now = 0;
  tick = 0;

  constructor(readonly world: World, payloadBytesMax = 1024 * KIBIBYTE) {
    this.watches = new Watches({
      world,
      payloadBytesMax,
      publish: (subject, message) => this.#receive(subject, message),
    });
  }

  open(deliver: string, request: Partial<Request> = {}) {
    const query = { read: ["Health"] };
    return this.watches.open({ query, deliver, lease_ms: LEASE_MS, ...request }, this.now);
  }

  push(): number | undefined {
    return this.watches.push(++this.tick, this.now);
  }

  rowsOf(deliver: string): WatchedRows {
    const known = this.receivers.get(deliver) ?? new WatchedRows(SCHEMA);
    this.receivers.set(deliver, known);
    return known;
  }

  #receive(subject: string, { data }: Encoded): void {
    this.pushed.push(subject);
    this.bytesMost = Math.max(this.bytesMost, data.length);
    const delta = decodePayload("QueryDelta", data);
    const isFirst = !this.receivers.has(subject);
    if (isFirst) assert(delta.reset, "the first delta resets");
    this.rowsOf(subject).apply(delta);
  }
}

/** What a receiver has must be what there is, row by row. */
function check(random: RandomWorld, rows: WatchedRows, { query, where }: QuerySpec): void {
  const expected = evaluateQuery(random.rows(), { query, where }, SCHEMA);
  assertEquals([...rows.rows.keys()].toSorted(byNumber), expected.map(({ entity }) => entity));
  const read = [...query.read ?? [], ...query.optional ?? []];
  for (const { entity, components } of expected) {
    const values = new Map<string, unknown>();
    for (const [name, fields] of components) {
      if (!read.includes(name) && !read.includes("*")) continue;
      for (const [field, value] of Object.entries(fields)) values.set(`${name}.${field}`, value);
    }
    const known = rows.rows.get(entity)?.values ?? new Map();
    assertEquals(new Map([...known].toSorted()), new Map([...values].toSorted()));
  }
}

function byNumber(a: number, b: number): number {
  return a - b;
}

function spawn(world: World, count: number): void {
  const health = SCHEMA.get("Health");
  assert(health);
  for (let i = 0; i < count; i++) world.spawn(new Map([[health, { hp: 1 }]]));
}

function touch(world: World): void {
  const health = SCHEMA.get("Health");
  assert(health);
  world.changeTick++;
  for (const entity of world.entities()) world.set(entity, health, { hp: world.changeTick });
}

function field(entities: number): World {
  const world = new World(SCHEMA);
  world.changeTick = 1;
  spawn(world, entities);
  return world;
}

Deno.test("whoever applies every delta of a watch has its rows after every tick", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = new RandomWorld(seed, 150);
    const scene = new Scene(random.world);
    const specs = Array.from({ length: 6 }, () => random.spec());
    specs.forEach(({ query, where }, i) => scene.open(`w.${i}`, { query, where }));
    for (let tick = 0; tick < 12; tick++) {
      random.change(random.below(40));
      scene.push();
      specs.forEach((spec, i) => {
        try {
          check(random, scene.rowsOf(`w.${i}`), spec);
        } catch (cause) {
          const text = JSON.stringify(
            spec,
            (_, value) => typeof value === "bigint" ? `${value}` : value,
          );
          throw new Error(`seed ${seed}, tick ${tick}, ${text}`, { cause });
        }
      });
    }
  }
});

Deno.test("a watch that cannot keep up gets there when the changes end, in bounded messages", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const payloadBytesMax = 8 * KIBIBYTE;
    const random = new RandomWorld(seed, 800);
    const scene = new Scene(random.world, payloadBytesMax);
    const spec = { query: { optional: ["*"] }, where: random.condition(1) };
    scene.open("w", spec);
    for (let tick = 0; tick < 20; tick++) {
      random.change(400);
      scene.push();
    }
    for (let tick = 0; tick < 200 && !(tick > 0 && scene.rowsOf("w").isWhole); tick++) scene.push();
    check(random, scene.rowsOf("w"), spec);
    assert(scene.bytesMost <= payloadBytesMax, `${scene.bytesMost} bytes`);
  }
});

Deno.test("a watch looks at everything anew when more has moved than is remembered", () => {
  const random = new RandomWorld(1, 100);
  const scene = new Scene(random.world);
  const spec = { query: { read: ["Health"] } };
  scene.open("w", spec);
  scene.push();
  for (let i = 0; i < 40_000; i++) {
    random.world.despawn(random.world.spawn(new Map()));
  }
  random.change(200);
  scene.push();
  for (let i = 0; i < 10 && !scene.rowsOf("w").isWhole; i++) scene.push();
  check(random, scene.rowsOf("w"), spec);
});

Deno.test("a watch begins anew when the world is replaced, and when that is asked for", () => {
  const random = new RandomWorld(1, 50);
  const other = new RandomWorld(2, 50);
  const scene = new Scene(random.world);
  const spec = { query: { read: ["Health"] } };
  scene.open("w", spec);
  scene.push();
  const { nextEntity } = random.world;
  random.world.load({
    tables: captureWorld(other.world).tables,
    nextEntity: Math.max(nextEntity, other.world.nextEntity),
    changeTick: random.world.changeTick + 1,
  });
  scene.push();
  check(random, scene.rowsOf("w"), spec);
  scene.receivers.clear();
  scene.push();
  assertEquals(scene.receivers.size, 0, "nothing has changed");
  scene.open("w", { ...spec, restart: true });
  scene.push();
  check(random, scene.rowsOf("w"), spec);
});

Deno.test("a watch of few rows is told others when there is room for them", () => {
  const world = field(10);
  const scene = new Scene(world);
  scene.open("w", { max_rows: 4 });
  scene.push();
  assertEquals([...scene.rowsOf("w").rows.keys()], [1, 2, 3, 4]);
  world.changeTick++;
  for (const entity of [2, 3]) world.despawn(entity);
  scene.push();
  scene.push();
  assertEquals([...scene.rowsOf("w").rows.keys()].toSorted(byNumber).length, 4);
  assertEquals(scene.rowsOf("w").rows.has(2), false);
});

Deno.test("a watch is told no more often than it wants, and then everything", () => {
  const world = field(3);
  const scene = new Scene(world);
  scene.open("w", { every_ms: 100 });
  assertEquals(scene.push(), undefined);
  for (const now of [10, 50, 99]) {
    scene.now = now;
    touch(world);
    assertEquals(scene.push(), 100);
  }
  assertEquals(scene.pushed.length, 1);
  scene.now = 100;
  scene.push();
  assertEquals(scene.pushed.length, 2);
  assertEquals(scene.rowsOf("w").rows.get(1)?.values.get("Health.hp"), world.changeTick);
});

Deno.test("a watch of nothing is told that, once", () => {
  const scene = new Scene(new World(SCHEMA));
  scene.open("w");
  for (let i = 0; i < 3; i++) scene.push();
  assertEquals(scene.pushed, ["w"]);
  assertEquals(scene.rowsOf("w").isWhole, true);
});

Deno.test("Watches.push() serves every watch, as long as that is not too much", () => {
  const world = field(10);
  const scene = new Scene(world);
  for (const deliver of ["a", "b", "c"]) scene.open(deliver);
  scene.push();
  scene.push();
  touch(world);
  scene.push();
  assertEquals(scene.pushed, ["a", "b", "c", "a", "b", "c"]);
});

Deno.test("Watches.push() serves watches in turn where all at once are too much", () => {
  const world = field(300_000);
  const scene = new Scene(world);
  for (const deliver of ["a", "b", "c", "d"]) scene.open(deliver);
  const served: string[] = [];
  for (let tick = 0; tick < 8; tick++) {
    touch(world);
    scene.pushed.length = 0;
    scene.push();
    served.push([...new Set(scene.pushed)].join(""));
  }
  assert(served.every((names) => names.length < 4), served.join(" "));
  for (const name of "abcd") {
    const turns = served.filter((names) => names.includes(name)).length;
    assert(turns >= 2, `${name} in ${served.join(" ")}`);
  }
});

Deno.test("Watches.push() ends watches whose lease is over", () => {
  const world = field(1);
  const scene = new Scene(world);
  scene.open("a");
  scene.now = LEASE_MS + 1;
  assertEquals(scene.push(), undefined);
  assertEquals([scene.pushed, world.journal], [[], undefined]);
  scene.open("a");
  scene.push();
  assertEquals(scene.pushed, ["a"]);
});

Deno.test("Watches.open() refuses more watches than there may be, and overlong queries", () => {
  const scene = new Scene(field(1));
  for (let i = 0; i < 256; i++) scene.open(`w.${i}`);
  assertThrows(() => scene.open("w.256"), WireError, "256 watches are open, which is the most");
  assertEquals(scene.open("w.255"), { watch_id: "w256", lease_ms: LEASE_MS });
  const read = new Array(10_000).fill("Health");
  assertThrows(() => scene.open("w.1", { query: { read } }), WireError, "longer than");
  assertThrows(() => scene.open("a.*"), WireError, "no subject");
  const where = { op: "=", path: "Health.hq", value: 1 } as const;
  assertThrows(() => scene.open("w.2", { where }), WireError, 'did you mean "hp"?');
});

Deno.test("WatchedRows finds out that a delta was lost, and is whole again when the watch begins anew", () => {
  const world = field(3);
  const deltas: MessageOf<"QueryDelta">[] = [];
  const watches = new Watches({
    world,
    payloadBytesMax: 1024 * KIBIBYTE,
    publish: (_, { data }) => void deltas.push(decodePayload("QueryDelta", data)),
  });
  const request = { query: { read: ["Health"] }, deliver: "w", lease_ms: LEASE_MS };
  watches.open(request, 0);
  for (let tick = 1; tick <= 4; tick++) {
    watches.push(tick, 0);
    touch(world);
  }
  const rows = new WatchedRows(SCHEMA);
  assertEquals(rows.apply(deltas[1]).changed, []);
  assert(rows.isBroken, "what came before the first is not there");
  rows.apply(deltas[0]);
  rows.apply(deltas[1]);
  assertEquals(rows.apply(deltas[1]).changed, [], "one that comes twice is taken once");
  assertEquals([rows.isBroken, rows.tick], [false, 2]);
  rows.apply(deltas[3]);
  assertEquals([rows.isBroken, rows.tick], [true, 2]);
  watches.open({ ...request, restart: true }, 0);
  watches.push(5, 0);
  rows.apply(deltas[4]);
  assertEquals([rows.isBroken, rows.tick, rows.rows.size], [false, 5, 3]);
});
