// Generated from components.yaml by `deno task types`; do not edit.
import { component } from "orrery";

export const Position = component("Position", { value: "vec3" });

export const Velocity = component("Velocity", { linear: "vec3" });
