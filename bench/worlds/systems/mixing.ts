/**
 * A computation that takes long for what it moves.
 *
 * @module
 */

/** About ten microseconds on a machine of today. */
const ROUNDS = 4096;

/** Takes each number the same long way on: Marsaglia's xorshift ("Xorshift RNGs", 2003). */
export function mixAll(states: Uint32Array): void {
  for (let i = 0; i < states.length; i++) {
    let x = states[i];
    for (let round = 0; round < ROUNDS; round++) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
    }
    states[i] = x;
  }
}
