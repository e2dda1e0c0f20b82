/**
 * Draws entities as points with WebGL 2; the GPU moves them from one update to the next.
 *
 * @module
 */
/// <reference lib="dom" />
import type { Motion } from "../../model/motion.ts";
import type { Frame, FrameColours, Painter } from "./painter.ts";

const KINDS_MAX = 32;
const POINT_SIZE = 5;
const SELECTED_SIZE = 13;

const POINT_VERTEX = `#version 300 es
in vec3 from;
in vec3 to;
in float kind;
uniform mat4 matrix;
uniform float share;
uniform float size;
uniform vec3 colours[${KINDS_MAX}];
out vec3 colour;
void main() {
  gl_Position = matrix * vec4(mix(from, to, share), 1.0);
  gl_PointSize = size;
  colour = colours[int(kind)];
}`;

const POINT_FRAGMENT = `#version 300 es
precision mediump float;
in vec3 colour;
uniform float hollow;
out vec4 result;
void main() {
  float radius = 2.0 * length(gl_PointCoord - 0.5);
  if (radius > 1.0 || radius < hollow) discard;
  result = vec4(colour * (hollow > 0.0 ? 1.0 : 1.0 - 0.35 * radius * radius), 1.0);
}`;

const LINE_VERTEX = `#version 300 es
in vec3 from;
uniform mat4 matrix;
void main() { gl_Position = matrix * vec4(from, 1.0); }`;

const LINE_FRAGMENT = `#version 300 es
precision mediump float;
uniform vec3 colour;
out vec4 result;
void main() { result = vec4(colour, 1.0); }`;

/** Undefined where the browser has no WebGL 2, or no graphics card to do it, unless it `isForced`. */
export function createWebglPainter(
  canvas: HTMLCanvasElement,
  { isForced }: { isForced: boolean },
): Painter | undefined {
  const isAccelerated = hasGraphicsCard();
  if (!isForced && !isAccelerated) return undefined;
  const gl = canvas.getContext("webgl2", { antialias: true });
  if (gl === null) return undefined;
  try {
    return new WebglPainter(gl, isAccelerated);
  } catch {
    return undefined;
  }
}

/** What browsers and drivers call their renderers in software. */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

