/**
 * Pseudo-random numbers from a seed: the same sequence on every machine.
 *
 * @module
 */

/** The draws after which every bit of the seed has reached every bit of the state. */
const WARM_UP_DRAWS = 12;

/**
 * Uniform numbers in [0, 1) with 32 random bits each, made by sfc32, the small
 * fast counting generator of Chris Doty-Humphrey's PractRand
 * (https://pracrand.sourceforge.net), whose state is seeded with the seed's low
 * and high 32 bits. Not for secrets.
 */
export function createRandom(seed: number): () => number {
  let a = 0;
  let b = seed | 0;
  let c = Math.floor(seed / 2 ** 32) | 0;
  let counter = 1;
  function draw(): number {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  }
  for (let i = 0; i < WARM_UP_DRAWS; i++) draw();
  return draw;
}
