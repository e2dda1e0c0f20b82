/**
 * The page's icons, drawn on a grid of 16.
 *
 * @module
 */
import type { VNode } from "preact";
import { html } from "../html.ts";

const PATHS = {
  play: "M5 3.2v9.6l7.6-4.8z",
  pause: "M4.5 3h2.4v10H4.5zM9.1 3h2.4v10H9.1z",
  step: "M4 3.2v9.6L10.4 8zM11 3h1.8v10H11z",
  back: "M12 3.2v9.6L5.6 8zM3.2 3H5v10H3.2z",
  add: "M7.2 3h1.6v4.2H13v1.6H8.8V13H7.2V8.8H3V7.2h4.2z",
  copy: "M5 2h8v9h-1.5V3.5H5zM3 5h7.5v9H3zm1.5 1.5v6H9v-6z",
  trash: "M6 2h4v1.2h3v1.5H3V3.2h3zM4 6h8l-.6 8H4.6zm2 1.4.3 5.2h1V7.4zm2.7 0v5.2h1l.3-5.2z",
  undo: "M6.5 3 3 6.5 6.5 10V7.6c3 0 4.6 1 5.5 3.2.2-3.6-1.9-5.5-5.5-5.5z",
  redo: "M9.5 3 13 6.5 9.5 10V7.6c-3 0-4.6 1-5.5 3.2-.2-3.6 1.9-5.5 5.5-5.5z",
  close: "m4.1 3 3.9 3.9L11.9 3 13 4.1 9.1 8l3.9 3.9-1.1 1.1L8 9.1 4.1 13 3 11.9 6.9 8 3 4.1z",
  goto: "M3 3h5v1.5H4.5v7h7V8H13v5H3zm6.2 0H13v3.8h-1.5V5.6L8.1 9 7 7.9l3.4-3.4H9.2z",
  fork:
    "M4.5 2a1.8 1.8 0 0 1 .8 3.4v1C5.3 7.6 6.6 8 8 8s2.7-.4 2.7-1.6v-1a1.8 1.8 0 1 1 1.5 0v1c0 1.9-1.5 2.8-3.5 3v1.2a1.8 1.8 0 1 1-1.5 0V9.4c-2-.2-3.4-1.1-3.4-3v-1A1.8 1.8 0 0 1 4.5 2z",
  camera:
    "M5.6 3h4.8l.9 1.6H14V13H2V4.6h2.7zM8 6a2.6 2.6 0 1 0 0 5.2A2.6 2.6 0 0 0 8 6zm0 1.4a1.2 1.2 0 1 1 0 2.4 1.2 1.2 0 0 1 0-2.4z",
  theme: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zm0 1.5v9a4.5 4.5 0 0 1 0-9z",
  help:
    "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zm-.8 8.2h1.6v1.6H7.2zm.8-6a2.3 2.3 0 0 1 1 4.4c-.3.2-.3.4-.3.8H7.3c0-1 .2-1.5 1-2 .5-.3.7-.5.7-.9a1 1 0 0 0-2 0H5.6A2.3 2.3 0 0 1 8 4.2z",
  warning: "M8 2 1.5 13.5h13zm-.7 4h1.4v4H7.3zm0 5h1.4v1.4H7.3z",
  frame:
    "M2 2h4v1.5H3.5V6H2zm8 0h4v4h-1.5V3.5H10zM2 10h1.5v2.5H6V14H2zm10.5 0H14v4h-4v-1.5h2.5zM6 6h4v4H6z",
} as const;

export type IconName = keyof typeof PATHS;

/** Says nothing by itself: what it is in has a label. */
export function icon(name: IconName): VNode {
  return html`
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path
        fill-rule="evenodd" d=${PATHS[name]}
      />
    </svg>
  `;
}
