/**
 * The rows of a query, of which only those that are seen are there.
 *
 * @module
 */
/// <reference lib="dom" />
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { strideOf } from "../../../lib/ecs/field_type.ts";
import { cellText } from "../../model/field_text.ts";
import { contentHeight, scrollToShow, windowAt } from "../../model/scroll_map.ts";
import { modeOf, select, SELECTED_MAX, type SelectMode } from "../../model/selection.ts";
import { cycleSort, sortedBy, type TableColumn } from "../../model/table_query.ts";
import type { App } from "../app.ts";
import { classes, html } from "../html.ts";
import { EmptyState } from "./empty_state.ts";
import { stepOf } from "./grid_keys.ts";

const ROW_HEIGHT = 24;

export function EntityTable({ app }: { app: App }) {
  const scrollTop = useSignal(0);
  const viewHeight = useSignal(400);
  const ref = useRef<HTMLDivElement>(null);
  const { list, inspection } = app;
  list.version.value;
  const rows = list.total.value;
  const shape = { rows, rowHeight: ROW_HEIGHT, viewHeight: viewHeight.value };
  const seen = windowAt(shape, scrollTop.value);
  useEffect(() => list.look(seen.first, seen.count), [seen.first, seen.count, list.spec.value]);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => {
      viewHeight.value = Math.max(ROW_HEIGHT, element.clientHeight - ROW_HEIGHT);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (ref.current) ref.current.scrollTop = 0;
  }, [list.spec.value]);

  const choose = (index: number, mode: SelectMode) =>
    chooseRow(app, index, mode).then(() => {
      if (ref.current) ref.current.scrollTop = scrollToShow(shape, index, ref.current.scrollTop);
    });
  const { cursor } = inspection.selection.value;
  const columns = list.columns.value;
  return html`
    <div class="grid-scroll" ref=${ref}
      onScroll=${(event: Event) =>
        scrollTop.value = (event.currentTarget as HTMLElement).scrollTop}>
      <div class="grid" role="grid" tabindex="0" aria-label="Entities found"
        aria-rowcount=${rows + 1} aria-multiselectable="true" aria-colcount=${columns.length + 2}
        aria-activedescendant=${list.at(cursor) && cursor >= seen.first &&
            cursor < seen.first + seen.count
          ? `row-${cursor}`
          : undefined}
        onKeyDown=${(event: KeyboardEvent) =>
          onKey(event, { app, rows, seen: seen.count, choose })}>
        <${Header} app=${app} columns=${columns} />
        <div class="grid-body" role="rowgroup" style=${{ height: `${contentHeight(shape)}px` }}>
          <div class="grid-window" role="presentation"
            style=${{ transform: `translateY(${seen.top}px)` }}>
            ${Array.from(
              { length: seen.count },
              (_, i) => html`<${TableRow} app=${app} index=${seen.first + i} choose=${choose} />`,
            )}
          </div>
        </div>
      </div>
      ${rows === 0 && html`<${EmptyState} app=${app} what="entities" />`}
    </div>
  `;
}

function Header({ app, columns }: { app: App; columns: readonly TableColumn[] }) {
  const spec = app.list.spec.value;
  const sortButton = (by: string, label: string) => {
    const sorted = sortedBy(spec, by);
    const arrow = sorted === "ascending" ? " ▲" : sorted === "descending" ? " ▼" : "";
    return html`
      <button key=${by} type="button" class="sort"
        aria-label=${`Sort by ${by}${sorted ? `, ${sorted}` : ""}`}
        onClick=${() =>
          app.list.setSpec(cycleSort(app.list.spec.value, by))}>${label}${arrow}</button>
    `;
  };
  const direction = (bys: readonly string[]) =>
    bys.map((by) => sortedBy(spec, by)).find((sorted) => sorted !== undefined) ?? "none";
  return html`
    <div role="rowgroup" class="grid-head">
      <div role="row" class="grid-row" aria-rowindex="1">
        <div role="columnheader" class="cell entity" aria-sort=${direction(["Entity"])}
          >${sortButton("Entity", "Entity")}</div>
        ${columns.map((column) => {
          const { key, sorts, type, unit, title } = column;
          return html`
            <div key=${key} role="columnheader" class=${`cell ${type}`} style=${widthOf(column)}
              title=${`${key}: ${title}`} aria-sort=${direction(sorts.map(({ by }) => by))}>
              ${sorts.length === 1
                ? sortButton(sorts[0].by, key)
                : html`<span class="column-name">${key}</span>`}
              ${unit && html`<span class="unit">${` ${unit}`}</span>`}
              ${sorts.length > 1 && sorts.map(({ by, label }) => sortButton(by, label))}
            </div>
          `;
        })}
        <div role="columnheader" class="cell components">Components</div>
      </div>
    </div>
  `;
}

