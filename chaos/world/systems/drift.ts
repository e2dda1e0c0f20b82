/**
 * Moves everything by its velocity and the wind.
 *
 * @module
 */
import { defineSystem } from "orrery";
import { Position, Velocity, Wind } from "../manifests/components.ts";

export default defineSystem(import.meta, ({ rows, dt, broadcast }) => {
  const { value: wind } = broadcast.wind.read(Wind);
  const { value: velocity } = rows.read(Velocity);
  const { value: position } = rows.write(Position);
  for (let i = 0; i < position.length; i++) position[i] += (velocity[i] + wind[i % 3]) * dt;
});
