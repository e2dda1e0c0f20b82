import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import { mat4, quat, vec3 } from "gl-matrix";
import render_prep from "../systems/render_prep.ts";
import { SystemHarness } from "./system_harness.ts";

const SEEN = { WorldMatrix: {}, BoundingBox: {}, Visibility: {} };
const CAMERA = { fov: 1, aspect: 1.5, near: 0.5, far: 100 };

function number(min: number, max: number) {
  return fc.float({ min: Math.fround(min), max: Math.fround(max), noNaN: true });
}

function vector(min: number, max: number) {
  return fc.tuple(number(min, max), number(min, max), number(min, max));
}

const rotation = fc.tuple(vector(-1, 1), number(-3, 3)).map(([[x, y, z], angle]) => {
  const axis = vec3.normalize(vec3.create(), [x, y, z + 2]);
  return Array.from(quat.setAxisAngle(quat.create(), axis, angle) as Float32Array);
});

const pose = fc.record({
  translation: vector(-100, 100),
  rotation,
  scale: vector(0.125, 4),
});

/** The eight corners of a box, from those of the cube from -1 to 1. */
function corners(corner: (signs: readonly number[]) => vec3): vec3[] {
  return Array.from({ length: 8 }, (_, i) => corner([1, 2, 4].map((bit) => i & bit ? 1 : -1)));
}

Deno.test("render_prep composes translation, rotation and scale into a world matrix", async () => {
  const harness = await SystemHarness.create();
  const mesh = harness.spawn({ ...SEEN, Transform3D: {}, Mesh: {} });
  await fc.assert(fc.asyncProperty(pose, async (values) => {
    harness.set(mesh, "Transform3D", values);
    await harness.run("render_prep", render_prep);
    const expected = mat4.create();
    mat4.translate(expected, expected, values.translation);
    const turn = mat4.fromQuat(mat4.create(), values.rotation as [number, number, number, number]);
    mat4.multiply(expected, expected, turn);
    mat4.scale(expected, expected, values.scale);
    for (const [i, value] of harness.numbers(mesh, "WorldMatrix.value").entries()) {
      assertAlmostEquals(value, expected[i], 1e-4);
    }
  }));
});

Deno.test("render_prep puts the tightest box around the mesh's transformed corners", async () => {
  const harness = await SystemHarness.create();
  const mesh = harness.spawn({ ...SEEN, Transform3D: {}, Mesh: {} });
  await fc.assert(fc.asyncProperty(pose, vector(0, 10), async (values, extent) => {
    harness.set(mesh, "Transform3D", values);
    harness.set(mesh, "Mesh", { extent });
    await harness.run("render_prep", render_prep);
    const matrix = harness.numbers(mesh, "WorldMatrix.value") as unknown as mat4;
    const points = corners((signs) =>
      vec3.transformMat4(vec3.create(), vec3.multiply(vec3.create(), signs as vec3, extent), matrix)
    );
    const [min, max] = ["BoundingBox.min", "BoundingBox.max"].map((term) =>
      harness.numbers(mesh, term)
    );
    for (let axis = 0; axis < 3; axis++) {
      const along = points.map((point) => point[axis]);
      assertAlmostEquals(min[axis], Math.min(...along), 1e-3);
      assertAlmostEquals(max[axis], Math.max(...along), 1e-3);
    }
  }));
});

Deno.test("render_prep culls as a test of the box's corners does where that is clear", async () => {
  const harness = await SystemHarness.create();
  const camera = harness.spawn({ Transform3D: {}, Camera: CAMERA });
  const mesh = harness.spawn({ ...SEEN, Transform3D: {}, Mesh: {} });
  const seen = { inside: 0, outside: 0 };
  await fc.assert(
    fc.asyncProperty(pose, vector(-60, 60), vector(0, 4), async (view, translation, extent) => {
      harness.set(camera, "Transform3D", view);
      harness.set(mesh, "Transform3D", { translation });
      harness.set(mesh, "Mesh", { extent });
      await harness.run("render_prep", render_prep);
      const places = corners((signs) => {
        const corner = vec3.add(
          vec3.create(),
          translation,
          vec3.multiply(vec3.create(), signs as vec3, extent),
        );
        return toCameraSpace(corner, view);
      });
      const sides = places.map(sidesBeyond);
      const visible = harness.flag(mesh, "Visibility.visible");
      if (sides.every((beyond) => beyond.every((depth) => depth < -0.01))) {
        assert(visible, "all corners are in the view");
        seen.inside++;
      }
      if (sides[0].some((_, side) => sides.every((beyond) => beyond[side] > 0.01))) {
        assert(!visible, "all corners are beyond one side of the view");
        seen.outside++;
      }
    }),
    { numRuns: 300 },
  );
  assert(seen.inside > 0 && seen.outside > 0, JSON.stringify(seen));
});

/** A place as the camera has it: x to the right, y up, -z ahead. */
function toCameraSpace(
  place: vec3,
  { translation, rotation }: { translation: readonly number[]; rotation: readonly number[] },
): vec3 {
  const [x, y, z, w] = rotation;
  const offset = vec3.subtract(vec3.create(), place, translation as [number, number, number]);
  return vec3.transformQuat(offset, offset, [-x, -y, -z, w]);
}

/** How far beyond each side of the view a place is, by trigonometry; negative within. */
function sidesBeyond([x, y, z]: vec3): number[] {
  const { near, far, fov, aspect } = CAMERA;
  const top = -z * Math.tan(fov / 2);
  const right = top * aspect;
  return [near + z, -z - far, x - right, -x - right, y - top, -y - top];
}

Deno.test("render_prep shows what is ahead and hides what is behind, beside, or too far", async () => {
  const harness = await SystemHarness.create();
  harness.spawn({ Transform3D: {}, Camera: CAMERA });
  const places = [[0, 0, -10], [0, 0, 10], [20, 0, -10], [0, -20, -10], [0, 0, -110], [0, 0, 0]];
  const meshes = places.map((translation) =>
    harness.spawn({ ...SEEN, Transform3D: { translation }, Mesh: {} })
  );
  await harness.run("render_prep", render_prep);
  const visible = meshes.map((mesh) => harness.flag(mesh, "Visibility.visible"));
  assertEquals(visible, [true, false, false, false, false, true]);
});

Deno.test("render_prep takes the first of several cameras", async () => {
  const harness = await SystemHarness.create();
  harness.spawn({ Transform3D: {}, Camera: CAMERA });
  harness.spawn({ Transform3D: { rotation: [0, 1, 0, 0] }, Camera: CAMERA });
  const ahead = harness.spawn({ ...SEEN, Transform3D: { translation: [0, 0, -10] }, Mesh: {} });
  const behind = harness.spawn({ ...SEEN, Transform3D: { translation: [0, 0, 10] }, Mesh: {} });
  await harness.run("render_prep", render_prep);
  assertEquals(harness.flag(ahead, "Visibility.visible"), true);
  assertEquals(harness.flag(behind, "Visibility.visible"), false);
});

Deno.test("render_prep hides nothing in a world without a camera", async () => {
  const harness = await SystemHarness.create();
  const mesh = harness.spawn({ ...SEEN, Transform3D: { translation: [0, 0, 1e4] }, Mesh: {} });
  await harness.run("render_prep", render_prep);
  assertEquals(harness.flag(mesh, "Visibility.visible"), true);
});