const CHARACTER_WIDTH = 7.5;
const LANE_BUTTON_WIDTH = 22;
const COLUMN_PADDING = 36;
/** Of the numbers of one row. */
const NUMBER_WIDTH = 62;

/** Wide enough for the column's name, its unit and its numbers. */
function widthOf({ key, unit = "", sorts, type }: TableColumn): { width: string } {
  const lanes = strideOf(type);
  const buttons = sorts.length > 1 ? sorts.length * LANE_BUTTON_WIDTH : 0;
  const name = (key.length + unit.length) * CHARACTER_WIDTH + buttons + COLUMN_PADDING;
  return { width: `${Math.max(name, Math.min(lanes, 4) * NUMBER_WIDTH)}px` };
}

function TableRow({ app, index, choose }: {
  app: App;
  index: number;
  choose: (index: number, mode: SelectMode) => void;
}) {
  const { list, inspection } = app;
  list.version.value;
  const row = list.at(index);
  const { entities, cursor } = inspection.selection.value;
  const isSelected = row !== undefined && entities.has(row.entity);
  const pointer = (event: PointerEvent) => {
    if (event.button === 0) choose(index, modeOf(event));
  };
  return html`
    <div role="row" id=${`row-${index}`} aria-rowindex=${index + 2} aria-selected=${isSelected}
      class=${classes({ "grid-row": true, selected: isSelected, cursor: index === cursor })}
      onPointerDown=${pointer}>
      <div role="gridcell" class="cell entity">${row?.entity ?? "…"}</div>
      ${list.columns.value.map((column) => {
        const { key, type } = column;
        const text = cellText(row?.values.get(key), type);
        return html`
          <div key=${key} role="gridcell" class=${`cell ${type}`} style=${widthOf(column)}
            title=${text}>${lanesOf(text, type)}</div>
        `;
      })}
      <div role="gridcell" class="cell components">${row?.components.join(", ") ?? ""}</div>
    </div>
  `;
}

/** The numbers of a vector below one another from row to row. */
function lanesOf(text: string, type: TableColumn["type"]) {
  if (strideOf(type) === 1) return text;
  return text.split("  ").map((lane, i) => html`<span key=${i} class="lane-cell">${lane}</span>`);
}

async function chooseRow({ list, inspection }: App, index: number, mode: SelectMode) {
  const { selection } = inspection;
  const { anchor } = selection.value;
  // The next key moves on from here, even while the row is still being fetched.
  selection.value = { ...selection.value, cursor: index };
  if (mode === "range" && anchor >= 0) {
    const [from, to] = [Math.min(anchor, index), Math.max(anchor, index)];
    await list.fetchRange(from, Math.min(to, from + SELECTED_MAX - 1));
  } else if (list.at(index) === undefined) {
    await list.fetchRange(index, index);
  }
  selection.value = select(selection.value, {
    index,
    mode,
    entityAt: (index) => list.at(index)?.entity,
  });
}

function onKey(
  event: KeyboardEvent,
  { app, rows, seen, choose }: {
    app: App;
    rows: number;
    seen: number;
    choose: (index: number, mode: SelectMode) => void;
  },
): void {
  const { inspection, session } = app;
  const { cursor } = inspection.selection.value;
  const isControl = event.ctrlKey || event.metaKey;
  const to = stepOf(event.key, { at: cursor, rows, page: Math.max(1, seen - 2) });
  if (to !== undefined) {
    choose(to, event.shiftKey ? "range" : "replace");
  } else if (event.key === " " && cursor >= 0) {
    choose(cursor, isControl ? "toggle" : "replace");
  } else if (isControl && event.key.toLowerCase() === "a" && rows > 0) {
    inspection.selection.value = { ...inspection.selection.value, anchor: 0 };
    choose(Math.min(rows, SELECTED_MAX) - 1, "range");
  } else if (event.key === "Delete" && session.canEdit.value) {
    inspection.destroy();
  } else if (event.key === "Enter") {
    document.querySelector<HTMLElement>(".inspector input, .inspector button")?.focus();
  } else {
    return;
  }
  event.preventDefault();
}
