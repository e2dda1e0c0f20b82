/**
 * How much room a value of a list column takes in a message.
 *
 * @module
 */
import { encode, type ValueType } from "@std/msgpack";

/** UTF-8 takes at most 3 bytes for what is one unit of a JavaScript string. */
const STRING_UNIT_BYTES = 3;
/** MessagePack's longest header of a string or of binary data. */
const HEADER_BYTES = 5;

/** The most bytes that `value` takes. */
export function listValueBytes(value: ValueType): number {
  if (typeof value === "string") return HEADER_BYTES + STRING_UNIT_BYTES * value.length;
  if (value instanceof Uint8Array) return HEADER_BYTES + value.byteLength;
  return encode(value).length;
}
