/**
 * Quaternions as three angles, for people: turns around x, then y, then z (of the
 * fixed axes), in degrees. The formulas are the usual ones for intrinsic z-y'-x"
 * rotations (Diebel, "Representing Attitude", 2006).
 *
 * @module
 */

const DEGREES = 180 / Math.PI;
/** Beyond it y is at a right angle to within what a float says, and x and z turn alike. */
const GIMBAL_SINE = 0.999_999_5;

export type Angles = readonly [x: number, y: number, z: number];

/** The angles of a quaternion x, y, z, w, which need not be of length 1. */
export function toAngles(quaternion: readonly number[]): Angles {
  const length = Math.hypot(...quaternion);
  if (!(length > 0)) return [0, 0, 0];
  const [x, y, z, w] = quaternion.map((part) => part / length);
  const sine = 2 * (w * y - z * x);
  if (Math.abs(sine) > GIMBAL_SINE) {
    return [0, Math.sign(sine) * 90, -Math.sign(sine) * 2 * Math.atan2(x, w) * DEGREES];
  }
  return [
    Math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y)) * DEGREES,
    Math.asin(sine) * DEGREES,
    Math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)) * DEGREES,
  ];
}

/** The unit quaternion x, y, z, w of three angles. */
export function fromAngles([x, y, z]: Angles): [number, number, number, number] {
  const [sx, sy, sz] = [x, y, z].map((angle) => Math.sin(angle / DEGREES / 2));
  const [cx, cy, cz] = [x, y, z].map((angle) => Math.cos(angle / DEGREES / 2));
  return [
    sx * cy * cz - cx * sy * sz,
    cx * sy * cz + sx * cy * sz,
    cx * cy * sz - sx * sy * cz,
    cx * cy * cz + sx * sy * sz,
  ];
}
