/**
 * One step of one lane, whichever its manifest says: a cell becomes the sum of
 * itself, of those that it is made from, and one more.
 *
 * @module
 */
import { defineSystem } from "orrery";
import { Cell } from "../manifests/components.ts";
import { beBusy } from "./busy.ts";

/** Whichever system runs them, so that all do equal work. */
const MS_PER_ROW = 0.02;

export default defineSystem(import.meta, ({ rows }) => {
  const sources = Object.values(rows.read(Cell));
  const [target] = Object.values(rows.write(Cell));
  for (let i = 0; i < rows.count; i++) {
    target[i] = sources.reduce((sum, source) => sum + source[i], 1);
  }
  beBusy(MS_PER_ROW * rows.count);
});
