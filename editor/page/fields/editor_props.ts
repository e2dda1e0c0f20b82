/**
 * What the editor of a field is given.
 *
 * @module
 */
import type { ValueType } from "@std/msgpack";
import type { Lane } from "../../model/field_change.ts";
import type { Gesture, GestureMark } from "../../model/gesture.ts";
import type { FieldInfo } from "../../model/schema.ts";

/** Begins a change that is made little by little, and sent by `send`. */
export type BeginGesture = <T>(
  send: (value: T, gesture: GestureMark) => Promise<void>,
) => Gesture<T>;

export interface EditorProps {
  readonly label: string;
  /** What the field holds, in words. */
  readonly title: string;
  readonly field: FieldInfo;
  readonly value: ValueType;
  readonly isMixed: readonly boolean[];
  readonly isReadOnly: boolean;
  readonly problemId: string | undefined;
  set(value: ValueType, gesture?: GestureMark): Promise<void>;
  setLane(lane: Lane, gesture?: GestureMark): Promise<void>;
  begin: BeginGesture;
}
