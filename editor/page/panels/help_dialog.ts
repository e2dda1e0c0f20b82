/**
 * The keys, in a dialog.
 *
 * @module
 */
/// <reference lib="dom" />
import { useEffect, useRef } from "preact/hooks";
import type { App } from "../app.ts";
import { html } from "../html.ts";
import { icon } from "./icons.ts";
import { SHORTCUTS } from "./shortcuts.ts";

export function HelpDialog({ app: { isHelpOpen } }: { app: App }) {
  const ref = useRef<HTMLDialogElement>(null);
  const isOpen = isHelpOpen.value;
  useEffect(() => {
    if (isOpen) ref.current?.showModal();
    else ref.current?.close();
  }, [isOpen]);
  return html`
    <dialog ref=${ref} class="help" aria-labelledby="help-title"
      onClose=${() => isHelpOpen.value = false}>
      <header>
        <h2 id="help-title">Keys</h2>
        <button class="icon-button" type="button" aria-label="Close"
          onClick=${() => isHelpOpen.value = false}>${icon("close")}</button>
      </header>
      <dl>
        ${SHORTCUTS.map(([keys, what]) =>
          html`
            <div key=${keys}>
              <dt>${keys}</dt>
              <dd>${what}</dd>
            </div>
          `
        )}
      </dl>
      <h2>Queries</h2>
      <pre>${QUERY_HELP}</pre>
    </dialog>
  `;
}

const QUERY_HELP = `Transform3D, Velocity.linear, !Static, ?Mass
where Velocity.linear.y > 3 and not Mass.value < 1
sort by Velocity.linear.y desc, Entity
limit 100`;
