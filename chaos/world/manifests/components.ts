// Generated from components.yaml by `deno task types`; do not edit.
import { component } from "orrery";

export const Position = component("Position", { value: "vec3" });

export const Velocity = component("Velocity", { value: "vec3" });

export const Age = component("Age", { ticks: "u32" });

/** Comes with age, so that entities move from table to table. */
export const Adult = component("Adult", {});

export const Wind = component("Wind", { value: "vec3" });
