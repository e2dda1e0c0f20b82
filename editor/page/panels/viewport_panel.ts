/**
 * The viewport: where entities are, as they move.
 *
 * @module
 */
/// <reference lib="dom" />
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { App } from "../app.ts";
import { html } from "../html.ts";
import { SHOWN_MAX } from "../stores/scene.ts";
import { EmptyState } from "./empty_state.ts";
import { icon } from "./icons.ts";
import { COLOURS } from "./palette.ts";
import { ViewportControl } from "./viewport_control.ts";

const CANVAS_HELP = "Viewport. Arrows turn, with Shift they pan; plus and minus zoom; F frames.";

export function ViewportPanel({ app }: { app: App }) {
  const { scene } = app;
  const ref = useRef<HTMLCanvasElement>(null);
  const control = useRef<ViewportControl | undefined>(undefined);
  const painter = useSignal("");
  useEffect(() => {
    if (ref.current === null) return;
    const made = new ViewportControl(ref.current, app);
    control.current = made;
    painter.value = made.painterName;
    const wheel = (event: WheelEvent) => made.onWheel(event);
    ref.current.addEventListener("wheel", wheel, { passive: false });
    return () => made.end();
  }, []);
  const count = scene.count.value;
  return html`
    <div class="viewport">
      <div class="viewport-bar">
        <label>Positions <select value=${scene.field.value} onChange=${(event: Event) =>
          scene.field.value = (event.currentTarget as HTMLSelectElement).value}>
          ${scene.fields.value.map((field) =>
            html`<option key=${field} value=${field}>${field}</option>`
          )}
        </select></label>
        <button type="button" class="icon-button" aria-label="Frame what is selected"
          title="Frame what is selected, or all (F)"
          onClick=${() => control.current?.frameSelected()}>${icon("frame")}</button>
        <span class="spring"></span>
        <span class="note">${count.toLocaleString()} shown${count >= SHOWN_MAX
          ? ", which is the most"
          : ""} · ${painter.value}</span>
      </div>
      <canvas ref=${ref} tabindex="0" role="application" aria-label=${CANVAS_HELP}
        onPointerDown=${(event: PointerEvent) => control.current?.onPointerDown(event)}
        onKeyDown=${(event: KeyboardEvent) => control.current?.onKeyDown(event)}
        onContextMenu=${(event: Event) => event.preventDefault()}></canvas>
      ${scene.kinds.value.length > 0 &&
        html`<ul class="kinds" aria-label="Colours of archetypes">
        ${
          scene.kinds.value.slice(0, COLOURS).map(({ name }, i) =>
            html`<li key=${i}><i style=${{ background: `var(--series-${i})` }}></i>${name}</li>`
          )
        }
      </ul>`}
      ${count === 0 && html`<${EmptyState} app=${app} what="positions" />`}
    </div>
  `;
}
