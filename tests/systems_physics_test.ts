import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import physics from "../systems/physics.ts";
import { SystemHarness } from "./system_harness.ts";

const GRAVITY = 9.81;

function coordinate(limit: number) {
  return fc.float({ min: Math.fround(-limit), max: Math.fround(limit), noNaN: true });
}

function vector(limit: number) {
  return fc.tuple(coordinate(limit), coordinate(limit), coordinate(limit));
}

function thing(values: {
  translation?: readonly number[];
  linear?: readonly number[];
  force?: readonly number[];
}) {
  const { translation = [0, 0, 0], linear = [0, 0, 0], force = [0, 0, 0] } = values;
  return { Transform3D: { translation }, Velocity: { linear }, Force: { value: force } };
}

function length(v: readonly number[]): number {
  return Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));
}

/** Where a stone thrown up with 5 m/s is after a second, in steps of `dt`. */
async function throwStone(dt: number): Promise<number> {
  const harness = await SystemHarness.create();
  const stone = harness.spawn({
    ...thing({ linear: [0, 5, 0], force: [0, -2 * GRAVITY, 0] }),
    Mass: { value: 2 },
  });
  for (let step = 0; step < Math.round(1 / dt); step++) {
    await harness.run("physics", physics, { dt });
  }
  return harness.numbers(stone, "Transform3D.translation")[1];
}

/** An oscillator with x'' = -x that starts at rest in x = 1, step by step. */
async function oscillate(
  { dt, steps }: { dt: number; steps: number },
  visit: (x: number, v: number) => void,
): Promise<void> {
  const harness = await SystemHarness.create();
  const weight = harness.spawn(thing({ translation: [1, 0, 0] }));
  for (let step = 0; step < steps; step++) {
    const [x] = harness.numbers(weight, "Transform3D.translation");
    harness.set(weight, "Force", { value: [-x, 0, 0] });
    await harness.run("physics", physics, { dt });
    visit(
      harness.numbers(weight, "Transform3D.translation")[0],
      harness.numbers(weight, "Velocity.linear")[0],
    );
  }
}

Deno.test("physics converges to a projectile's parabola with order 1", async () => {
  const exact = 5 - GRAVITY / 2;
  const coarse = await throwStone(1 / 50) - exact;
  const fine = await throwStone(1 / 100) - exact;
  // Semi-implicit Euler is off by a T dt / 2 under a constant acceleration a.
  assertAlmostEquals(coarse, -GRAVITY / 100, 1e-4);
  assertAlmostEquals(coarse / fine, 2, 0.01);
});

Deno.test("physics converges to a harmonic oscillation with order 1", async () => {
  const errorAt = async (steps: number) => {
    let last = 0;
    await oscillate({ dt: 1 / steps, steps }, (x) => last = x);
    return Math.abs(last - Math.cos(1));
  };
  const [coarse, fine, finest] = [await errorAt(50), await errorAt(100), await errorAt(200)];
  assert(coarse < 0.01, `${coarse}`);
  assertAlmostEquals(coarse / fine, 2, 0.05);
  assertAlmostEquals(fine / finest, 2, 0.05);
});

Deno.test("physics keeps an oscillator's energy within bounds over 100 periods", async () => {
  const dt = 0.1;
  await oscillate({ dt, steps: Math.round(200 * Math.PI / dt) }, (x, v) => {
    // The step conserves x² + v² - dt x v, so x² + v² stays within a factor 1 ± dt/2 of it.
    assertAlmostEquals(x * x + v * v - dt * x * v, 1, 1e-4);
    assertAlmostEquals(x * x + v * v, 1, dt / 2 + dt * dt);
  });
});

Deno.test("physics divides the force by the mass, which is 1 kg where there is none", async () => {
  const harness = await SystemHarness.create();
  const pushed = thing({ force: [6, 0, 0] });
  const light = harness.spawn(pushed);
  const heavy = harness.spawn({ ...pushed, Mass: { value: 3 } });
  const massless = harness.spawn({ ...pushed, Mass: { value: 0 } });
  await harness.run("physics", physics, { dt: 0.5 });
  assertEquals(harness.numbers(light, "Velocity.linear"), [3, 0, 0]);
  assertEquals(harness.numbers(heavy, "Velocity.linear"), [1, 0, 0]);
  assertEquals(harness.numbers(massless, "Velocity.linear"), [0, 0, 0]);
});

Deno.test("physics leaves what is static where it is", async () => {
  const harness = await SystemHarness.create();
  const rock = harness.spawn({ ...thing({ linear: [1, 2, 3] }), Static: {} });
  await harness.run("physics", physics);
  assertEquals(harness.numbers(rock, "Transform3D.translation"), [0, 0, 0]);
});

