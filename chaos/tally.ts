/**
 * What came of the faults: for each kind, how long it took until a tick was
 * committed that began after it.
 *
 * @module
 */

/** One round's outcome. */
export interface Outcome {
  readonly fault: string;
  /** Until a tick was stored that began after the fault. */
  readonly ms: number;
  /** Until everything that was killed or stopped was up again. */
  readonly backMs: number;
}

export interface FaultTally {
  readonly fault: string;
  readonly rounds: number;
  readonly median_ms: number;
  readonly max_ms: number;
  readonly back_median_ms: number;
}

/** A line for each kind of fault, in the order of their names, and one for all of them. */
export function tally(outcomes: readonly Outcome[]): FaultTally[] {
  const faults = [...new Set(outcomes.map(({ fault }) => fault))].sort();
  const of = (fault: string) => outcomes.filter((outcome) => outcome.fault === fault);
  return [...faults.map((fault) => summarize(fault, of(fault))), summarize("all", outcomes)];
}

function summarize(fault: string, outcomes: readonly Outcome[]): FaultTally {
  const times = outcomes.map(({ ms }) => ms);
  return {
    fault,
    rounds: outcomes.length,
    median_ms: Math.round(median(times)),
    max_ms: Math.round(Math.max(0, ...times)),
    back_median_ms: Math.round(median(outcomes.map(({ backMs }) => backMs))),
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function formatTally(tallies: readonly FaultTally[]): string {
  const rows = tallies.map(({ fault, rounds, median_ms, max_ms, back_median_ms }) => [
    fault,
    `${rounds}`,
    `${median_ms}`,
    `${max_ms}`,
    `${back_median_ms}`,
  ]);
  const head = ["fault", "rounds", "next tick, median ms", "max ms", "all back, median ms"];
  return formatTable([head, ...rows]);
}

/** Columns of the same width, the first to the left and the others to the right. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) =>
    row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join("  ")
  );
  return lines.join("\n");
}
