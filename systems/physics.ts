/**
 * Moves everything by its velocity and the force on it, by one step of
 * semi-implicit Euler per tick: the force changes the velocity, and then the
 * *new* velocity changes the place. That order makes the step symplectic: its
 * error is of first order, like the explicit Euler's, but the energy of an
 * oscillation stays within bounds instead of growing (Hairer, Lubich and Wanner,
 * "Geometric Numerical Integration", 2nd ed., I.1 and IX.3).
 *
 * What moves is a point. It bounces off the world's bounds and off whatever is
 * static and has a collider; collisions are looked for where a step ends, so a
 * thing must be thicker than the way that others go in a step.
 *
 * @module
 */
import { vec3 } from "gl-matrix";
import { type BroadcastSet, defineSystem } from "orrery";
import { Bounds, Collider, Force, Mass, Transform3D, Velocity } from "../manifests/components.ts";
import { type Body, RoundedBox } from "./rounded_box.ts";

/** Along each axis, in m/s: whatever the forces, numbers stay finite. */
const SPEED_MAX = 1e6;
/** Leaving one collider may lead into another; after so many rounds it is stuck between them. */
const COLLISION_ROUNDS_MAX = 4;

interface Box {
  readonly min: ArrayLike<number>;
  readonly max: ArrayLike<number>;
  readonly restitution: number;
}

export default defineSystem(import.meta, ({ rows, dt, broadcast }) => {
  const obstacles = broadcast.obstacles.derive(gatherObstacles);
  const bounds = broadcast.bounds.derive(firstBounds);
  const { translation } = rows.write(Transform3D);
  const { linear } = rows.write(Velocity);
  const { value: force } = rows.read(Force);
  const mass = rows.optional(Mass)?.value;
  const push = vec3.create();
  const body: Body = { position: vec3.create(), velocity: vec3.create() };
  const { position, velocity } = body;

  for (let row = 0; row < rows.count; row++) {
    const i = 3 * row;
    vec3.set(position, translation[i], translation[i + 1], translation[i + 2]);
    vec3.set(velocity, linear[i], linear[i + 1], linear[i + 2]);
    vec3.set(push, force[i], force[i + 1], force[i + 2]);

    vec3.scaleAndAdd(velocity, velocity, push, dt * inverseOf(mass?.[row]));
    limitSpeed(velocity);
    vec3.scaleAndAdd(position, position, velocity, dt);

    leaveObstacles(body, obstacles);
    if (bounds) stayInside(body, bounds);
    translation.set(position, i);
    linear.set(velocity, i);
  }
});

function gatherObstacles(set: BroadcastSet): RoundedBox[] {
  const { translation } = set.read(Transform3D);
  const { half_extents, radius, restitution } = set.read(Collider);
  const at = (column: ArrayLike<number>, row: number) =>
    vec3.fromValues(column[3 * row], column[3 * row + 1], column[3 * row + 2]);
  return Array.from({ length: set.count }, (_, row) =>
    new RoundedBox({
      center: at(translation, row),
      halfExtents: at(half_extents, row),
      radius: radius[row],
      restitution: restitution[row],
    }));
}

/** A world has one; of several the first counts, and without any there is no end. */
function firstBounds(set: BroadcastSet): Box | undefined {
  const { min, max, restitution } = set.read(Bounds);
  return set.count > 0 ? { min, max, restitution: restitution[0] } : undefined;
}

/** A thing without mass weighs 1 kg; one whose mass is not positive is moved by no force. */
function inverseOf(mass = 1): number {
  return mass > 0 ? 1 / mass : 0;
}

function limitSpeed(velocity: vec3): void {
  for (let axis = 0; axis < 3; axis++) {
    velocity[axis] = Math.max(-SPEED_MAX, Math.min(SPEED_MAX, velocity[axis]));
  }
}

function leaveObstacles(body: Body, obstacles: readonly RoundedBox[]): void {
  for (let round = 0; round < COLLISION_ROUNDS_MAX; round++) {
    let isInside = false;
    for (const obstacle of obstacles) {
      if (obstacle.collide(body)) isInside = true;
    }
    if (!isInside) return;
  }
}

/** Mirrors what went through a wall, the way that a bounce in mid-step would have gone. */
function stayInside({ position, velocity }: Body, { min, max, restitution }: Box): void {
  for (let axis = 0; axis < 3; axis++) {
    const lo = min[axis];
    const hi = max[axis];
    const beyond = position[axis] - Math.max(lo, Math.min(hi, position[axis]));
    if (beyond === 0) continue;
    const wall = beyond < 0 ? lo : hi;
    position[axis] = Math.max(lo, Math.min(hi, wall - restitution * beyond));
    if (velocity[axis] * beyond > 0) velocity[axis] *= -restitution;
  }
}
