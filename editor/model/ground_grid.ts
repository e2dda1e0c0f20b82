/**
 * The lines of the viewport's ground: as dense as the distance to it allows.
 *
 * @module
 */

/** Lines to each side of the middle one. */
const LINES = 10;

/** The ends of the lines around a point, three numbers each, on the plane y = 0. */
export function groundGrid(
  { target, distance }: { target: readonly number[]; distance: number },
): Float32Array<ArrayBuffer> {
  const spacing = 10 ** Math.round(Math.log10(Math.max(distance, 1e-6) / 8));
  const snap = (value: number) => Math.round(value / spacing) * spacing;
  const [x, z] = [snap(target[0]), snap(target[2])];
  const reach = LINES * spacing;
  const ends: number[] = [];
  for (let i = -LINES; i <= LINES; i++) {
    const at = i * spacing;
    ends.push(x + at, 0, z - reach, x + at, 0, z + reach);
    ends.push(x - reach, 0, z + at, x + reach, 0, z + at);
  }
  return new Float32Array(ends);
}
