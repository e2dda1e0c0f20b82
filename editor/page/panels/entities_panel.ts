/**
 * The entities: a query, what the world is made of, and the rows that were found.
 *
 * @module
 */
/// <reference lib="dom" />
import type { App } from "../app.ts";
import { html } from "../html.ts";
import { EntityTable } from "./entity_table.ts";
import { EntityTree } from "./entity_tree.ts";
import { icon } from "./icons.ts";
import { QueryBar } from "./query_bar.ts";

export function EntitiesPanel({ app }: { app: App }) {
  return html`
    <section class="panel entities" aria-label="Entities">
      <${EntityToolbar} app=${app} />
      <${QueryBar} app=${app} />
      <${EntityTree} app=${app} />
      <${EntityTable} app=${app} />
    </section>
  `;
}

function EntityToolbar({ app: { inspection, session, list } }: { app: App }) {
  const canEdit = session.canEdit.value;
  const selected = inspection.selection.value.entities.size;
  return html`
    <div class="panel-header">
      <h2>Entities</h2>
      <span class="count">${foundText(list.total.value, list.found.value)}</span>
      <span class="spring"></span>
      <button class="icon-button" type="button" aria-label="Create an entity"
        title="Create an entity (N)" disabled=${!canEdit}
        onClick=${() => inspection.create()}>${icon("add")}</button>
      <button class="icon-button" type="button" aria-label="Duplicate what is selected"
        title="Duplicate (Ctrl+D)" disabled=${!canEdit || selected === 0}
        onClick=${() => inspection.duplicate()}>${icon("copy")}</button>
      <button class="icon-button" type="button" aria-label="Destroy what is selected"
        title="Destroy (Delete)" disabled=${!canEdit || selected === 0}
        onClick=${() => inspection.destroy()}>${icon("trash")}</button>
    </div>
  `;
}

function foundText(total: number, found: number): string {
  return total < found
    ? `first ${total.toLocaleString()} of ${found.toLocaleString()}`
    : `${total.toLocaleString()} found`;
}