function hasGraphicsCard(): boolean {
  const gl = new OffscreenCanvas(1, 1).getContext("webgl2");
  if (gl === null) return false;
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const renderer = String(gl.getParameter(info?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return !SOFTWARE.test(renderer);
}

type Buffers = Record<"from" | "to" | "kinds" | "lines", WebGLBuffer>;

class WebglPainter implements Painter {
  readonly name = "WebGL 2";
  readonly isAccelerated: boolean;
  readonly #gl: WebGL2RenderingContext;
  readonly #points: Program;
  readonly #lines: Program;
  readonly #buffers: Buffers;
  #uploaded = -1;

  constructor(gl: WebGL2RenderingContext, isAccelerated: boolean) {
    this.#gl = gl;
    this.isAccelerated = isAccelerated;
    this.#points = new Program(gl, POINT_VERTEX, POINT_FRAGMENT);
    this.#lines = new Program(gl, LINE_VERTEX, LINE_FRAGMENT);
    const buffer = () => gl.createBuffer() as WebGLBuffer;
    this.#buffers = { from: buffer(), to: buffer(), kinds: buffer(), lines: buffer() };
    gl.enable(gl.DEPTH_TEST);
  }

  paint(frame: Frame): void {
    const gl = this.#gl;
    const { width, height, ratio, colours, motion } = frame;
    gl.viewport(0, 0, width * ratio, height * ratio);
    gl.clearColor(...colours.background as [number, number, number], 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    this.#paintLines(frame);
    this.#upload(motion);
    this.#paintPoints(frame);
    this.#paintSelected(frame);
  }

  destroy(): void {
    const gl = this.#gl;
    for (const buffer of Object.values(this.#buffers)) gl.deleteBuffer(buffer);
    this.#points.destroy();
    this.#lines.destroy();
  }

  /** The buffers hold the motion until it changes; in between only the share does. */
  #upload(motion: Motion): void {
    if (this.#uploaded === motion.version) return;
    this.#uploaded = motion.version;
    this.#fill(this.#buffers.from, motion.from);
    this.#fill(this.#buffers.to, motion.to);
    this.#fill(this.#buffers.kinds, motion.kinds);
  }

  #fill(buffer: WebGLBuffer, data: Float32Array<ArrayBuffer>): void {
    const gl = this.#gl;
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, data, gl.DYNAMIC_DRAW);
  }

  #paintLines({ matrix, grid, colours }: Frame): void {
    const gl = this.#gl;
    this.#lines.use();
    gl.uniformMatrix4fv(this.#lines.uniform("matrix"), false, matrix as Float32Array);
    gl.uniform3fv(this.#lines.uniform("colour"), [...colours.grid]);
    this.#fill(this.#buffers.lines, grid);
    this.#lines.attribute("from", this.#buffers.lines, 3);
    gl.drawArrays(gl.LINES, 0, grid.length / 3);
  }

  #paintPoints({ matrix, share, ratio, colours, motion }: Frame): void {
    const gl = this.#gl;
    this.#points.use();
    gl.uniformMatrix4fv(this.#points.uniform("matrix"), false, matrix as Float32Array);
    gl.uniform1f(this.#points.uniform("share"), share);
    gl.uniform1f(this.#points.uniform("size"), POINT_SIZE * ratio);
    gl.uniform1f(this.#points.uniform("hollow"), 0);
    gl.uniform3fv(this.#points.uniform("colours"), paletteOf(colours));
    this.#points.attribute("from", this.#buffers.from, 3);
    this.#points.attribute("to", this.#buffers.to, 3);
    this.#points.attribute("kind", this.#buffers.kinds, 1);
    gl.drawArrays(gl.POINTS, 0, motion.count);
  }

  /** Rings, before everything else. */
  #paintSelected({ selected, ratio, colours }: Frame): void {
    if (selected.length === 0) return;
    const gl = this.#gl;
    gl.disable(gl.DEPTH_TEST);
    gl.uniform1f(this.#points.uniform("size"), SELECTED_SIZE * ratio);
    gl.uniform1f(this.#points.uniform("hollow"), 0.68);
    gl.uniform3fv(
      this.#points.uniform("colours"),
      Array.from({ length: KINDS_MAX }, () => colours.selected).flat(),
    );
    this.#fill(this.#buffers.lines, selected);
    this.#points.attribute("from", this.#buffers.lines, 3);
    this.#points.attribute("to", this.#buffers.lines, 3);
    this.#points.constant("kind", 0);
    gl.drawArrays(gl.POINTS, 0, selected.length / 3);
    gl.enable(gl.DEPTH_TEST);
  }
}

function paletteOf({ kinds }: FrameColours): number[] {
  return Array.from({ length: KINDS_MAX }, (_, i) => kinds[i % kinds.length]).flat();
}

class Program {
  readonly #gl: WebGL2RenderingContext;
  readonly #program: WebGLProgram;

  constructor(gl: WebGL2RenderingContext, vertex: string, fragment: string) {
    this.#gl = gl;
    this.#program = gl.createProgram() as WebGLProgram;
    for (const [type, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(type as number) as WebGLShader;
      gl.shaderSource(shader, source as string);
      gl.compileShader(shader);
      gl.attachShader(this.#program, shader);
    }
    gl.linkProgram(this.#program);
    if (gl.getProgramParameter(this.#program, gl.LINK_STATUS)) return;
    throw new Error(`Cannot link a shader: ${gl.getProgramInfoLog(this.#program)}`);
  }

  use(): void {
    this.#gl.useProgram(this.#program);
  }

  uniform(name: string): WebGLUniformLocation | null {
    return this.#gl.getUniformLocation(this.#program, name);
  }

  attribute(name: string, buffer: WebGLBuffer, size: number): void {
    const gl = this.#gl;
    const place = gl.getAttribLocation(this.#program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, size, gl.FLOAT, false, 0, 0);
  }

  constant(name: string, value: number): void {
    const place = this.#gl.getAttribLocation(this.#program, name);
    this.#gl.disableVertexAttribArray(place);
    this.#gl.vertexAttrib1f(place, value);
  }

  destroy(): void {
    this.#gl.deleteProgram(this.#program);
  }
}
