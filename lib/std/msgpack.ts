/**
 * `@std/msgpack`'s two functions over `@msgpack/msgpack`: the same names and
 * signatures, so that `deno.jsr.json` can map the name to JSR. A bigint is
 * encoded as a 64-bit integer, and a 64-bit integer is decoded as a bigint.
 *
 * @module
 */
import { Decoder, Encoder } from "#msgpack";

/** What MessagePack can carry. */
export type ValueType =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | readonly ValueType[]
  | ValueMap;

export interface ValueMap {
  [index: string | number]: ValueType;
}

/** Encodes `object` as MessagePack. */
export function encode(object: ValueType): Uint8Array<ArrayBuffer> {
  return new Encoder({ useBigInt64: true }).encode(object);
}

/**
 * Decodes one MessagePack value.
 * @throws {Error} when `uint8` is not exactly one well-formed value.
 */
export function decode(uint8: Uint8Array): ValueType {
  const lengthMax = uint8.byteLength;
  const decoder = new Decoder({
    useBigInt64: true,
    maxStrLength: lengthMax,
    maxBinLength: lengthMax,
    maxArrayLength: lengthMax,
    maxMapLength: lengthMax,
    maxExtLength: lengthMax,
  });
  return decoder.decode(uint8) as ValueType;
}
