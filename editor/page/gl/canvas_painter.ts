/**
 * Draws the viewport without a graphics card.
 *
 * @module
 */
/// <reference lib="dom" />
import { project } from "../../model/camera.ts";
import { packColour, PointRaster } from "../../model/point_raster.ts";
import type { Frame, Painter } from "./painter.ts";

const POINT_SIZE = 3;
const RING_RADIUS = 6;

/** Undefined where the canvas has another context already. */
export function createCanvasPainter(canvas: HTMLCanvasElement): Painter | undefined {
  const context = canvas.getContext("2d");
  return context === null ? undefined : new CanvasPainter(context);
}

class CanvasPainter implements Painter {
  readonly name = "canvas 2D";
  readonly isAccelerated = false;
  readonly #context: CanvasRenderingContext2D;
  readonly #layer = new OffscreenCanvas(1, 1);
  #raster = new PointRaster(this.#layer);

  constructor(context: CanvasRenderingContext2D) {
    this.#context = context;
  }

  paint(frame: Frame): void {
    const context = this.#context;
    const { width, height, ratio, colours } = frame;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = cssColour(colours.background);
    context.fillRect(0, 0, width, height);
    this.#paintGrid(frame);
    this.#paintPoints(frame);
    this.#paintSelected(frame);
  }

  destroy(): void {}

  #paintGrid({ grid, matrix, width, height, colours }: Frame): void {
    const context = this.#context;
    context.strokeStyle = cssColour(colours.grid);
    context.beginPath();
    for (let i = 0; i + 5 < grid.length; i += 6) {
      const a = project(matrix, grid.subarray(i, i + 3), { width, height });
      const b = project(matrix, grid.subarray(i + 3, i + 6), { width, height });
      if (a === undefined || b === undefined) continue;
      context.moveTo(a.x, a.y);
      context.lineTo(b.x, b.y);
    }
    context.stroke();
  }

  #paintPoints({ motion, share, matrix, ratio, colours }: Frame): void {
    const { canvas } = this.#context;
    const layer = this.#layer;
    if (layer.width !== canvas.width || layer.height !== canvas.height) {
      layer.width = canvas.width;
      layer.height = canvas.height;
      this.#raster = new PointRaster(layer);
    }
    const { from, to, kinds } = motion;
    const packed = Uint32Array.from(colours.kinds, packColour);
    const size = Math.round(POINT_SIZE * ratio);
    this.#raster.draw({ from, to, share, kinds, colours: packed, matrix, size });
    const bytes = new Uint8ClampedArray(this.#raster.pixels.buffer);
    layer.getContext("2d")?.putImageData(new ImageData(bytes, layer.width, layer.height), 0, 0);
    this.#context.drawImage(layer, 0, 0, canvas.width / ratio, canvas.height / ratio);
  }

  #paintSelected({ selected, matrix, width, height, colours }: Frame): void {
    const context = this.#context;
    context.strokeStyle = cssColour(colours.selected);
    context.lineWidth = 2;
    for (let i = 0; i < selected.length; i += 3) {
      const seen = project(matrix, selected.subarray(i, i + 3), { width, height });
      if (seen === undefined) continue;
      context.beginPath();
      context.arc(seen.x, seen.y, RING_RADIUS, 0, 2 * Math.PI);
      context.stroke();
    }
    context.lineWidth = 1;
  }
}

function cssColour(channels: readonly number[]): string {
  return `rgb(${channels.map((channel) => Math.round(255 * channel)).join(" ")})`;
}
