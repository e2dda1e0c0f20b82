/**
 * Points in space as squares of pixels, drawn by the processor: the nearest are in
 * front, and there is nothing where no point is.
 *
 * @module
 */
import type { Size } from "./camera.ts";

export interface Points {
  /** Where each comes from and goes to, three numbers each. */
  readonly from: Float32Array;
  readonly to: Float32Array;
  /** How far they are on their way, 0 to 1. */
  readonly share: number;
  /** By point, a place in `colours`. */
  readonly kinds: Float32Array;
  /** As {@linkcode packColour} makes them. */
  readonly colours: Uint32Array;
  /** World to clip space, column-major. */
  readonly matrix: ArrayLike<number>;
  /** Edge of a square, in pixels. */
  readonly size: number;
}

const OPAQUE = 0xff000000;

/** Three numbers from 0 to 1 as a pixel of an image: red in the lowest byte. */
export function packColour([red, green, blue]: readonly number[]): number {
  const byte = (channel: number) => Math.round(255 * channel);
  return (OPAQUE | byte(blue) << 16 | byte(green) << 8 | byte(red)) >>> 0;
}

export class PointRaster {
  readonly width: number;
  readonly height: number;
  /** Row by row from the top, 0 where there is nothing. */
  readonly pixels: Uint32Array<ArrayBuffer>;
  readonly #depths: Float32Array;

  constructor({ width, height }: Size) {
    this.width = width;
    this.height = height;
    this.pixels = new Uint32Array(width * height);
    this.#depths = new Float32Array(width * height);
  }

  /** Draws these points, and nothing else. */
  draw({ from, to, share, kinds, colours, matrix, size }: Points): void {
    this.pixels.fill(0);
    this.#depths.fill(Infinity);
    const [a, b, , d, e, f, , h, i, j, , l, m, n, , p] = Array.from(matrix);
    const [halfWidth, halfHeight] = [this.width / 2, this.height / 2];
    const colourCount = colours.length;
    for (let slot = 0, at = 0; slot < kinds.length; slot++, at += 3) {
      const x = from[at] + share * (to[at] - from[at]);
      const y = from[at + 1] + share * (to[at + 1] - from[at + 1]);
      const z = from[at + 2] + share * (to[at + 2] - from[at + 2]);
      const depth = d * x + h * y + l * z + p;
      // Behind the camera, or nowhere.
      if (!(depth > 0)) continue;
      const left = Math.floor(halfWidth * (1 + (a * x + e * y + i * z + m) / depth) - size / 2);
      const top = Math.floor(halfHeight * (1 - (b * x + f * y + j * z + n) / depth) - size / 2);
      this.#square(left, top, size, depth, colours[kinds[slot] % colourCount]);
    }
  }

  /** Called once a point, so what it takes comes in no object. */
  #square(left: number, top: number, size: number, depth: number, colour: number): void {
    const { width, height, pixels } = this;
    const depths = this.#depths;
    const first = Math.max(0, left);
    const right = Math.min(width, left + size);
    const bottom = Math.min(height, top + size);
    for (let row = Math.max(0, top); row < bottom; row++) {
      const end = row * width + right;
      for (let pixel = row * width + first; pixel < end; pixel++) {
        if (depth >= depths[pixel]) continue;
        depths[pixel] = depth;
        pixels[pixel] = colour;
      }
    }
  }
}
