/**
 * The camera of the viewport: it looks at a point from some way off, and is turned,
 * shifted and brought nearer around it.
 *
 * @module
 */
import { mat4, vec3 } from "gl-matrix";

export interface Camera {
  readonly target: readonly [number, number, number];
  /** In radians; yaw around the vertical axis, pitch up and down. */
  readonly yaw: number;
  readonly pitch: number;
  readonly distance: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export const CAMERA_FIRST: Camera = { target: [0, 0, 0], yaw: 0.6, pitch: 0.45, distance: 200 };

const FIELD_OF_VIEW = 0.9;
const PITCH_MAX = Math.PI / 2 - 0.01;
const DISTANCE_MIN = 0.01;
const DISTANCE_MAX = 1e7;
const TURN_PER_PIXEL = 0.007;

export function orbit(camera: Camera, dx: number, dy: number): Camera {
  const pitch = camera.pitch + dy * TURN_PER_PIXEL;
  return {
    ...camera,
    yaw: camera.yaw - dx * TURN_PER_PIXEL,
    pitch: Math.max(-PITCH_MAX, Math.min(PITCH_MAX, pitch)),
  };
}

export function zoom(camera: Camera, factor: number): Camera {
  const distance = Math.max(DISTANCE_MIN, Math.min(DISTANCE_MAX, camera.distance * factor));
  return { ...camera, distance };
}

/** Shifts what is seen by so many pixels of a view of `height`. */
export function pan(
  camera: Camera,
  { dx, dy }: { dx: number; dy: number },
  { height }: Pick<Size, "height">,
): Camera {
  const { right, up } = axesOf(camera);
  const scale = unitsPerPixel(camera.distance, height);
  const target = camera.target.map((value, k) =>
    value - scale * dx * right[k] + scale * dy * up[k]
  ) as [number, number, number];
  return { ...camera, target };
}

/** World units that a pixel spans at some distance. */
function unitsPerPixel(distance: number, height: number): number {
  return 2 * distance * Math.tan(FIELD_OF_VIEW / 2) / Math.max(1, height);
}

/** The camera that sees all of some positions, three numbers each, from where it looks. */
export function frame(camera: Camera, positions: ArrayLike<number>): Camera {
  if (positions.length < 3) return camera;
  const min = [Infinity, Infinity, Infinity];
  const max = [-Infinity, -Infinity, -Infinity];
  for (let i = 0; i + 2 < positions.length; i += 3) {
    for (let k = 0; k < 3; k++) {
      const value = positions[i + k];
      if (value < min[k]) min[k] = value;
      if (value > max[k]) max[k] = value;
    }
  }
  if (![...min, ...max].every(Number.isFinite)) return camera;
  const radius = Math.max(1, Math.hypot(...min.map((low, k) => max[k] - low)) / 2);
  return {
    ...camera,
    target: min.map((low, k) => (low + max[k]) / 2) as [number, number, number],
    distance: radius / Math.sin(FIELD_OF_VIEW / 2),
  };
}

/** World to clip space, column-major. */
export function viewProjection(camera: Camera, { width, height }: Size): mat4 {
  const { distance } = camera;
  const projection = mat4.perspective(
    mat4.create(),
    FIELD_OF_VIEW,
    width / Math.max(1, height),
    distance / 100,
    distance * 100,
  );
  const view = mat4.lookAt(mat4.create(), eyeOf(camera), [...camera.target], [0, 1, 0]);
  return mat4.multiply(projection, projection, view);
}

function eyeOf({ target, yaw, pitch, distance }: Camera): vec3 {
  return vec3.fromValues(
    target[0] + distance * Math.cos(pitch) * Math.sin(yaw),
    target[1] + distance * Math.sin(pitch),
    target[2] + distance * Math.cos(pitch) * Math.cos(yaw),
  );
}

function axesOf(camera: Camera): { right: vec3; up: vec3 } {
  const forward = vec3.sub(vec3.create(), [...camera.target], eyeOf(camera));
  const right = vec3.normalize(vec3.create(), vec3.cross(vec3.create(), forward, [0, 1, 0]));
  const up = vec3.normalize(vec3.create(), vec3.cross(vec3.create(), right, forward));
  return { right, up };
}

/** Where a point is on the view, and how far into it; undefined behind the camera. */
export function project(
  matrix: mat4,
  point: ArrayLike<number>,
  { width, height }: Size,
): { x: number; y: number; depth: number } | undefined {
  const [x, y, z] = [point[0], point[1], point[2]];
  const row = (k: number) => matrix[k] * x + matrix[k + 4] * y + matrix[k + 8] * z + matrix[k + 12];
  const w = row(3);
  if (w <= 0) return undefined;
  return { x: (row(0) / w + 1) / 2 * width, y: (1 - row(1) / w) / 2 * height, depth: w };
}

/** How a point moves that is dragged over the view by some pixels, at its own depth. */
export function dragBy(
  camera: Camera,
  { dx, dy, depth }: { dx: number; dy: number; depth: number },
  { height }: Pick<Size, "height">,
): [number, number, number] {
  const { right, up } = axesOf(camera);
  const scale = unitsPerPixel(depth, height);
  return [0, 1, 2].map((k) => scale * dx * right[k] - scale * dy * up[k]) as [
    number,
    number,
    number,
  ];
}

/** The slot of the position nearest to a place on the view; of several, the one in front. */
export function pick(
  matrix: mat4,
  positions: { from: Float32Array; to: Float32Array; share: number },
  { x, y, size, radius }: { x: number; y: number; size: Size; radius: number },
): number | undefined {
  const { from, to, share } = positions;
  let best: number | undefined;
  let bestRank = Infinity;
  for (let i = 0; i < from.length; i += 3) {
    const at = [0, 1, 2].map((k) => from[i + k] + share * (to[i + k] - from[i + k]));
    const seen = project(matrix, at, size);
    if (seen === undefined) continue;
    const distance = Math.hypot(seen.x - x, seen.y - y);
    if (distance > radius) continue;
    // A pixel counts for as much as a hundredth of the depth.
    const rank = seen.depth * (1 + distance / 100);
    if (rank < bestRank) {
      bestRank = rank;
      best = i / 3;
    }
  }
  return best;
}
