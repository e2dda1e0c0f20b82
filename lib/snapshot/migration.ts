/**
 * Migration: an image in the layouts of another schema. Whatever that schema has
 * too is kept, to the order of the rows and the change marks; what it lacks is
 * dropped, and what it adds gets its default.
 *
 * @module
 */
import { type ComponentColumns, Table } from "../ecs/archetype.ts";
import type { AnyColumn } from "../ecs/column.ts";
import type { Schema } from "../ecs/component.ts";
import {
  compareSchemas,
  describeDifferences,
  hasSameLayout,
  isWidening,
  type SchemaDifference,
} from "./schema_difference.ts";
import { SnapshotError } from "./snapshot_error.ts";
import type { WorldImage } from "./world_image.ts";

export interface Migration {
  readonly image: WorldImage;
  /** What was done; none: the image fits as it is. */
  readonly changes: readonly SchemaDifference[];
}

/**
 * The image as `schema` has it, where that loses no entity's values, or where
 * losing them is allowed.
 * @throws {SnapshotError} that lists what differs and what can be done, where it is not.
 */
export function fitImage(
  image: WorldImage,
  schema: Schema,
  { isLossAllowed, what }: {
    isLossAllowed: boolean;
    /** What the image is of, for the message: `snapshot "t7"`. */
    what: string;
  },
): Migration {
  const losses = compareSchemas(image, schema).filter(({ entitiesLosing }) => entitiesLosing > 0);
  if (losses.length === 0 || isLossAllowed) return migrateImage(image, schema);
  throw new SnapshotError(
    `Cannot go on from ${what}: the components are not those that it was made with\n` +
      `${describeDifferences(losses)}\n` +
      "Either declare them in components.yaml as they were, or pass --migrate to lose these values",
  );
}

/** The image as `schema` has it, whatever that loses; it shares arrays with the given one. */
export function migrateImage(image: WorldImage, schema: Schema): Migration {
  const changes = compareSchemas(image, schema);
  const changeTick = image.changeTick + 1;
  const tables = new Map<bigint, Table>();
  let isSame = true;
  for (const source of image.tables) {
    const kept = source.components.flatMap(({ name }) => schema.get(name) ?? []);
    const shape = new Table(kept);
    const target = tables.get(shape.id) ?? shape;
    const isAlike = kept.length === source.components.length &&
      kept.every((component, i) => hasSameLayout(component, source.components[i]));
    isSame &&= isAlike;
    if (isAlike && target.count === 0) target.take(source);
    else appendTable(target, source, changeTick);
    tables.set(target.id, target);
  }
  if (isSame) return { image: { ...image, schema }, changes };
  const sorted = [...tables.values()].sort((a, b) => a.id < b.id ? -1 : 1);
  return {
    image: { schema, tables: sorted, nextEntity: image.nextEntity, changeTick },
    changes,
  };
}

function appendTable(target: Table, source: Table, changeTick: number): void {
  const first = target.count;
  target.reserve(first + source.count);
  target.entities.set(source.entities.subarray(0, source.count), first);
  for (const store of target.stores) {
    const from = source.stores.find(({ component }) => component.name === store.component.name);
    if (from) appendStore(store, from, { first, count: source.count, changeTick });
  }
  target.count = first + source.count;
  target.structureChangedLast = changeTick;
}

interface Rows {
  readonly first: number;
  readonly count: number;
  readonly changeTick: number;
}

/** Rows whose component has other fields now are marked as changed. */
function appendStore(target: ComponentColumns, source: ComponentColumns, rows: Rows): void {
  const { first, count, changeTick } = rows;
  if (hasSameLayout(target.component, source.component)) {
    target.changed.set(source.changed.subarray(0, count), first);
    target.changedLast = Math.max(target.changedLast, source.changedLast);
  } else {
    target.changed.fill(changeTick, first, first + count);
    target.changedLast = changeTick;
  }
  for (const column of target.columns) {
    const from = source.columns.find(({ field }) => field.name === column.field.name);
    appendColumn(column, from, rows);
  }
}

function appendColumn(
  target: AnyColumn,
  source: AnyColumn | undefined,
  { first, count, changeTick }: Rows,
): void {
  if (source?.field.type === target.field.type) {
    target.changedLast = Math.max(target.changedLast, source.changedLast);
    for (let row = 0; row < count; row++) target.copyRow(first + row, source, row);
    return;
  }
  target.changedLast = changeTick;
  if (source && isWidening(source.field.type, target.field.type)) {
    const toBigint = target.field.type === "i64" || target.field.type === "u64";
    for (let row = 0; row < count; row++) {
      const value = source.get(row) as number;
      target.set(first + row, toBigint ? BigInt(value) : value);
    }
    return;
  }
  for (let row = 0; row < count; row++) target.set(first + row, target.field.default);
}
