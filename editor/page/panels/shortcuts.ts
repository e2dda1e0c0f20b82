/**
 * The keys that count wherever the focus is, unless something is being typed.
 *
 * @module
 */
/// <reference lib="dom" />
import type { App } from "../app.ts";
import { TABS } from "../app.ts";

/** What the help lists. */
export const SHORTCUTS: readonly (readonly [keys: string, what: string])[] = [
  ["/", "Go to the query"],
  ["Enter", "Run the query, from within it; with Shift, another line"],
  [
    "Up, Down, Page Up, Page Down, Home, End",
    "Move in the list of entities; with Shift, select a range",
  ],
  ["Space, Ctrl+Space", "Select the entity; add or remove it"],
  ["Ctrl+A", "Select all, in the list"],
  ["Enter", "Go to the inspector, from the list"],
  ["Delete", "Destroy what is selected, in the list or the viewport"],
  ["Ctrl+D", "Duplicate what is selected"],
  ["N", "Create an entity"],
  ["Escape", "While dragging a value or an entity: put back what was there"],
  ["Ctrl+Z, Ctrl+Shift+Z", "Undo, redo"],
  ["P", "Pause, or go on"],
  [".", "One tick"],
  ["[ and ]", "One tick back, one tick on, in the past"],
  ["L", "Back to the present"],
  ["1 to 4", "Viewport, schedule, systems, snapshots"],
  ["F", "Frame what is selected, in the viewport"],
  ["Arrows, + and -", "Turn and zoom, in the viewport; with Shift, pan"],
  ["?", "This help"],
];

export function onShortcut(event: KeyboardEvent, app: App): void {
  if (event.defaultPrevented || app.isHelpOpen.value) return;
  const isTyping = (event.target as Element).closest("input, textarea, select") !== null;
  const isControl = event.ctrlKey || event.metaKey;
  const act = isControl
    ? controlKey(event, app, isTyping)
    : isTyping
    ? undefined
    : plainKey(event, app);
  if (act === undefined) return;
  event.preventDefault();
  act();
}

function controlKey(event: KeyboardEvent, app: App, isTyping: boolean): (() => void) | undefined {
  const { inspection, session } = app;
  if (event.altKey || isTyping || !session.canEdit.value) return undefined;
  const key = event.key.toLowerCase();
  if (key === "z") return () => inspection.undo(event.shiftKey ? "redo" : "undo");
  if (key === "y") return () => inspection.undo("redo");
  return key === "d" ? () => inspection.duplicate() : undefined;
}

function plainKey(event: KeyboardEvent, app: App): (() => void) | undefined {
  const { time, session, inspection, tab } = app;
  if (event.altKey) return undefined;
  const tick = session.tick.value;
  const isLive = session.view.value.kind === "live";
  switch (event.key) {
    case "/":
      return () => document.getElementById("query")?.focus();
    case "?":
      return () => app.isHelpOpen.value = true;
    case "p":
      return isLive ? () => time.pauseOrResume() : undefined;
    case ".":
      return isLive ? () => time.step(1) : undefined;
    case "[":
      return () => time.goTo(Math.max(time.oldest, tick - 1));
    case "]":
      return isLive ? undefined : () => time.goTo(Math.min(time.newest, tick + 1));
    case "l":
      return () => time.goLive();
    case "n":
      return session.canEdit.value ? () => inspection.create() : undefined;
  }
  const index = Number(event.key) - 1;
  return index in TABS ? () => tab.value = TABS[index] : undefined;
}
