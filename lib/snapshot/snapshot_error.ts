/**
 * A snapshot that is not there, not whole, or not what this version can read.
 * Its message says where and what to do, so programs print it without a stack.
 *
 * @module
 */
import { UserError } from "../user_error.ts";

export class SnapshotError extends UserError {
  override readonly name = "SnapshotError";
}
