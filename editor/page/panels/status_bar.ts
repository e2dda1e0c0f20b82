/**
 * The line at the bottom: what has just happened, and what is being waited for.
 *
 * @module
 */
import type { App } from "../app.ts";
import { classes, html } from "../html.ts";
import { icon } from "./icons.ts";

export function StatusBar({ app }: { app: App }) {
  const { notices, edits, session, time, inspection } = app;
  const notice = notices.current.value;
  const isError = notice?.kind === "error";
  return html`
    <footer class="status-bar">
      <span class=${classes({ notice: true, error: isError })} role=${isError ? "alert" : "status"}>
        ${isError && icon("warning")}${notice?.text ?? ""}
      </span>
      ${time.busy.value && html`<span class="busy">${time.busy.value}…</span>`}
      ${edits.pending.value > 0 &&
        html`<span class="busy">${edits.pending.value} ${
          edits.pending.value === 1 ? "change waits" : "changes wait"
        } for a tick${
          session.status.value?.running === false ? ", and the world is paused" : ""
        }</span>`}
      <span class="spring"></span>
      <span>${inspection.selection.value.entities.size} selected</span>
    </footer>
  `;
}
