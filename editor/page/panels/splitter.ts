/**
 * A line between two panels that can be dragged, or moved with the arrow keys.
 *
 * @module
 */
/// <reference lib="dom" />
import { useSignal } from "@preact/signals";
import { storage } from "../browser.ts";
import { html } from "../html.ts";
import { followPointer } from "../pointer_drag.ts";

export interface SplitterProps {
  readonly label: string;
  /** The custom property of the page that has the panel's width, such as `--left`. */
  readonly property: string;
  readonly first: number;
  readonly min: number;
  readonly max: number;
  /** -1 where the panel is on the right. */
  readonly direction: 1 | -1;
}

const KEY_STEP = 16;

export function Splitter({ label, property, first, min, max, direction }: SplitterProps) {
  const width = useSignal(Number(storage.read(property) ?? first));
  const set = (value: number) => {
    width.value = Math.round(Math.max(min, Math.min(max, value)));
    document.documentElement.style.setProperty(property, `${width.value}px`);
    storage.write(property, String(width.value));
  };
  const drag = (event: PointerEvent) => {
    if (event.button !== 0) return;
    const [from, before] = [event.clientX, width.value];
    followPointer(event, {
      move: ({ clientX }) => set(before + direction * (clientX - from)),
      end: (isCancelled) => isCancelled && set(before),
    });
  };
  const key = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -KEY_STEP, ArrowRight: KEY_STEP }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    set(width.value + direction * step);
  };
  return html`
    <div
      class="splitter"
      role="separator"
      tabindex="0"
      aria-orientation="vertical"
      aria-label=${label}
      aria-valuenow=${width.value}
      aria-valuemin=${min}
      aria-valuemax=${max}
      onPointerDown=${drag}
      onKeyDown=${key}
      ref=${(element: HTMLElement | null) => element && set(width.peek())}
    ></div>
  `;
}
