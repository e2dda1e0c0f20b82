/**
 * Guesses which name was meant by one that does not exist.
 *
 * @module
 */
import { NAME_LENGTH_MAX } from "./limits.ts";

const LISTED_MAX = 12;

/**
 * The end of a message about an unknown `name`: `, did you mean "Velocity"?`
 * where one of the candidates is near, else the candidates where they are few.
 */
export function suggestion(name: string, candidates: Iterable<string>): string {
  const names = [...candidates];
  const nearest = nearestName(name, names);
  if (nearest !== undefined) return `, did you mean "${nearest}"?`;
  if (names.length === 0 || names.length > LISTED_MAX) return "";
  return `; there ${names.length === 1 ? "is" : "are"} ${names.join(", ")}`;
}

function nearestName(name: string, candidates: readonly string[]): string | undefined {
  if (name.length > NAME_LENGTH_MAX) return undefined;
  let nearest: string | undefined;
  let nearestEdits = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= nearestEdits) continue;
    const edits = countEdits(name.toLowerCase(), candidate.toLowerCase());
    if (edits < nearestEdits) [nearest, nearestEdits] = [candidate, edits];
  }
  return nearest;
}

/**
 * Insertions, deletions, substitutions and swaps of neighbours that make `b` of
 * `a`: the optimal string alignment distance (Damerau 1964, Levenshtein 1966).
 */
function countEdits(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let edits = Math.min(
        (previous[j] ?? 0) + 1,
        (current[j - 1] ?? 0) + 1,
        (previous[j - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) edits = Math.min(edits, (beforePrevious[j - 2] ?? 0) + 1);
      current.push(edits);
    }
    [beforePrevious, previous] = [previous, current];
  }
  return previous[b.length] ?? 0;
}
