/**
 * Turns the wind. In the ticks between, nothing is written, and so the drift's
 * broadcast set is not sent.
 *
 * @module
 */
import { defineSystem } from "orrery";
import { Wind } from "../manifests/components.ts";

const EVERY_TICKS = 8;
const SPEED = 3;

export default defineSystem(import.meta, ({ rows, tick, dt }) => {
  const { value: wind } = rows.write(Wind);
  if (tick % EVERY_TICKS !== 0) return;
  for (let i = 0; i < wind.length; i += 3) {
    wind[i] = SPEED * Math.cos(tick * dt);
    wind[i + 1] = 0;
    wind[i + 2] = SPEED * Math.sin(tick * dt);
  }
});
