/**
 * Values as JSON for programs, where JSON has no such values: integers of 64 bits
 * and what is no finite number as strings, bytes in hex, typed arrays as lists.
 *
 * @module
 */

export function toJson(value: unknown): string {
  return JSON.stringify(value, plainValue);
}

function plainValue(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return `${value}`;
  if (typeof value === "number" && !Number.isFinite(value)) return `${value}`;
  if (value instanceof Uint8Array) return value.toHex();
  return ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value;
}
