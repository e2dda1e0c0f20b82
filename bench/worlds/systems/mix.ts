/**
 * Computes long and moves little.
 *
 * @module
 */
import { defineSystem } from "orrery";
import { Mix } from "../manifests/components.ts";
import { mixAll } from "./mixing.ts";

export default defineSystem(import.meta, ({ rows }) => mixAll(rows.write(Mix).state));
