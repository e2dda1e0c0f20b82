/**
 * Whoever draws the viewport, with WebGL or without.
 *
 * @module
 */
import type { mat4 } from "gl-matrix";
import type { Motion } from "../../model/motion.ts";

export interface Frame {
  readonly motion: Motion;
  /** How far along all are from where they come from to where they go, 0 to 1. */
  readonly share: number;
  /** World to clip space. */
  readonly matrix: mat4;
  readonly width: number;
  readonly height: number;
  /** Pixels of the screen per pixel of the page. */
  readonly ratio: number;
  readonly colours: FrameColours;
  /** Three numbers each. */
  readonly selected: Float32Array<ArrayBuffer>;
  /** Ends of the lines of the ground, three numbers each. */
  readonly grid: Float32Array<ArrayBuffer>;
}

export interface FrameColours {
  readonly kinds: readonly (readonly [number, number, number])[];
  readonly background: readonly [number, number, number];
  readonly grid: readonly [number, number, number];
  readonly selected: readonly [number, number, number];
}

export interface Painter {
  /** How it draws. */
  readonly name: string;
  /** Whether a graphics card does it; else it takes the processor's time, which the world needs, too. */
  readonly isAccelerated: boolean;
  paint(frame: Frame): void;
  destroy(): void;
}
