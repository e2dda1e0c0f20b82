// Generated from components.yaml by `deno task types`; do not edit.
import { component } from "orrery";

export const Position = component("Position", { value: "vec3" });

export const Velocity = component("Velocity", { linear: "vec3" });

/** A number that takes long to compute from the one before. */
export const Mix = component("Mix", { state: "u32" });

/** Work whose cost is known beforehand. */
export const Job = component("Job", {
  /** How long it keeps its instance busy. In ms. */
  ms: "f32",
  /** How often it was done. */
  runs: "u32",
});

/** A request to somewhere else. */
export const Call = component("Call", {
  /** How many there were. */
  answers: "u32",
});

/**
 * A column of numbers per lane and step; what a system writes is computed from the columns of the
 * step before.
 */
export const Cell = component("Cell", {
  a1: "u32",
  b1: "u32",
  c1: "u32",
  a2: "u32",
  b2: "u32",
  c2: "u32",
  a3: "u32",
  b3: "u32",
  c3: "u32",
  a4: "u32",
  b4: "u32",
  c4: "u32",
});
