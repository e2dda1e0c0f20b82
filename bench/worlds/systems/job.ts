/**
 * Keeps its instance busy for as long as the rows say.
 *
 * @module
 */
import { defineSystem } from "orrery";
import { Job } from "../manifests/components.ts";
import { beBusy } from "./busy.ts";

export default defineSystem(import.meta, ({ rows }) => {
  const { ms } = rows.read(Job);
  const { runs } = rows.write(Job);
  let busyMs = 0;
  for (let i = 0; i < runs.length; i++) {
    busyMs += ms[i];
    runs[i]++;
  }
  beBusy(busyMs);
});
