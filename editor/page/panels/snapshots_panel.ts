/**
 * The snapshots that are stored: taken, restored, looked at and compared.
 *
 * @module
 */
/// <reference lib="dom" />
import { useSignal } from "@preact/signals";
import type { App } from "../app.ts";
import { dateText } from "../browser.ts";
import { html } from "../html.ts";
import type { Comparison, SnapshotRow } from "../stores/time_travel.ts";
import { EmptyState } from "./empty_state.ts";
import { icon } from "./icons.ts";

const HEADINGS = ["Snapshot", "Kind", "Tick", "Taken", "Entities", "Size", "Note", ""];
const KIBIBYTE = 1024;

export function SnapshotsPanel({ app }: { app: App }) {
  const { snapshots, comparison } = app.time;
  return html`
    <div class="snapshots scroll" tabindex="0" role="region" aria-label="Snapshots">
      <${TakeForm} app=${app} />
      ${snapshots.value.length === 0 ? html`<${EmptyState} app=${app} what="snapshots" />` : html`
        <table class="data">
          <caption class="hidden">Snapshots that are stored</caption>
          <thead>
            <tr>${HEADINGS.map((text, i) =>
              html`<th key=${i} scope="col">${
                text || html`<span class="hidden">Actions</span>`
              }</th>`
            )}</tr>
          </thead>
          <tbody>${snapshots.value.map((snapshot) =>
            html`<${SnapshotLine} key=${snapshot.id} app=${app} snapshot=${snapshot} />`
          )}</tbody>
        </table>
      `}
      ${snapshots.value.length > 1 && html`<${CompareForm} app=${app} />`}
      ${comparison.value && html`<${Differences} comparison=${comparison.value} />`}
    </div>
  `;
}

function TakeForm({ app: { session, time } }: { app: App }) {
  const note = useSignal("");
  const submit = (event: Event) => {
    event.preventDefault();
    time.takeSnapshot(note.value);
    note.value = "";
  };
  return html`
    <form class="row" onSubmit=${submit}>
      <input type="text" aria-label="Note on the snapshot" placeholder="Note, if any" value=${note
        .value}
        onInput=${(event: Event) => note.value = (event.currentTarget as HTMLInputElement).value} />
      <button type="submit" class="primary" disabled=${!session.canEdit.value ||
        time.busy.value !== undefined}>${icon("camera")} Take a snapshot</button>
    </form>
  `;
}

function SnapshotLine({ app: { session, time }, snapshot }: { app: App; snapshot: SnapshotRow }) {
  /** Restoring changes everything: it is asked twice. */
  const isAsking = useSignal(false);
  const { id, kind, tick, created_ms, entities, bytes, note, goes_on } = snapshot;
  const restore = () => {
    if (isAsking.value) time.restore(id);
    isAsking.value = !isAsking.value;
  };
  return html`
    <tr>
      <th scope="row">${id}</th>
      <td>${kind}</td>
      <td>${tick.toLocaleString()}</td>
      <td>${dateText(created_ms)}</td>
      <td>${entities.toLocaleString()}</td>
      <td>${sizeText(bytes)}</td>
      <td class="text">${note}</td>
      <td class="actions">
        <button type="button" disabled=${!goes_on} aria-label=${`Look at ${id}`}
          title=${goes_on ? "Look at the world then" : "The log does not lead on from it"}
          onClick=${() => time.goTo(tick)}>Look</button>
        <button type="button" class=${isAsking.value ? "danger" : ""} disabled=${!session.canEdit
          .value}
          onBlur=${() => isAsking.value = false}
          onClick=${restore}>${isAsking.value ? "Really restore" : "Restore"}<span class="hidden">
            ${` ${id}`}</span></button>
      </td>
    </tr>
  `;
}

function sizeText(bytes: number): string {
  if (bytes < KIBIBYTE) return `${bytes} B`;
  const kibibytes = bytes / KIBIBYTE;
  return kibibytes < KIBIBYTE
    ? `${kibibytes.toFixed(0)} KiB`
    : `${(kibibytes / KIBIBYTE).toFixed(1)} MiB`;
}

function CompareForm({ app: { time } }: { app: App }) {
  const { snapshots } = time;
  const [newest, second] = snapshots.value;
  const before = useSignal(second.id);
  const after = useSignal(newest.id);
  const choice = (label: string, chosen: typeof before) =>
    html`<label>${label} <select value=${chosen.value}
      onChange=${(event: Event) => chosen.value = (event.currentTarget as HTMLSelectElement).value}>
      ${snapshots.value.map(({ id }) => html`<option key=${id} value=${id}>${id}</option>`)}
    </select></label>`;
  const submit = (event: Event) => {
    event.preventDefault();
    time.compare(before.value, after.value);
  };
  return html`<form class="row" aria-label="Compare" onSubmit=${submit}>
    ${choice("What became of", before)} ${choice("in", after)}
    <button type="submit" disabled=${time.busy.value !== undefined}>Compare</button>
  </form>`;
}

function Differences({ comparison: { world } }: { comparison: Comparison }) {
  const { created, destroyed, components } = world;
  const isNone = created.count + destroyed.count + components.length === 0;
  return html`<section class="differences" aria-label="Differences" role="status">
    <p>${created.count.toLocaleString()} entities came, ${destroyed.count.toLocaleString()} went${
    isNone ? "; nothing else differs" : ""
  }.</p>
    ${
    components.length > 0 && html`
      <table class="data">
        <caption class="hidden">Components that differ</caption>
        <thead>
          <tr>
            <th scope="col">Component</th>
            <th scope="col">Added</th>
            <th scope="col">Removed</th>
            <th scope="col">Changed</th>
            <th scope="col">Such as</th>
          </tr>
        </thead>
        <tbody>${components.map(({ name, added, removed, changed, examples: [example] }) =>
          html`
            <tr key=${name}>
              <th scope="row">${name}</th>
              <td>${added.toLocaleString()}</td>
              <td>${removed.toLocaleString()}</td>
              <td>${changed.toLocaleString()}</td>
              <td class="code">${example &&
                `${example.entity}: ${example.field} ${shown(example.before)} → ${
                  shown(example.after)
                }`}</td>
            </tr>
          `
        )}</tbody>
      </table>
    `
  }
  </section>`;
}

function shown(value: unknown): string {
  if (typeof value === "number") return String(Number(value.toPrecision(5)));
  if (typeof value !== "object" || value === null) return String(value);
  return `[${Object.values(value).map(shown).join(", ")}]`;
}
