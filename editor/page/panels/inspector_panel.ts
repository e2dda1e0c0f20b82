/**
 * The inspector: everything that the selected entities hold, to be read and changed.
 *
 * @module
 */
/// <reference lib="dom" />
import { useSignal } from "@preact/signals";
import type { MixedComponent } from "../../model/mixed.ts";
import type { App } from "../app.ts";
import { FieldEditor } from "../fields/field_editor.ts";
import { html } from "../html.ts";
import { icon } from "./icons.ts";

export function InspectorPanel({ app }: { app: App }) {
  const { inspection, session } = app;
  const { entities } = inspection.selection.value;
  const found = inspection.states.value.size;
  const components = inspection.components.value;
  const canEdit = session.canEdit.value;
  const other = inspection.problems.value.get("");
  return html`
    <section class="panel inspector" aria-label="Inspector">
      <div class="panel-header">
        <h2>Inspector</h2>
        <span class="count">${titleOf([...entities], found)}</span>
      </div>
      <div class="inspector-body">
        ${entities.size === 0 &&
          html`<p class="hint">Select an entity in the list or the viewport.</p>`}
        ${entities.size > 0 && found === 0 &&
          html`<p class="hint">${inspection.isRead.value ? "It is no more." : "Reading…"}</p>`}
        ${session.view.value.kind === "past" && found > 0 &&
          html`<p class="hint">This is the past: fork it to change it.</p>`}
        ${components.map((component) =>
          html`
            <${ComponentSection} key=${component.component.name} app=${app} mixed=${component}
              total=${found} />
          `
        )}
        ${other && html`<p class="problem" role="alert">${other}</p>`}
        ${found > 0 && canEdit && html`<${AddComponent} app=${app} />`}
      </div>
    </section>
  `;
}

function titleOf(entities: readonly number[], found: number): string {
  if (entities.length === 0) return "nothing selected";
  if (entities.length === 1) return `Entity ${entities[0]}`;
  return found === entities.length
    ? `${entities.length} entities`
    : `${found} of ${entities.length} entities`;
}

function ComponentSection({ app, mixed, total }: {
  app: App;
  mixed: MixedComponent;
  total: number;
}) {
  const { inspection, session } = app;
  const isOpen = useSignal(true);
  const { component, count, fields } = mixed;
  const problem = inspection.problems.value.get(component.name);
  const id = `component-section-${component.name}`;
  return html`
    <section class="component" aria-label=${component.name}>
      <h3>
        <button type="button" class="fold" aria-expanded=${isOpen.value} aria-controls=${id}
          title=${component.description} onClick=${() => isOpen.value = !isOpen.value}>
          <span class="twisty" aria-hidden="true">${isOpen.value ? "▾" : "▸"}</span>
          ${component.name}
          ${fields.length === 0 && html`<span class="note">tag</span>`}
          ${count < total && html`<span class="note">in ${count} of ${total}</span>`}
        </button>
        ${session.canEdit.value &&
          html`
            <button type="button" class="icon-button" aria-label=${`Remove ${component.name}`}
              title=${`Remove ${component.name}`}
              onClick=${() => inspection.removeComponent(component.name)}>${icon("close")}</button>
          `}
      </h3>
      <div id=${id} class="fields" hidden=${!isOpen.value}>
        ${fields.map((field) =>
          html`
            <${FieldEditor} key=${`${inspection.selections.value} ${field.field.name}`} app=${app} component=${component
              .name}
              mixed=${field} />
          `
        )}
      </div>
      ${problem && html`<p class="problem" role="alert">${problem}</p>`}
    </section>
  `;
}

function AddComponent({ app: { inspection, session } }: { app: App }) {
  const chosen = useSignal("");
  const full = new Set(
    inspection.components.value.filter(({ count }) => count === inspection.states.value.size)
      .map(({ component }) => component.name),
  );
  const names = [...session.schema.value.components.keys()].filter((name) => !full.has(name));
  const name = names.includes(chosen.value) ? chosen.value : "";
  return html`
    <form class="add-component" onSubmit=${(event: Event) => {
      event.preventDefault();
      if (name !== "") inspection.addComponent(name);
      chosen.value = "";
    }}>
      <select aria-label="Component to add" value=${name}
        onChange=${(event: Event) =>
          chosen.value = (event.currentTarget as HTMLSelectElement).value}>
        <option value="">Add a component…</option>
        ${names.toSorted().map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
      </select>
      <button type="submit" disabled=${name === ""}>Add</button>
    </form>
  `;
}
