/**
 * A field type says how one field of a component is stored and carried. A
 * *fixed* type has a constant number of bytes and lives in a typed array, with
 * `stride` elements per row; a *list* type (`string`, `bytes`, `any`) varies in
 * size and lives in a plain array with one value per row.
 *
 * @module
 */
import type { Entity } from "./entity.ts";
import type { ValueType } from "@std/msgpack";

const FIXED = {
  f32: { array: Float32Array, stride: 1 },
  f64: { array: Float64Array, stride: 1 },
  i8: { array: Int8Array, stride: 1 },
  i16: { array: Int16Array, stride: 1 },
  i32: { array: Int32Array, stride: 1 },
  u8: { array: Uint8Array, stride: 1 },
  u16: { array: Uint16Array, stride: 1 },
  u32: { array: Uint32Array, stride: 1 },
  i64: { array: BigInt64Array, stride: 1 },
  u64: { array: BigUint64Array, stride: 1 },
  bool: { array: Uint8Array, stride: 1 },
  vec2: { array: Float32Array, stride: 2 },
  vec3: { array: Float32Array, stride: 3 },
  vec4: { array: Float32Array, stride: 4 },
  /** x, y, z, w */
  quat: { array: Float32Array, stride: 4 },
  /** column-major, as gl-matrix and WebGL have it */
  mat4: { array: Float32Array, stride: 16 },
  /** safe integers in memory, u64 on the wire */
  entity: { array: Float64Array, stride: 1 },
} as const;

export type FixedFieldType = keyof typeof FIXED;
export type ListFieldType = "string" | "bytes" | "any";
export type FieldType = FixedFieldType | ListFieldType;

/** Every field type, fixed ones first. */
export const FIELD_TYPES: readonly FieldType[] = [
  ...(Object.keys(FIXED) as FixedFieldType[]),
  "string",
  "bytes",
  "any",
];

/** The array that holds a fixed column. */
export type TypedArray = InstanceType<(typeof FIXED)[FixedFieldType]["array"]>;

/** The array that holds a column of type `T`. */
export type ColumnArray<T extends FieldType> = T extends FixedFieldType
  ? InstanceType<(typeof FIXED)[T]["array"]>
  : ListValue<T>[];

type ListValue<T extends FieldType> = T extends "string" ? string
  : T extends "bytes" ? Uint8Array
  : ValueType;

/** One row's value of a field of type `T`, as commands and manifests have it. */
export type FieldValue<T extends FieldType = FieldType> = T extends "i64" | "u64" ? bigint
  : T extends "bool" ? boolean
  : T extends "entity" ? Entity
  : T extends "vec2" | "vec3" | "vec4" | "quat" | "mat4" ? ArrayLike<number>
  : T extends ListFieldType ? ListValue<T>
  : number;

export function isFieldType(name: string): name is FieldType {
  return FIELD_TYPES.includes(name as FieldType);
}

export function isFixed(type: FieldType): type is FixedFieldType {
  return Object.hasOwn(FIXED, type);
}

/** Array elements per row; 1 for a list type. */
export function strideOf(type: FieldType): number {
  return isFixed(type) ? FIXED[type].stride : 1;
}

/** Bytes per row in memory and on the wire; 0 for a list type, whose size varies. */
export function rowBytesOf(type: FieldType): number {
  return isFixed(type) ? FIXED[type].stride * FIXED[type].array.BYTES_PER_ELEMENT : 0;
}

/** A zeroed array for `rows` rows of a fixed type. */
export function allocate(type: FixedFieldType, rows: number): TypedArray {
  return new FIXED[type].array(rows * FIXED[type].stride);
}

/** The array of a fixed type over `bytes`, which are copied unless they are aligned. */
export function arrayOver(type: FixedFieldType, bytes: Uint8Array): TypedArray {
  const { array } = FIXED[type];
  const aligned = bytes.byteOffset % array.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  return new array(
    aligned.buffer as ArrayBuffer,
    aligned.byteOffset,
    aligned.byteLength / array.BYTES_PER_ELEMENT,
  );
}

/** An array's bytes as machine words, so that one loop copies or compares every type, to the bit. */
export function wordsOf(array: TypedArray): Uint32Array | Uint8Array {
  const { buffer, byteOffset, byteLength } = array;
  return array.BYTES_PER_ELEMENT % 4 === 0
    ? new Uint32Array(buffer, byteOffset, byteLength / 4)
    : new Uint8Array(buffer, byteOffset, byteLength);
}

/** The value that a field of `type` has when neither layout nor spawn gives one. */
export function zeroOf(type: FieldType): FieldValue {
  switch (type) {
    case "i64":
    case "u64":
      return 0n;
    case "bool":
      return false;
    case "string":
      return "";
    case "bytes":
      return new Uint8Array(0);
    case "any":
      return null;
    case "quat":
      return [0, 0, 0, 1];
    case "mat4":
      return [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
    case "vec2":
    case "vec3":
    case "vec4":
      return new Array<number>(strideOf(type)).fill(0);
    default:
      return 0;
  }
}
