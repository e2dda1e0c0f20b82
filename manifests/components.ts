// Generated from components.yaml by `deno task types`; do not edit.
import { component } from "orrery";

/** Place, orientation and size of a thing in the world. */
export const Transform3D = component("Transform3D", {
  /** In m. */
  translation: "vec3",
  rotation: "quat",
  scale: "vec3",
});

export const Velocity = component("Velocity", {
  /** In m/s. */
  linear: "vec3",
});

export const Force = component("Force", {
  /** Acts on the thing during the next step. In N. */
  value: "vec3",
});

/** Inertia; a thing without it weighs 1 kg. */
export const Mass = component("Mass", {
  /** In kg. */
  value: "f32",
});

/** A member of the flock. */
export const Boid = component("Boid", {});

/** Never moves. */
export const Static = component("Static", {});

/**
 * A box along the world's axes, around the translation, with edges rounded by `radius`. Without
 * extents it is a sphere.
 */
export const Collider = component("Collider", {
  /** Half the box's size before rounding. In m. */
  half_extents: "vec3",
  /** In m. */
  radius: "f32",
  /** Share of the normal speed that a bounce keeps. */
  restitution: "f32",
});

/** The box in world space that everything that moves stays in. */
export const Bounds = component("Bounds", {
  /** In m. */
  min: "vec3",
  /** In m. */
  max: "vec3",
  /** Share of the normal speed that a bounce keeps. */
  restitution: "f32",
});

export const Mesh = component("Mesh", {
  asset: "string",
  /** Half the size of the local bounds. In m. */
  extent: "vec3",
});

/** A perspective camera that looks along its -z axis. */
export const Camera = component("Camera", {
  /** Vertical field of view. In rad. */
  fov: "f32",
  /** Width by height. */
  aspect: "f32",
  /** In m. */
  near: "f32",
  /** In m. */
  far: "f32",
});

export const WorldMatrix = component("WorldMatrix", {
  /** From local to world space, column-major. */
  value: "mat4",
});

/** World-space bounds of the mesh, along the world's axes. */
export const BoundingBox = component("BoundingBox", {
  /** In m. */
  min: "vec3",
  /** In m. */
  max: "vec3",
});

export const Visibility = component("Visibility", {
  /** Whether the bounding box is in the camera's view. */
  visible: "bool",
});
