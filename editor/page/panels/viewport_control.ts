/**
 * The viewport at work: draws whenever something has moved, and turns what pointer and
 * keys do into camera, selection and moved entities.
 *
 * @module
 */
/// <reference lib="dom" />
import {
  dragBy,
  frame,
  orbit,
  pan,
  pick,
  project,
  type Size,
  viewProjection,
  zoom,
} from "../../model/camera.ts";
import type { Gesture, GestureMark } from "../../model/gesture.ts";
import { groundGrid } from "../../model/ground_grid.ts";
import { modeOf, selectEntities } from "../../model/selection.ts";
import type { App } from "../app.ts";
import { after, now } from "../browser.ts";
import { createCanvasPainter } from "../gl/canvas_painter.ts";
import type { FrameColours, Painter } from "../gl/painter.ts";
import { createWebglPainter } from "../gl/webgl_painter.ts";
import { followPointer } from "../pointer_drag.ts";
import { channelsOf, colourOf, COLOURS, seriesColour } from "./palette.ts";

const PICK_RADIUS = 8;
/** Pixels of a drag that do not count, so that a click is none. */
const DRAG_SLACK = 4;
const RATIO_MAX = 2;
/** A frame that takes longer is slow; the rest after it, as a share of that, and at the most. */
const SLOW_FRAME_MS = 40;
const REST_SHARE = 4;
const REST_MS_MAX = 1000;
const WHEEL_ZOOM = 0.0015;
const KEY_TURN = 24;
const KEY_ZOOM = 1.15;

type Position = [number, number, number];

/** An entity that is being dragged: where it was, and where it is to be. */
interface Dragged {
  readonly start: Position;
  readonly depth: number;
  position: Position;
  readonly gesture: Gesture<Position>;
}

export class ViewportControl {
  readonly #canvas: HTMLCanvasElement;
  readonly #app: App;
  readonly #painter: Painter | undefined;
  #size: Size = { width: 1, height: 1 };
  #colours: FrameColours | undefined;
  #drawn = "";
  #dragged: Dragged | undefined;
  #isEnded = false;
  readonly #observer: ResizeObserver;

  constructor(canvas: HTMLCanvasElement, app: App) {
    this.#canvas = canvas;
    this.#app = app;
    // `?webgl` in the address insists on it.
    const isForced = new URLSearchParams(location.search).has("webgl");
    this.#painter = createWebglPainter(canvas, { isForced }) ?? createCanvasPainter(canvas);
    app.scene.isAccelerated = this.#painter?.isAccelerated === true;
    this.#observer = new ResizeObserver(() => this.#resize());
    this.#observer.observe(canvas);
    this.#resize();
    this.#loop();
  }

  get painterName(): string {
    return this.#painter?.name ?? "nothing";
  }

  end(): void {
    this.#isEnded = true;
    this.#observer.disconnect();
    this.#painter?.destroy();
  }

