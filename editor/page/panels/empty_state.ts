/**
 * What a panel says when it has nothing to show, and what could be done about it.
 *
 * @module
 */
import type { App } from "../app.ts";
import { html } from "../html.ts";

export function EmptyState({ app, what }: { app: App; what: string }) {
  const [title, text] = wordsFor(app, what);
  return html`
    <div class="empty">
      <p class="empty-title">${title}</p>
      <p>${text}</p>
    </div>
  `;
}

function wordsFor({ session, list }: App, what: string): [title: string, text: string] {
  const { link, view, status, isKnown, prefix } = session;
  if (link.value === "connecting") {
    return ["Connecting", "Waiting for the editor's process and its NATS server."];
  }
  if (link.value === "reconnecting") {
    return ["Reconnecting", "The connection to NATS broke; what is shown may be old."];
  }
  if (view.value.kind === "opening") {
    return ["Replaying", `Building the world again as it was after tick ${view.value.tick}.`];
  }
  if (view.value.kind === "live" && isKnown.value && status.value === undefined) {
    return ["No coordinator", `Nobody runs a world under "${prefix}". deno task demo starts one.`];
  }
  if (!isKnown.value || (what === "entities" && list.version.value === 0)) {
    return ["Loading", "Asking the coordinator."];
  }
  return [`No ${what}`, what === "entities" ? "The query finds none." : "There is none to show."];
}
