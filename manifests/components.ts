// Generated from components.yaml by `deno task types`; do not edit.
import { component } from "orrery";

/** Place, orientation and size of a thing in the world. */
export const Transform3D = component("Transform3D", {
  translation: "vec3",
  rotation: "quat",
  scale: "vec3",
});

export const Velocity = component("Velocity", {
  /** Metres per second. */
  linear: "vec3",
});

export const Force = component("Force", {
  /** Newtons that act on the thing during the next step. */
  value: "vec3",
});

/** Inertia; a thing without it weighs 1 kg. */
export const Mass = component("Mass", {
  /** Kilograms. */
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
  /** Half the box's size before rounding. */
  half_extents: "vec3",
  radius: "f32",
  /** Share of the normal speed that a bounce keeps. */
  restitution: "f32",
});

/** The box in world space that everything that moves stays in. */
export const Bounds = component("Bounds", {
  min: "vec3",
  max: "vec3",
  /** Share of the normal speed that a bounce keeps. */
  restitution: "f32",
});

export const Mesh = component("Mesh", {
  asset: "string",
  /** Half the size of the local bounds. */
  extent: "vec3",
});

/** A perspective camera that looks along its -z axis. */
export const Camera = component("Camera", {
  /** Vertical field of view in radians. */
  fov: "f32",
  /** Width by height. */
  aspect: "f32",
  near: "f32",
  far: "f32",
});

export const WorldMatrix = component("WorldMatrix", {
  /** From local to world space, column-major. */
  value: "mat4",
});

/** World-space bounds of the mesh, along the world's axes. */
export const BoundingBox = component("BoundingBox", { min: "vec3", max: "vec3" });

export const Visibility = component("Visibility", {
  /** Whether the bounding box is in the camera's view. */
  visible: "bool",
});
