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

/** What is not binary data in a typical message; a buffer that proves too small is grown. */
const REST_BYTES = 1024;

/** For what holds no binary data: most messages, and small, so that a buffer each would cost more. */
const sharedEncoder = new Encoder({ useBigInt64: true });

/** Encodes `object` as MessagePack. */
export function encode(object: ValueType): Uint8Array<ArrayBuffer> {
  const bytes = binaryBytes(object);
  if (bytes === 0) return sharedEncoder.encode(object);
  const encoder = new Encoder({ useBigInt64: true, initialBufferSize: bytes + REST_BYTES });
  // The encoder is not used again, so its buffer need not be copied.
  return encoder.encodeSharedRef(object);
}

/** Bytes of all binary data in `object`: most of a large message, copied just once if there is room. */
function binaryBytes(object: ValueType): number {
  if (object === null || typeof object !== "object") return 0;
  if (object instanceof Uint8Array) return object.byteLength;
  let bytes = 0;
  for (const value of Object.values(object)) bytes += binaryBytes(value);
  return bytes;
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
