import { assert, assertEquals } from "@std/assert";
import {
  CAMERA_FIRST,
  dragBy,
  frame,
  orbit,
  pan,
  pick,
  project,
  viewProjection,
  zoom,
} from "../editor/model/camera.ts";
import { groundGrid } from "../editor/model/ground_grid.ts";
import { Motion } from "../editor/model/motion.ts";
import { channelsOf } from "../editor/page/panels/palette.ts";

const SIZE = { width: 800, height: 600 };

function motionOf(
  positions: Record<number, number[]>,
  nowMs: number,
  motion = new Motion({ capacityMax: 3 }),
) {
  motion.begin(nowMs);
  motion.place({
    entities: Object.keys(positions).map(Number),
    positions: Object.values(positions).flat(),
    stride: 3,
    kind: 0,
  });
  return motion;
}

Deno.test("Motion glides from where an entity is shown to where it went", () => {
  const motion = motionOf({ 1: [0, 0, 0] }, 1000);
  assertEquals(motion.positionOf(1, 1000), [0, 0, 0]);
  motionOf({ 1: [10, 0, 0] }, 1100, motion);
  assertEquals(motion.positionOf(1, 1100), [0, 0, 0]);
  assertEquals(motion.positionOf(1, 1150), [5, 0, 0]);
  motionOf({ 1: [20, 0, 0] }, 1150, motion);
  assertEquals(motion.positionOf(1, 1150), [5, 0, 0]);
  assertEquals(motion.positionOf(1, 1175), [12.5, 0, 0]);
  assertEquals(motion.positionOf(1, 9999), [20, 0, 0]);
});

Deno.test("Motion jumps where nothing was heard for long", () => {
  const motion = motionOf({ 1: [0, 0, 0] }, 1000);
  motionOf({ 1: [10, 0, 0] }, 9000, motion);
  assertEquals(motion.positionOf(1, 9000), [10, 0, 0]);
});

Deno.test("Motion forgets who is gone, and takes no more than it has room for", () => {
  const motion = motionOf({ 1: [1, 1, 1], 2: [2, 2, 2], 3: [3, 3, 3], 4: [4, 4, 4] }, 0);
  assertEquals([motion.count, motion.slotOf(4)], [3, undefined]);
  motion.remove([1, 77]);
  assertEquals([motion.count, motion.positionOf(1, 0)], [2, undefined]);
  assertEquals([motion.positionOf(3, 0), motion.entityAt(motion.slotOf(3) ?? -1)], [[3, 3, 3], 3]);
  motion.clear();
  assertEquals([motion.count, motion.to.length], [0, 0]);
});

Deno.test("Motion grows", () => {
  const motion = new Motion({ capacityMax: 5000 });
  const entities = Array.from({ length: 3000 }, (_, i) => i + 1);
  motion.place({ entities, positions: new Float32Array(6000).fill(2), stride: 2, kind: 1 });
  assertEquals([motion.count, motion.positionOf(3000, 0)], [3000, [2, 2, 0]]);
});

Deno.test("frame() puts what is framed into the middle of the view, and all of it into the view", () => {
  const positions = [10, 20, 30, 14, 26, 38];
  const camera = frame(CAMERA_FIRST, positions);
  assertEquals(camera.target, [12, 23, 34]);
  const matrix = viewProjection(camera, SIZE);
  const middle = project(matrix, camera.target, SIZE);
  assert(middle && Math.abs(middle.x - 400) < 0.01 && Math.abs(middle.y - 300) < 0.01);
  for (const point of [positions.slice(0, 3), positions.slice(3)]) {
    const { x, y } = project(matrix, point, SIZE) ?? { x: -1, y: -1 };
    assert(x > 0 && x < 800 && y > 0 && y < 600, `${x} ${y}`);
  }
  assertEquals(frame(camera, []), camera);
});

Deno.test("the camera does not turn over its poles or come nearer than it may", () => {
  assert(orbit(CAMERA_FIRST, 0, 1e6).pitch < Math.PI / 2);
  assert(zoom(CAMERA_FIRST, 1e-12).distance > 0);
});

Deno.test("pan() and dragBy() move a point by the pixels that the pointer moved", () => {
  const by = { dx: 40, dy: -25 };
  const panned = pan(CAMERA_FIRST, by, SIZE);
  const seen = project(viewProjection(panned, SIZE), CAMERA_FIRST.target, SIZE);
  assert(seen && Math.abs(seen.x - 440) < 0.5 && Math.abs(seen.y - 275) < 0.5);
  const point = [5, 6, 7];
  const matrix = viewProjection(CAMERA_FIRST, SIZE);
  const before = project(matrix, point, SIZE);
  const delta = dragBy(CAMERA_FIRST, { ...by, depth: before?.depth ?? 0 }, SIZE);
  const after = project(matrix, point.map((value, k) => value + delta[k]), SIZE);
  assert(before && after);
  assert(Math.abs(after.x - before.x - 40) < 0.5 && Math.abs(after.y - before.y + 25) < 0.5);
});

Deno.test("pick() takes the point under the pointer, and of several the one in front", () => {
  const matrix = viewProjection(CAMERA_FIRST, SIZE);
  const behind = CAMERA_FIRST.target;
  const at = project(matrix, behind, SIZE);
  const positions = Float32Array.of(...behind, 60, 0, 0, ...behind);
  const where = { from: positions, to: positions, share: 1 };
  const options = { x: at?.x ?? 0, y: at?.y ?? 0, size: SIZE, radius: 6 };
  assertEquals(pick(matrix, where, options), 0);
  assertEquals(pick(matrix, where, { ...options, x: 5, y: 5 }), undefined);
});

Deno.test("groundGrid() has lines of round numbers around what is looked at", () => {
  const grid = groundGrid({ target: [103, 50, -7], distance: 200 });
  assertEquals(grid.length, 21 * 4 * 3);
  assert(grid.every((value) => value % 10 === 0));
});

Deno.test("channelsOf() reads colours as browsers tell them, and has grey for all others", () => {
  assertEquals(channelsOf("rgb(255, 0, 51)"), [1, 0, 0.2]);
  assertEquals(channelsOf("light-dark(#fff, #000)"), [128 / 255, 128 / 255, 128 / 255]);
});
