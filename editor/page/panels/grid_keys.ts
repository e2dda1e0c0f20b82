/**
 * How keys move through a list.
 *
 * @module
 */

/** The row that a key leads to; undefined for a key that leads nowhere. */
export function stepOf(
  key: string,
  { at, rows, page }: { at: number; rows: number; page: number },
): number | undefined {
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    PageDown: at + page,
    PageUp: at - page,
    Home: 0,
    End: rows - 1,
  };
  if (rows === 0 || !Object.hasOwn(steps, key)) return undefined;
  return Math.max(0, Math.min(rows - 1, steps[key]));
}
