/**
 * A frustum is the part of space that a camera sees: what is on the inner side
 * of six planes. They are rows of the camera's matrix, added and subtracted
 * (Gribb and Hartmann, "Fast Extraction of Viewing Frustum Planes from the
 * World-View-Projection Matrix", 2001).
 *
 * @module
 */
import type { ReadonlyMat4, ReadonlyVec3 } from "gl-matrix";

const PLANES = 6;

export class Frustum {
  /** Four numbers per plane: a point is on the inner side where ax + by + cz + d >= 0. */
  readonly #planes = new Float64Array(4 * PLANES);

  /** `matrix` takes world space to clip space: projection times view, column-major. */
  constructor(matrix: ReadonlyMat4) {
    // A point is in the view where -w <= x, y, z <= w in clip space, and each of
    // these is the point's product with one row of the matrix.
    for (let plane = 0; plane < PLANES; plane++) {
      const row = plane >> 1;
      const sign = plane % 2 === 0 ? 1 : -1;
      for (let column = 0; column < 4; column++) {
        const w = matrix[4 * column + 3];
        this.#planes[4 * plane + column] = w + sign * matrix[4 * column + row];
      }
    }
  }

  /**
   * False when the box along the world's axes is wholly on the outer side of a
   * plane. A box that is outside but near an edge of the frustum may pass.
   */
  mayIntersect(center: ReadonlyVec3, halfExtents: ReadonlyVec3): boolean {
    const planes = this.#planes;
    for (let i = 0; i < planes.length; i += 4) {
      const a = planes[i];
      const b = planes[i + 1];
      const c = planes[i + 2];
      // The distance of the corner that is farthest on the inner side, times the normal's length.
      const farthest = a * center[0] + b * center[1] + c * center[2] + planes[i + 3] +
        Math.abs(a) * halfExtents[0] + Math.abs(b) * halfExtents[1] + Math.abs(c) * halfExtents[2];
      if (farthest < 0) return false;
    }
    return true;
  }
}
