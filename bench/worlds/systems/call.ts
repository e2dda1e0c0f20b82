/**
 * Waits for somebody else, a while per row, and has nothing to do meanwhile.
 *
 * @module
 */
import { defineSystem } from "orrery";
import { Call } from "../manifests/components.ts";

const MS_PER_ROW = 0.1;

export default defineSystem(import.meta, async ({ rows }) => {
  const { answers } = rows.write(Call);
  await new Promise((resolve) => setTimeout(resolve, MS_PER_ROW * rows.count));
  for (let i = 0; i < answers.length; i++) answers[i]++;
});
