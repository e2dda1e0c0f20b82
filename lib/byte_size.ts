/**
 * Numbers of bytes for people to read.
 *
 * @module
 */
const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** Such as `12.3 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}
