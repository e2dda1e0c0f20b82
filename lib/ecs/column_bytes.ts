/**
 * The bytes of a fixed column, as the wire, the log and the digest have them:
 * little-endian, row after row, without padding. In memory they are the same
 * but for `entity` fields, which are safe integers there and u64s here.
 *
 * Source of the byte order: the typed arrays' own, which is little-endian on
 * every platform that Deno runs on.
 *
 * @module
 */
import {
  arrayOver,
  type FixedFieldType,
  rowBytesOf,
  strideOf,
  type TypedArray,
} from "./field_type.ts";

const WORD = 2 ** 32;
const ENTITY_BYTES = 8;

/** The bytes of rows `first` to `first + count` of a column; a view where memory allows it. */
export function bytesOfRows(
  type: FixedFieldType,
  data: TypedArray,
  { first, count }: { first: number; count: number },
): Uint8Array {
  const stride = strideOf(type);
  if (type === "entity") return encodeEntities(data.subarray(first, first + count) as Float64Array);
  return new Uint8Array(
    data.buffer as ArrayBuffer,
    data.byteOffset + first * rowBytesOf(type),
    count * stride * data.BYTES_PER_ELEMENT,
  );
}

/**
 * The column that `bytes` hold: a view where it is aligned, else a copy.
 * @throws {RangeError} when they are not whole rows, or an entity is not a safe integer.
 */
export function rowsOfBytes(type: FixedFieldType, bytes: Uint8Array): TypedArray {
  const rowBytes = rowBytesOf(type);
  if (bytes.length % rowBytes !== 0) {
    throw new RangeError(
      `Cannot decode rows of ${type}: ${bytes.length} bytes are no multiple of ${rowBytes}`,
    );
  }
  return type === "entity" ? decodeEntities(bytes) : arrayOver(type, bytes);
}

/**
 * Writes the rows that `bytes` hold into a column, from row `first` on; what
 * follows there is overwritten.
 * @throws {RangeError} as {@linkcode rowsOfBytes} does, or when the column is too short.
 */
export function writeRows(
  type: FixedFieldType,
  data: TypedArray,
  { first, bytes }: { first: number; bytes: Uint8Array },
): void {
  if (type === "entity") return readEntities(bytes, data as Float64Array, first);
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength).set(
    bytes,
    first * rowBytesOf(type),
  );
}

/**
 * Entities as little-endian u64s.
 * @throws {RangeError} for what is no entity, such as a reference to one yet to be spawned.
 */
export function encodeEntities(entities: Float64Array): Uint8Array {
  const words = new Uint32Array(entities.length * 2);
  for (let i = 0; i < entities.length; i++) {
    const entity = entities[i];
    if (!(Number.isSafeInteger(entity) && entity >= 0)) {
      throw new RangeError(`Cannot encode entities: number ${i} is ${entity}`);
    }
    words[2 * i] = entity % WORD;
    words[2 * i + 1] = entity / WORD;
  }
  return new Uint8Array(words.buffer);
}

/** @throws {RangeError} when they are not whole, or an entity is not a safe integer. */
export function decodeEntities(bytes: Uint8Array): Float64Array<ArrayBuffer> {
  const entities = new Float64Array(bytes.length / ENTITY_BYTES);
  readEntities(bytes, entities, 0);
  return entities;
}

/**
 * Writes entities into `target`, from place `first` on.
 * @throws {RangeError} as {@linkcode decodeEntities} does, or when there is no room.
 */
export function readEntities(bytes: Uint8Array, target: Float64Array, first: number): void {
  const count = bytes.length / ENTITY_BYTES;
  if (first + count > target.length) {
    throw new RangeError(`Cannot write ${count} entities: there is no room for them`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < count; i++) {
    const at = i * ENTITY_BYTES;
    const entity = view.getUint32(at + ENTITY_BYTES / 2, true) * WORD + view.getUint32(at, true);
    if (entity > Number.MAX_SAFE_INTEGER) {
      throw new RangeError(`Cannot decode entities: number ${i} is beyond 2^53 - 1`);
    }
    target[first + i] = entity;
  }
}
