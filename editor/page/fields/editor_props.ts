/**
 * What the editor of a field is given.
 *
 * @module
 */
import type { ValueType } from "@std/msgpack";
import type { FieldInfo } from "../../model/schema.ts";

export interface EditorProps {
  readonly label: string;
  /** What the field holds, in words. */
  readonly title: string;
  readonly field: FieldInfo;
  readonly value: ValueType;
  readonly isMixed: readonly boolean[];
  readonly isReadOnly: boolean;
  readonly problemId: string | undefined;
  set(value: ValueType): void;
  setLane(index: number, value: number): void;
}
