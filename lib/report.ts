/**
 * What a process tells the person who runs it, line by line.
 *
 * @module
 */
import type { Clock } from "./clock.ts";

export interface Report {
  info(line: string): void;
  warn(line: string): void;
}

const WARNINGS_PER_SECOND_MAX = 5;
const SECOND_MS = 1000;

/** Passes at most a few warnings a second on, and says how many it kept back. */
export function limitWarnings(report: Report, clock: Clock): Report {
  let secondStart = clock.now();
  let passed = 0;
  let held = 0;
  return {
    info: (line) => report.info(line),
    warn(line) {
      if (clock.now() - secondStart >= SECOND_MS) {
        if (held > 0) report.warn(`${held} more warnings in the second before`);
        secondStart = clock.now();
        passed = held = 0;
      }
      if (passed < WARNINGS_PER_SECOND_MAX) {
        passed++;
        report.warn(line);
      } else {
        held++;
      }
    },
  };
}