  /** Frames the selected entities that are shown, or all where there are none. */
  frameSelected(): void {
    const { motion } = this.#app.scene;
    const positions = this.#app.inspection.entities.flatMap((entity) =>
      motion.positionOf(entity, now()) ?? []
    );
    this.#app.scene.camera = frame(
      this.#app.scene.camera,
      positions.length > 0 ? positions : motion.to,
    );
  }

  onPointerDown(event: PointerEvent): void {
    const isPanning = event.button !== 0 || event.shiftKey;
    const hit = isPanning ? undefined : this.#pick(event);
    const isOwn = hit !== undefined && this.#app.inspection.selection.value.entities.has(hit);
    const canDrag = isOwn && this.#app.session.canEdit.value;
    const drag = canDrag ? this.#beginDrag(hit) : undefined;
    const { camera } = this.#app.scene;
    let last = event;
    let hasMoved = false;
    const move = (moved: PointerEvent) => {
      const [dx, dy] = [moved.clientX - last.clientX, moved.clientY - last.clientY];
      const [x, y] = [moved.clientX - event.clientX, moved.clientY - event.clientY];
      hasMoved ||= Math.hypot(x, y) > DRAG_SLACK;
      last = moved;
      if (!hasMoved) return;
      const { scene } = this.#app;
      if (drag) this.#drag(drag, x, y);
      else if (isPanning) scene.camera = pan(scene.camera, { dx, dy }, this.#size);
      else scene.camera = orbit(scene.camera, dx, dy);
    };
    const end = (isCancelled: boolean) => {
      this.#dragged = undefined;
      if (!hasMoved && !isPanning && !isCancelled) this.#choose(hit, event);
      else if (!isCancelled) drag?.gesture.end();
      else if (drag) drag.gesture.cancel();
      else this.#app.scene.camera = camera;
    };
    followPointer(event, { move, end });
  }

  onWheel(event: WheelEvent): void {
    event.preventDefault();
    this.#app.scene.camera = zoom(this.#app.scene.camera, Math.exp(event.deltaY * WHEEL_ZOOM));
  }

  onKeyDown(event: KeyboardEvent): void {
    const turn: Readonly<Record<string, readonly [number, number]>> = {
      ArrowLeft: [KEY_TURN, 0],
      ArrowRight: [-KEY_TURN, 0],
      ArrowUp: [0, KEY_TURN],
      ArrowDown: [0, -KEY_TURN],
    };
    const { inspection, session } = this.#app;
    const [dx, dy] = turn[event.key] ?? [0, 0];
    if (dx !== 0 || dy !== 0) {
      this.#app.scene.camera = event.shiftKey
        ? pan(this.#app.scene.camera, { dx, dy }, this.#size)
        : orbit(this.#app.scene.camera, dx, dy);
    } else if (event.key === "+" || event.key === "=") {
      this.#app.scene.camera = zoom(this.#app.scene.camera, 1 / KEY_ZOOM);
    } else if (event.key === "-") this.#app.scene.camera = zoom(this.#app.scene.camera, KEY_ZOOM);
    else if (event.key.toLowerCase() === "f" && !event.ctrlKey) this.frameSelected();
    else if (event.key === "Delete" && session.canEdit.value) inspection.destroy();
    else return;
    event.preventDefault();
  }

  #beginDrag(entity: number): Dragged | undefined {
    const position = this.#app.scene.motion.positionOf(entity, now());
    if (position === undefined) return undefined;
    const seen = project(viewProjection(this.#app.scene.camera, this.#size), position, this.#size);
    if (seen === undefined) return undefined;
    const gesture = this.#app.edits.begin({
      send: (position: Position, gesture) => this.#put(entity, position, gesture),
      onTakenBack: () => this.#app.list.touch(),
    });
    return { start: position, depth: seen.depth, position, gesture };
  }

  #drag(dragged: Dragged, dx: number, dy: number): void {
    const by = dragBy(this.#app.scene.camera, { dx, dy, depth: dragged.depth }, this.#size);
    dragged.position = dragged.start.map((value, k) => value + by[k]) as Position;
    this.#dragged = dragged;
    dragged.gesture.set(dragged.position);
  }

  async #put(entity: number, position: Position, gesture: GestureMark): Promise<void> {
    const { edits, notices, scene, session, list } = this.#app;
    const [component, field] = scene.field.value.split(".");
    const type = session.schema.value.components.get(component)?.fields
      .find(({ name }) => name === field)?.type;
    const value = { [field]: type === "vec2" ? position.slice(0, 2) : position };
    const commands = [{ op: "set" as const, entity, component, value }];
    await edits.apply(`Move entity ${entity}`, commands, { gesture })
      .then(() => list.touch(), (error) => notices.error(error));
  }

  #pick({ offsetX, offsetY }: MouseEvent): number | undefined {
    const { motion } = this.#app.scene;
    const slot = pick(
      viewProjection(this.#app.scene.camera, this.#size),
      { from: motion.from, to: motion.to, share: motion.progress(now()) },
      { x: offsetX, y: offsetY, size: this.#size, radius: PICK_RADIUS },
    );
    return slot === undefined ? undefined : motion.entityAt(slot);
  }

  #choose(entity: number | undefined, event: PointerEvent): void {
    const { selection } = this.#app.inspection;
    const isMore = modeOf(event) !== "replace";
    const before = isMore ? selection.value.entities : new Set<number>();
    if (entity === undefined) {
      if (!isMore) selection.value = selectEntities([]);
      return;
    }
    const entities = new Set(before);
    if (!entities.delete(entity)) entities.add(entity);
    selection.value = selectEntities(entities);
  }

  #resize(): void {
    const { clientWidth, clientHeight } = this.#canvas;
    this.#size = { width: Math.max(1, clientWidth), height: Math.max(1, clientHeight) };
    this.#canvas.width = this.#size.width * this.#ratio;
    this.#canvas.height = this.#size.height * this.#ratio;
    this.#drawn = "";
  }

  get #ratio(): number {
    return Math.min(RATIO_MAX, globalThis.devicePixelRatio || 1);
  }

  /** Where frames come slowly, as without a graphics card, rests most of the time: the world needs the machine, too. */
  #loop(): void {
    if (this.#isEnded) return;
    const startedAt = now();
    this.#drawIfChanged();
    requestAnimationFrame(() => {
      const frameMs = now() - startedAt;
      if (frameMs <= SLOW_FRAME_MS) this.#loop();
      else after(Math.min(REST_MS_MAX, REST_SHARE * frameMs), () => this.#loop());
    });
  }

  #drawIfChanged(): void {
    const { motion } = this.#app.scene;
    const { scene } = this.#app;
    if (!scene.isFramed && motion.count > 0) {
      scene.isFramed = true;
      scene.camera = frame(scene.camera, motion.to);
    }
    const share = motion.progress(now());
    const { target, yaw, pitch, distance } = this.#app.scene.camera;
    const style = getComputedStyle(this.#canvas);
    const drawn = [
      ...[scene.version, share, target, yaw, pitch, distance, this.#size.width, style.color],
      ...[this.#app.inspection.entities, this.#dragged?.position],
    ].join();
    if (drawn === this.#drawn) return;
    if (this.#colours === undefined || !this.#drawn.includes(style.color)) {
      this.#colours = coloursOf(style);
    }
    this.#drawn = drawn;
    this.#painter?.paint({
      motion,
      share,
      matrix: viewProjection(this.#app.scene.camera, this.#size),
      ...this.#size,
      ratio: this.#ratio,
      colours: this.#colours,
      selected: new Float32Array(this.#selectedPositions()),
      grid: groundGrid(this.#app.scene.camera),
    });
  }

  #selectedPositions(): number[] {
    const { motion } = this.#app.scene;
    const positions = this.#app.inspection.entities.flatMap((entity) =>
      motion.positionOf(entity, now()) ?? []
    );
    return this.#dragged ? [...positions, ...this.#dragged.position] : positions;
  }
}

function coloursOf(style: CSSStyleDeclaration): FrameColours {
  const named = (name: string) => channelsOf(colourOf(name, style));
  return {
    kinds: Array.from({ length: COLOURS }, (_, i) => channelsOf(seriesColour(i, style))),
    background: named("viewport"),
    grid: named("viewport-grid"),
    selected: named("viewport-selected"),
  };
}
