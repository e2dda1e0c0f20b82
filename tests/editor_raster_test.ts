import { assert, assertEquals } from "@std/assert";
import { mat4 } from "gl-matrix";
import { CAMERA_FIRST, viewProjection } from "../editor/model/camera.ts";
import { packColour, PointRaster, type Points } from "../editor/model/point_raster.ts";

const SIZE = { width: 8, height: 4 };
const [RED, GREEN] = [packColour([1, 0, 0]), packColour([0, 1, 0])];

/** Points that are where they are, seen without any perspective. */
function points(to: readonly number[], others: Partial<Points> = {}): Points {
  return {
    from: Float32Array.from(to),
    to: Float32Array.from(to),
    share: 1,
    kinds: new Float32Array(to.length / 3),
    colours: Uint32Array.of(RED, GREEN),
    matrix: mat4.create(),
    size: 2,
    ...others,
  };
}

/** The picture in rows of characters. */
function drawn(points: Points): string[] {
  const raster = new PointRaster(SIZE);
  raster.draw(points);
  const signs = Array.from(raster.pixels, (pixel) => pixel === RED ? "r" : pixel === 0 ? "." : "g");
  return Array.from(
    { length: SIZE.height },
    (_, row) => signs.slice(row * SIZE.width, (row + 1) * SIZE.width).join(""),
  );
}

Deno.test("PointRaster draws a square in the middle of where a point is", () => {
  assertEquals(drawn(points([0, 0, 0])), ["........", "...rr...", "...rr...", "........"]);
});

Deno.test("PointRaster cuts off what is beyond the borders", () => {
  assertEquals(drawn(points([-1, 1, 0, 1, -1, 0])), [
    "r.......",
    "........",
    "........",
    ".......r",
  ]);
  const far = [1e30, 0, 0, -Infinity, 0, 0, NaN, 0, 0];
  assertEquals(drawn(points(far)), Array(4).fill("........"));
});

Deno.test("PointRaster goes the share of the way", () => {
  const on = points([0, 0, 0], { from: Float32Array.of(-1, 0, 0), share: 0.5 });
  assertEquals(drawn(on), ["........", ".rr.....", ".rr.....", "........"]);
});

Deno.test("PointRaster shows the nearest of several, and none behind the camera", () => {
  const matrix = viewProjection({ ...CAMERA_FIRST, yaw: 0, pitch: 0, distance: 10 }, SIZE);
  const [near, far, behind] = [[0, 0, 5], [0, 0, -5], [0, 0, 11]];
  for (const order of [[near, far], [far, near]]) {
    const kinds = Float32Array.from(order, (point) => point === near ? 1 : 0);
    const picture = drawn(points(order.flat(), { kinds, matrix })).join("");
    assert(picture.includes("g") && !picture.includes("r"), picture);
  }
  assertEquals(drawn(points(behind, { matrix })), Array(4).fill("........"));
});
