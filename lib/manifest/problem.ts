/**
 * A problem is one mistake at one place of a manifest. All the problems of a
 * folder are reported at once, in one {@linkcode ManifestError}.
 *
 * @module
 */
import { UserError } from "../user_error.ts";
import { PROBLEMS_SHOWN_MAX } from "./limits.ts";

export interface Problem {
  /** Path relative to the folder of manifests. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  readonly message: string;
}

export class ManifestError extends UserError {
  override readonly name = "ManifestError";
  /** By file, line and column. */
  readonly problems: readonly Problem[];

  constructor(folder: string, problems: readonly Problem[]) {
    const sorted = problems.toSorted(compareProblems);
    const shown = sorted.slice(0, PROBLEMS_SHOWN_MAX).map((problem) => `\n  ${show(problem)}`);
    const more = sorted.length - shown.length;
    super(
      `Cannot load the manifests in ${folder}:${shown.join("")}` +
        (more > 0 ? `\n  and ${more} more` : ""),
    );
    this.problems = sorted;
  }
}

function show({ file, line, column, message }: Problem): string {
  return `${file}:${line}:${column}: ${message}`;
}

function compareProblems(a: Problem, b: Problem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}
