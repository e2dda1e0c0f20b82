import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createRandom } from "../lib/random.ts";
import ai, { SPEED_MAX, SPEED_MIN } from "../systems/ai.ts";
import physics from "../systems/physics.ts";
import { SpatialGrid } from "../systems/spatial_grid.ts";
import { SystemHarness } from "./system_harness.ts";

type Vector = readonly [number, number, number];

/** The force on each of some boids that are alone in the world. */
async function steer(...boids: { at: Vector; velocity?: Vector }[]): Promise<number[][]> {
  const harness = await SystemHarness.create();
  const entities = boids.map(({ at, velocity = [10, 0, 0] }) =>
    harness.spawn({
      Boid: {},
      Transform3D: { translation: at },
      Velocity: { linear: velocity },
      Force: {},
    })
  );
  await harness.run("ai", ai);
  return entities.map((entity) => harness.numbers(entity, "Force.value"));
}

/** Boids all over a cube, some of them faster than they should be; the same ones every time. */
function spawnFlock(harness: SystemHarness, { count, cube }: { count: number; cube: number }) {
  const random = createRandom(7);
  const vector = (limit: number) => [0, 0, 0].map(() => (2 * random() - 1) * limit);
  return Array.from({ length: count }, () =>
    harness.spawn({
      Boid: {},
      Transform3D: { translation: vector(cube / 2) },
      Velocity: { linear: vector(SPEED_MAX) },
      Force: {},
      Mass: { value: 0.8 + 0.4 * random() },
    }));
}

Deno.test("ai pushes two boids that are too close apart", async () => {
  const [left, right] = await steer({ at: [0, 0, -1] }, { at: [0, 0, 1] });
  assert(left[2] < -1, `${left}`);
  assert(right[2] > 1, `${right}`);
});

Deno.test("ai draws boids that see each other from afar together", async () => {
  const [left, right] = await steer({ at: [0, 0, -3] }, { at: [0, 0, 3] });
  assert(left[2] > 1, `${left}`);
  assert(right[2] < -1, `${right}`);
});

Deno.test("ai aligns a boid with its neighbours' mean velocity", async () => {
  const [, middle] = await steer(
    { at: [0, 0, -5], velocity: [9, 4, 0] },
    { at: [0, 0, 0], velocity: [10, 0, 0] },
    { at: [0, 0, 5], velocity: [9, 4, 0] },
  );
  assert(middle[1] > 1, `${middle}`);
  assert(middle[0] < 0, `${middle}`);
  assertAlmostEquals(middle[2], 0, 1e-6);
});

Deno.test("ai leaves a boid alone that sees nobody and flies at a proper speed", async () => {
  const [first, second] = await steer({ at: [0, 0, 0] }, { at: [0, 50, 0] });
  assertEquals(first, [0, 0, 0]);
  assertEquals(second, [0, 0, 0]);
});

Deno.test("ai speeds a slow boid up, slows a fast one down and lets a resting one rest", async () => {
  const [slow, fast, resting] = await steer(
    { at: [0, 0, 0], velocity: [1, 0, 0] },
    { at: [0, 50, 0], velocity: [40, 0, 0] },
    { at: [0, 100, 0], velocity: [0, 0, 0] },
  );
  assert(slow[0] > 0, `${slow}`);
  assert(fast[0] < 0, `${fast}`);
  assertEquals(resting, [0, 0, 0]);
});

Deno.test("ai and physics keep a flock's speed within its limits", async () => {
  const harness = await SystemHarness.create();
  harness.spawn({ Bounds: { min: [-20, -20, -20], max: [20, 20, 20] } });
  const boids = spawnFlock(harness, { count: 200, cube: 40 });
  const speeds = () => boids.map((boid) => Math.hypot(...harness.numbers(boid, "Velocity.linear")));
  let fastest = Math.max(...speeds());
  for (let step = 0; step < 400; step++) {
    await harness.run("ai", ai);
    await harness.run("physics", physics);
    const now = Math.max(...speeds());
    assert(now <= Math.max(fastest, SPEED_MAX) * (1 + 1e-6), `step ${step}: ${now} m/s`);
    fastest = now;
  }
  assert(fastest <= SPEED_MAX * (1 + 1e-6), `${fastest} m/s`);
  const mean = speeds().reduce((sum, speed) => sum + speed) / boids.length;
  assert(mean > 0.75 * SPEED_MIN, `${mean} m/s on average`);
});

Deno.test("ai gives the same forces to the bit however the rows are cut into shards", async () => {
  const forces = async (shardRows: number) => {
    const harness = await SystemHarness.create();
    const boids = spawnFlock(harness, { count: 300, cube: 30 });
    await harness.run("ai", ai, { shardRows });
    return boids.map((boid) => harness.numbers(boid, "Force.value"));
  };
  const whole = await forces(300);
  assert(whole.some((force) => force.some((x) => x !== 0)));
  assertEquals(await forces(1), whole);
  assertEquals(await forces(37), whole);
});

const CELL_SIZE = 7;
const coordinate = fc.float({ min: -300, max: 300, noNaN: true });
const nearby = fc.float({ min: -10, max: 10, noNaN: true });
const point = fc.oneof(
  fc.tuple(nearby, nearby, nearby),
  fc.tuple(coordinate, coordinate, coordinate),
);

Deno.test("SpatialGrid.findNear() finds what a search through all points does", () => {
  fc.assert(fc.property(fc.array(point, { maxLength: 100 }), point, (points, place) => {
    const grid = new SpatialGrid(points.flat(), { cellSize: CELL_SIZE, cellPointsMax: 100 });
    const found = new Uint32Array(grid.foundMax);
    const count = grid.findNear(place, found);
    const expected = [...points.keys()].filter((row) => {
      const [dx, dy, dz] = points[row].map((x, axis) => x - place[axis]);
      return dx * dx + dy * dy + dz * dz < CELL_SIZE * CELL_SIZE;
    });
    assertEquals(Array.from(found.subarray(0, count)).sort((a, b) => a - b), expected);
  }));
});

Deno.test("SpatialGrid.findNear() looks at the first points of a crowded cell only", () => {
  const points = new Array(3 * 1000).fill(1);
  const grid = new SpatialGrid(points, { cellSize: CELL_SIZE, cellPointsMax: 4 });
  const found = new Uint32Array(grid.foundMax);
  const count = grid.findNear([1, 1, 1], found);
  assertEquals(Array.from(found.subarray(0, count)), [0, 1, 2, 3]);
});
