/**
 * What is wrong with a query's text, and where.
 *
 * @module
 */
import { UserError } from "../user_error.ts";

export class QueryTextError extends UserError {
  override readonly name: string = "QueryTextError";
  /** Where in the text, from 0. */
  readonly offset: number;
  /** How much of it is wrong, at least 1. */
  readonly length: number;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;

  constructor(
    why: string,
    { text, offset, length }: { text: string; offset: number; length: number },
  ) {
    const before = text.slice(0, offset).split("\n");
    const line = before.length;
    const column = (before.at(-1) ?? "").length + 1;
    const where = text.includes("\n") ? `line ${line}, column ${column}` : `column ${column}`;
    super(`Cannot read the query at ${where}: ${why}`);
    this.offset = offset;
    this.length = Math.max(1, length);
    this.line = line;
    this.column = column;
  }
}