Deno.test("physics mirrors an elastic bounce off the bounds", async () => {
  const harness = await SystemHarness.create();
  harness.spawn({ Bounds: { min: [-1, -1, -1], max: [1, 1, 1] } });
  const ball = harness.spawn(thing({ translation: [0.75, 0, 0], linear: [1, 0.5, -0.25] }));
  await harness.run("physics", physics, { dt: 0.5 });
  assertEquals(harness.numbers(ball, "Transform3D.translation"), [0.75, 0.25, -0.125]);
  assertEquals(harness.numbers(ball, "Velocity.linear"), [-1, 0.5, -0.25]);
});

Deno.test("physics slows a bounce by the restitution of the bounds", async () => {
  const harness = await SystemHarness.create();
  harness.spawn({ Bounds: { min: [-1, -1, -1], max: [1, 1, 1], restitution: 0.5 } });
  const ball = harness.spawn(thing({ translation: [0, -0.75, 0], linear: [0, -1, 0] }));
  await harness.run("physics", physics, { dt: 0.5 });
  assertEquals(harness.numbers(ball, "Transform3D.translation"), [0, -0.875, 0]);
  assertEquals(harness.numbers(ball, "Velocity.linear"), [0, 0.5, 0]);
});

Deno.test("physics bounces off a sphere along its normal and keeps the speed", async () => {
  const harness = await SystemHarness.create();
  harness.spawn({ Static: {}, Transform3D: {}, Collider: { radius: 2 } });
  const ball = harness.spawn(thing({ translation: [2.5, 2.5, -0.5], linear: [-3, -3, 1] }));
  await harness.run("physics", physics, { dt: 0.5 });
  const velocity = harness.numbers(ball, "Velocity.linear");
  for (const [axis, expected] of [3, 3, 1].entries()) {
    assertAlmostEquals(velocity[axis], expected, 1e-5);
  }
  assertAlmostEquals(length(harness.numbers(ball, "Transform3D.translation")), 2, 1e-5);
});

Deno.test("physics leaves a box by the nearest face, with the collider's restitution", async () => {
  const harness = await SystemHarness.create();
  harness.spawn({
    Static: {},
    Transform3D: { translation: [10, 0, 0] },
    Collider: { half_extents: [2, 4, 2], radius: 0.5, restitution: 0.5 },
  });
  const ball = harness.spawn(thing({ translation: [8.5, 3, 0], linear: [2, 1, 0] }));
  await harness.run("physics", physics, { dt: 1 / 16 });
  assertEquals(harness.numbers(ball, "Transform3D.translation"), [7.5, 3.0625, 0]);
  assertEquals(harness.numbers(ball, "Velocity.linear"), [-1, 1, 0]);
});

Deno.test("physics keeps whatever starts within the bounds there, for any finite force", async () => {
  const harness = await SystemHarness.create();
  const [min, max] = [[-10, -4, 0], [10, 4, 1]];
  harness.spawn({ Bounds: { min, max, restitution: 0.75 } });
  const ball = harness.spawn({ ...thing({}), Mass: {} });
  const anyForce = vector(3.4e38);
  const place = fc.tuple(
    ...min.map((lo, axis) => fc.float({ min: lo, max: max[axis], noNaN: true })),
  );
  await fc.assert(
    fc.asyncProperty(
      place,
      vector(100),
      fc.array(anyForce, { minLength: 1, maxLength: 4 }),
      fc.float({ min: 0, max: 10, noNaN: true }),
      async (translation, linear, forces, mass) => {
        harness.set(ball, "Transform3D", { translation });
        harness.set(ball, "Velocity", { linear });
        harness.set(ball, "Mass", { value: mass });
        for (const value of forces) {
          harness.set(ball, "Force", { value });
          await harness.run("physics", physics);
          const now = harness.numbers(ball, "Transform3D.translation");
          assert(now.every((x, axis) => min[axis] <= x && x <= max[axis]), `${now}`);
          assert(harness.numbers(ball, "Velocity.linear").every(Number.isFinite));
        }
      },
    ),
  );
});

Deno.test("physics never lets anything into a collider", async () => {
  const harness = await SystemHarness.create();
  const half = [2, 0.5, 1];
  const radius = 0.75;
  harness.spawn({ Static: {}, Transform3D: {}, Collider: { half_extents: half, radius } });
  const ball = harness.spawn(thing({}));
  await fc.assert(
    fc.asyncProperty(vector(5), vector(8), vector(50), async (translation, linear, value) => {
      harness.set(ball, "Transform3D", { translation });
      harness.set(ball, "Velocity", { linear });
      harness.set(ball, "Force", { value });
      for (let step = 0; step < 10; step++) {
        await harness.run("physics", physics);
        const now = harness.numbers(ball, "Transform3D.translation");
        const beyond = now.map((x, axis) => Math.max(0, Math.abs(x) - half[axis]));
        assert(length(beyond) >= radius - 1e-5, `${now}`);
      }
    }),
  );
});
