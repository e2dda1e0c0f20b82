/**
 * The least that a system can do with what it is sent.
 *
 * @module
 */
import { defineSystem } from "orrery";
import { Position, Velocity } from "../manifests/components.ts";

export default defineSystem(import.meta, ({ rows, dt }) => {
  const { value } = rows.write(Position);
  const { linear } = rows.read(Velocity);
  for (let i = 0; i < value.length; i++) value[i] += linear[i] * dt;
});
