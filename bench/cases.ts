/**
 * All cases of the bench, family by family.
 *
 * @module
 */
import type { BenchCase } from "./case.ts";
import { costCases } from "./cost_cases.ts";
import { durabilityCases } from "./durability_cases.ts";
import { ecsCases } from "./ecs_cases.ts";
import { editorCases } from "./editor_cases.ts";
import { scaleCases } from "./scale_cases.ts";
import { scheduleCases } from "./schedule_cases.ts";
import { tickCases } from "./tick_cases.ts";

export const CASES: readonly BenchCase[] = [
  ...tickCases,
  ...scaleCases,
  ...scheduleCases,
  ...costCases,
  ...durabilityCases,
  ...editorCases,
  ...ecsCases,
];
