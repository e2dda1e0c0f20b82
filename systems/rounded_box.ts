/**
 * A rounded box is all that is within `radius` of a box along the world's axes;
 * without extents it is a sphere. It is what things collide with.
 *
 * @module
 */
import { type ReadonlyVec3, vec3 } from "gl-matrix";

/** A moving point. */
export interface Body {
  /** In metres. */
  readonly position: vec3;
  /** In metres per second. */
  readonly velocity: vec3;
}

export interface RoundedBoxOptions {
  readonly center: ReadonlyVec3;
  /** Half the box's size before rounding. */
  readonly halfExtents: ReadonlyVec3;
  readonly radius: number;
  /** Share of the normal speed that a bounce keeps, 0 to 1. */
  readonly restitution: number;
}

export class RoundedBox {
  readonly #options: RoundedBoxOptions;
  /** Half the size of the box that holds all of it. */
  readonly #reach: vec3;
  /** The way from the centre to the body, and to the point of the inner box that is nearest to it. */
  readonly #offset = vec3.create();
  readonly #nearest = vec3.create();
  readonly #normal = vec3.create();

  constructor(options: RoundedBoxOptions) {
    const { radius, halfExtents } = options;
    this.#options = options;
    this.#reach = vec3.add(vec3.create(), halfExtents, [radius, radius, radius]);
  }

  /**
   * Puts a body that is inside on the surface, at the nearest point, and has it
   * bounce off where it moves inwards. Returns whether it was inside.
   */
  collide(body: Body): boolean {
    const { center, restitution, radius } = this.#options;
    const { position, velocity } = body;
    vec3.subtract(this.#offset, position, center);
    if (this.#isFar() || !this.#findSurface()) return false;

    vec3.add(position, center, this.#nearest);
    vec3.scaleAndAdd(position, position, this.#normal, radius);
    const normalSpeed = vec3.dot(velocity, this.#normal);
    if (normalSpeed < 0) {
      vec3.scaleAndAdd(velocity, velocity, this.#normal, -(1 + restitution) * normalSpeed);
    }
    return true;
  }

  #isFar(): boolean {
    const offset = this.#offset;
    const reach = this.#reach;
    return Math.abs(offset[0]) >= reach[0] || Math.abs(offset[1]) >= reach[1] ||
      Math.abs(offset[2]) >= reach[2];
  }

  /** Sets the nearest point of the inner box and the normal there; false when outside. */
  #findSurface(): boolean {
    const { halfExtents, radius } = this.#options;
    const nearest = this.#nearest;
    const normal = this.#normal;
    for (let axis = 0; axis < 3; axis++) {
      const half = halfExtents[axis];
      nearest[axis] = Math.max(-half, Math.min(half, this.#offset[axis]));
    }
    vec3.subtract(normal, this.#offset, nearest);
    const distance = vec3.length(normal);
    if (distance >= radius && distance > 0) return false;
    if (distance > 0) vec3.scale(normal, normal, 1 / distance);
    else this.#leaveByNearestFace();
    return true;
  }

  /** In the inner box, where every distance to it is zero, the nearest face gives the normal. */
  #leaveByNearestFace(): void {
    const { halfExtents } = this.#options;
    const offset = this.#offset;
    const depth = (axis: number) => halfExtents[axis] - Math.abs(offset[axis]);
    let nearestAxis = 0;
    for (let axis = 1; axis < 3; axis++) if (depth(axis) < depth(nearestAxis)) nearestAxis = axis;
    const side = offset[nearestAxis] < 0 ? -1 : 1;
    vec3.zero(this.#normal);
    this.#normal[nearestAxis] = side;
    this.#nearest[nearestAxis] = side * halfExtents[nearestAxis];
  }
}
