/**
 * Rows of text as columns of equal width.
 *
 * @module
 */

export interface TextTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns of numbers, by place, which are aligned to the right. */
  readonly right?: readonly number[];
}

/** The lines of a table, head first, without spaces at their ends. */
export function formatTable({ head, rows, right = [] }: TextTable): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all.map((row) =>
    row.map((cell, column) =>
      right.includes(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column])
    ).join("  ").trimEnd()
  );
}
