/**
 * Prepares meshes for a renderer: the matrix that takes each to world space, the
 * box along the world's axes that holds it there, and whether the camera may see it.
 *
 * @module
 */
import { mat4, quat, type ReadonlyMat4, vec3 } from "gl-matrix";
import { type BroadcastSet, defineSystem } from "orrery";
import {
  BoundingBox,
  Camera,
  Mesh,
  Transform3D,
  Visibility,
  WorldMatrix,
} from "../manifests/components.ts";
import { Frustum } from "./frustum.ts";

export default defineSystem(import.meta, ({ rows, broadcast }) => {
  const frustum = broadcast.camera.derive(firstFrustum);
  const { translation, rotation, scale } = rows.read(Transform3D);
  const { extent } = rows.read(Mesh);
  const { value: worldMatrix } = rows.write(WorldMatrix);
  const { min, max } = rows.write(BoundingBox);
  const { visible } = rows.write(Visibility);
  const [center, size, local, half] = [vec3.create(), vec3.create(), vec3.create(), vec3.create()];
  const turn = quat.create();
  const matrix = mat4.create();

  for (let row = 0; row < rows.count; row++) {
    const i = 3 * row;
    const q = 4 * row;
    vec3.set(center, translation[i], translation[i + 1], translation[i + 2]);
    quat.set(turn, rotation[q], rotation[q + 1], rotation[q + 2], rotation[q + 3]);
    vec3.set(size, scale[i], scale[i + 1], scale[i + 2]);
    vec3.set(local, extent[i], extent[i + 1], extent[i + 2]);

    mat4.fromRotationTranslationScale(matrix, turn, center, size);
    transformExtent(half, local, matrix);
    worldMatrix.set(matrix, 16 * row);
    for (let axis = 0; axis < 3; axis++) {
      min[i + axis] = center[axis] - half[axis];
      max[i + axis] = center[axis] + half[axis];
    }
    visible[row] = frustum === undefined || frustum.mayIntersect(center, half) ? 1 : 0;
  }
});

/**
 * Half the size of the tightest box along the world's axes around a local box
 * centred on the origin: each world axis takes what every local axis adds to it,
 * whatever the sign (Arvo, "Transforming Axis-Aligned Bounding Boxes", in
 * "Graphics Gems", 1990).
 */
function transformExtent(out: vec3, local: vec3, matrix: ReadonlyMat4): void {
  for (let axis = 0; axis < 3; axis++) {
    out[axis] = Math.abs(matrix[axis]) * local[0] + Math.abs(matrix[4 + axis]) * local[1] +
      Math.abs(matrix[8 + axis]) * local[2];
  }
}

/** The view of the first camera. In a world without one nothing is hidden from it. */
function firstFrustum(set: BroadcastSet): Frustum | undefined {
  if (set.count === 0) return undefined;
  const { translation, rotation } = set.read(Transform3D);
  const { fov, aspect, near, far } = set.read(Camera);
  const place = vec3.fromValues(translation[0], translation[1], translation[2]);
  const turn = quat.fromValues(rotation[0], rotation[1], rotation[2], rotation[3]);

  // The view takes the camera's place and turn back; a camera's scale means nothing.
  const view = mat4.fromQuat(mat4.create(), quat.conjugate(turn, turn));
  mat4.translate(view, view, vec3.negate(place, place));
  const projection = mat4.perspective(mat4.create(), fov[0], aspect[0], near[0], far[0]);
  return new Frustum(mat4.multiply(projection, projection, view));
}
