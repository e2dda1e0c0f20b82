/**
 * The bar on top: which world it is and how it stands, undo, and how the page looks.
 *
 * @module
 */
/// <reference lib="dom" />
import type { App, Theme } from "../app.ts";
import { storage } from "../browser.ts";
import { html } from "../html.ts";
import { icon } from "./icons.ts";

const THEMES: readonly Theme[] = ["system", "light", "dark"];
const DESKTOP_SIZE = 20;

export function TopBar({ app }: { app: App }) {
  const { session } = app;
  const status = session.status.value;
  const { world } = session.schema.value;
  return html`
    <header class="top-bar">
      <h1><img src="/icon.svg" alt="" width=${DESKTOP_SIZE} height=${DESKTOP_SIZE} />Orrery</h1>
      <span class="world" title="Prefix of all subjects">${world === ""
        ? session.prefix
        : `${world} · ${session.prefix}`}</span>
      <${StateBadge} app=${app} />
      <dl class="figures" aria-label="How the world fares">
        <div>
          <dt>Entities</dt>
          <dd>${status ? status.entities.toLocaleString() : "–"}</dd>
        </div>
        <div>
          <dt>Overruns</dt>
          <dd>${status ? status.overruns.toLocaleString() : "–"}</dd>
        </div>
        <div>
          <dt>Term</dt>
          <dd>${status ? status.epoch : "–"}</dd>
        </div>
      </dl>
      <span class="spring"></span>
      <${UndoButtons} app=${app} />
      <${ThemeSwitch} app=${app} />
      <button class="icon-button" type="button" aria-label="Keys and help" title="Keys and help (?)"
        onClick=${() => app.isHelpOpen.value = true}>${icon("help")}</button>
    </header>
  `;
}

/** How things stand, in a word or two. */
function StateBadge({ app }: { app: App }) {
  const [state, text] = stateOf(app);
  return html`
    <span class="badge" data-state=${state} role="status" aria-label="State"
    >${text}</span>
  `;
}

function stateOf({ session }: App): [state: string, text: string] {
  const { link, view, status, isKnown } = session;
  if (link.value === "connecting") return ["waiting", "Connecting"];
  if (link.value === "reconnecting") return ["bad", "Reconnecting"];
  if (view.value.kind === "opening") return ["waiting", `Replaying to ${view.value.tick}`];
  if (view.value.kind === "past") return ["past", `Past · tick ${view.value.tick}`];
  if (!isKnown.value) return ["waiting", "Looking for a coordinator"];
  if (status.value === undefined) return ["bad", "No coordinator"];
  return status.value.running ? ["good", "Running"] : ["paused", "Paused"];
}

function UndoButtons({ app: { edits, inspection, session } }: { app: App }) {
  edits.version.value;
  const { undo, redo } = edits.stack;
  const canEdit = session.canEdit.value;
  const undoText = undo ? `Undo: ${undo.label}` : "Undo";
  const redoText = redo ? `Redo: ${redo.label}` : "Redo";
  return html`
    <span class="button-group">
      <button class="icon-button" type="button" aria-label=${undoText} title=${`${undoText} (Ctrl+Z)`}
        disabled=${!canEdit || undo === undefined}
        onClick=${() => inspection.undo("undo")}>${icon("undo")}</button>
      <button class="icon-button" type="button" aria-label=${redoText}
        title=${`${redoText} (Ctrl+Shift+Z)`}
        disabled=${!canEdit || redo === undefined}
        onClick=${() => inspection.undo("redo")}>${icon("redo")}</button>
    </span>
  `;
}

function ThemeSwitch({ app: { theme } }: { app: App }) {
  const next = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length];
  const change = () => {
    theme.value = next;
    storage.write("theme", next);
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
  };
  return html`
    <button class="icon-button" type="button" onClick=${change}
      aria-label=${`Theme: ${theme.value}`} title=${`Theme: ${theme.value}; change to ${next}`}
    >${icon("theme")}</button>
  `;
}
