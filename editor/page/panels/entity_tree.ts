/**
 * What the world is made of, as a tree: archetypes, and components with their fields.
 * Choosing one asks for its entities.
 *
 * @module
 */
/// <reference lib="dom" />
import { type Signal, useSignal } from "@preact/signals";
import type { App } from "../app.ts";
import { fieldText, type WorldSchema } from "../../model/schema.ts";
import { archetypeQuery, componentCounts, distinctName } from "../../model/table_query.ts";
import { html } from "../html.ts";
import { nextItem } from "./tree_keys.ts";

interface Item {
  readonly id: string;
  readonly label: string;
  readonly note: string;
  /** In full, or more about it, where the label is not all. */
  readonly title?: string | undefined;
  readonly level: 1 | 2 | 3;
  /** Undefined: it has nothing below it. */
  readonly isOpen: boolean | undefined;
  choose(): void;
}

export function EntityTree({ app }: { app: App }) {
  const open = useSignal<ReadonlySet<string>>(new Set(["archetypes"]));
  const focused = useSignal("everything");
  /** The item that asked for what is listed, and its query. */
  const chosen = useSignal({ id: "everything", text: "*" });
  const items = itemsOf(app, open.value);
  const current = items.some(({ id }) => id === focused.value) ? focused.value : items[0].id;
  const { text } = app.list;
  const choose = (item: Item) => {
    item.choose();
    if (item.level > 1 || item.isOpen === undefined) {
      chosen.value = { id: item.id, text: text.value };
    }
  };
  const isChosen = ({ id }: Item) => id === chosen.value.id && text.value === chosen.value.text;
  const key = (event: KeyboardEvent) => {
    const at = items.findIndex(({ id }) => id === current);
    const move = nextItem(event.key, { items, at });
    if (move === undefined) return;
    event.preventDefault();
    if (move.toggle) toggle(open, items[at].id);
    focused.value = items[move.to].id;
    if (move.choose) choose(items[at]);
    requestAnimationFrame(() => document.getElementById(`tree-${focused.value}`)?.focus());
  };
  return html`
    <div class="tree" role="tree" aria-label="Archetypes and components" onKeyDown=${key}>
      ${items.map((item) =>
        html`
          <div key=${item.id} id=${`tree-${item.id}`} role="treeitem" aria-level=${item.level}
            aria-expanded=${item.isOpen} aria-selected=${isChosen(item)}
            tabindex=${item.id === current ? 0 : -1} class=${`tree-item level-${item.level}`}
            onClick=${() => {
              focused.value = item.id;
              if (item.isOpen !== undefined && item.level === 1) toggle(open, item.id);
              choose(item);
            }}>
            <span class="twisty" aria-hidden="true" onClick=${(event: Event) => {
              if (item.isOpen === undefined) return;
              event.stopPropagation();
              toggle(open, item.id);
            }}>${item.isOpen === undefined ? "" : item.isOpen ? "▾" : "▸"}</span>
            <span class="label" title=${item.title ?? item.label}>${item.label}</span>
            <span class="note">${item.note}</span>
          </div>
        `
      )}
    </div>
  `;
}

function toggle(open: Signal<ReadonlySet<string>>, id: string): void {
  const next = new Set(open.value);
  if (!next.delete(id)) next.add(id);
  open.value = next;
}

function itemsOf({ session, list }: App, open: ReadonlySet<string>) {
  const schema = session.schema.value;
  const entities = schema.archetypes.reduce((sum, { count }) => sum + count, 0);
  const items: Item[] = [{
    id: "everything",
    label: "Everything",
    note: entities.toLocaleString(),
    level: 1,
    isOpen: undefined,
    choose: () => list.setText("*"),
  }];
  const group = (id: string, label: string, below: () => Item[], count: number) => {
    const isOpen = open.has(id);
    items.push({ id, label, note: String(count), level: 1, isOpen, choose: () => {} });
    if (isOpen) items.push(...below());
  };
  group("archetypes", "Archetypes", () => archetypeItems(schema, list), schema.archetypes.length);
  group(
    "components",
    "Components",
    () => componentItems(schema, { list, open }),
    schema.components.size,
  );
  return items;
}

function archetypeItems(schema: WorldSchema, list: App["list"]): Item[] {
  return schema.archetypes.map((archetype) => ({
    id: `archetype-${archetype.components.join("-")}`,
    label: distinctName(archetype, schema.archetypes),
    note: archetype.count.toLocaleString(),
    title: archetype.components.join(", "),
    level: 2,
    isOpen: undefined,
    choose: () => list.setSpec(archetypeQuery(archetype, schema)),
  }));
}

function componentItems(
  schema: WorldSchema,
  { list, open }: { list: App["list"]; open: ReadonlySet<string> },
): Item[] {
  return componentCounts(schema).flatMap(({ name, count }) => {
    const { description, fields = [] } = schema.components.get(name) ?? {};
    const id = `component-${name}`;
    const item: Item = {
      id,
      label: name,
      note: count.toLocaleString(),
      title: description,
      level: 2,
      isOpen: fields.length > 0 ? open.has(id) : undefined,
      choose: () => list.setText(fields.length > 0 ? name : `+${name}`),
    };
    if (!open.has(id)) return [item];
    return [
      item,
      ...fields.map((field): Item => ({
        id: `${id}-${field.name}`,
        label: field.name,
        note: field.type,
        title: `${field.name}: ${fieldText(field)}`,
        level: 3,
        isOpen: undefined,
        choose: () => list.setText(`${name}.${field.name}`),
      })),
    ];
  });
}
