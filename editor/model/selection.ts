/**
 * Which entities are selected. One is the cursor, that keys move from; a range runs
 * from the anchor to it.
 *
 * @module
 */

/** Entities that are edited together. */
export const SELECTED_MAX = 1000;

export interface Selection {
  readonly entities: ReadonlySet<number>;
  /** Places in the list; -1: none. */
  readonly anchor: number;
  readonly cursor: number;
}

export const NOTHING_SELECTED: Selection = { entities: new Set(), anchor: -1, cursor: -1 };

/** How a click or key changes it: alone, one more or less, or all from the anchor on. */
export type SelectMode = "replace" | "toggle" | "range";

export function modeOf(event: { shiftKey: boolean; ctrlKey: boolean; metaKey: boolean }) {
  if (event.shiftKey) return "range";
  return event.ctrlKey || event.metaKey ? "toggle" : "replace";
}

/**
 * The selection after `index` of the list was chosen.
 * @param entityAt the list's entity at a place; undefined while it has not been fetched
 */
export function select(
  before: Selection,
  { index, mode, entityAt }: {
    index: number;
    mode: SelectMode;
    entityAt: (index: number) => number | undefined;
  },
): Selection {
  const entity = entityAt(index);
  if (mode === "range" && before.anchor >= 0) {
    const [from, to] = [Math.min(before.anchor, index), Math.max(before.anchor, index)];
    const entities = new Set<number>();
    for (let i = from; i <= to && entities.size < SELECTED_MAX; i++) {
      const found = entityAt(i);
      if (found !== undefined) entities.add(found);
    }
    return { entities, anchor: before.anchor, cursor: index };
  }
  if (entity === undefined) return { ...before, cursor: index };
  if (mode !== "toggle") return { entities: new Set([entity]), anchor: index, cursor: index };
  const entities = new Set(before.entities);
  if (!entities.delete(entity) && entities.size < SELECTED_MAX) entities.add(entity);
  return { entities, anchor: index, cursor: index };
}

/** Selects entities by themselves, wherever they are in the list. */
export function selectEntities(entities: Iterable<number>): Selection {
  return { entities: new Set([...entities].slice(0, SELECTED_MAX)), anchor: -1, cursor: -1 };
}
