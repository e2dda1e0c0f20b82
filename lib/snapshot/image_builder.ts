/**
 * Puts an image together again from a manifest and its parts, and checks on the
 * way that they are what a world can be.
 *
 * @module
 */
import { Table } from "../ecs/archetype.ts";
import { writeRows } from "../ecs/column_bytes.ts";
import type { ComponentType, Schema } from "../ecs/component.ts";
import { rowBytesOf } from "../ecs/field_type.ts";
import { loadChunkEntities } from "../wire/chunk.ts";
import { decodePayload } from "../wire/codec.ts";
import { columnKey, loadColumn } from "../wire/column.ts";
import type { MessageOf } from "../wire/messages.ts";
import { WireError } from "../wire/wire_error.ts";
import { schemaOf, type SnapshotManifest } from "./snapshot_manifest.ts";
import type { WorldImage } from "./world_image.ts";

type TableEntry = SnapshotManifest["tables"][number];
type Part = MessageOf<"SnapshotPart">;

const ENTITY_BYTES = 8;
const MARK_BYTES = 8;

export class ImageBuilder {
  readonly #manifest: SnapshotManifest;
  readonly #schema: Schema;
  readonly #tables: readonly Table[];
  #parts = 0;
  /** The table that is being filled. */
  #table = 0;

  /** @throws {WireError} when the manifest contradicts itself. */
  constructor(manifest: SnapshotManifest) {
    this.#manifest = manifest;
    this.#schema = schemaOf(manifest);
    this.#tables = manifest.tables.map((entry) => createTable(entry, this.#schema));
    checkSizes(manifest, this.#tables);
  }

  /**
   * Takes the next part.
   * @throws {WireError} when it is not the one that the manifest says comes next.
   */
  add(data: Uint8Array): void {
    const part = decodePayload("SnapshotPart", data);
    const { tables, snapshot } = this.#manifest;
    if (part.snapshot !== snapshot || part.part !== this.#parts) {
      throw new WireError(
        `Cannot take part ${part.part} of snapshot "${part.snapshot}" for part ${this.#parts} of "${snapshot}"`,
      );
    }
    const table = this.#tables[part.table];
    const entry = tables[part.table];
    const isNext = table && part.table >= this.#table && part.first === table.count &&
      part.count <= entry.count - part.first;
    if (!isNext) {
      throw new WireError(
        `Cannot take part ${part.part}: its rows are not those that come next`,
      );
    }
    table.reserve(entry.count);
    this.#fill(table, part);
    this.#table = part.table;
    this.#parts++;
  }

  /**
   * The image, once all parts are there.
   * @throws {WireError} when rows are missing.
   */
  build(): WorldImage {
    const { tables, next_entity: nextEntity, change_tick: changeTick } = this.#manifest;
    for (const [i, { count }] of tables.entries()) {
      if (this.#tables[i].count === count) continue;
      throw new WireError(
        `Cannot build table ${i} of the snapshot: it has ${this.#tables[i].count} of ${count} rows`,
      );
    }
    return { schema: this.#schema, tables: this.#tables, nextEntity, changeTick };
  }

  #fill(table: Table, part: Part): void {
    const { first, count } = part;
    loadChunkEntities(table.entities, part, first);
    for (const store of table.stores) {
      const { name } = store.component;
      for (const column of store.columns) {
        const key = columnKey(store.component, column.field);
        if (!Object.hasOwn(part.columns, key)) {
          throw new WireError(`Cannot take part ${part.part}: column "${key}" is missing`);
        }
        loadColumn(column, part.columns[key], { first, count });
      }
      this.#fillMarks(store.changed, { name, part });
    }
    table.count += count;
  }

  #fillMarks(target: Float64Array, { name, part }: { name: string; part: Part }): void {
    const { first, count, changed, marks } = part;
    const { change_tick } = this.#manifest;
    if (Object.hasOwn(changed, name)) {
      if (changed[name] > change_tick) throw badMarks(name, part);
      target.fill(changed[name], first, first + count);
      return;
    }
    const bytes = Object.hasOwn(marks, name) ? marks[name] : undefined;
    if (bytes?.length !== count * MARK_BYTES) throw badMarks(name, part);
    writeRows("f64", target as Float64Array<ArrayBuffer>, { first, bytes });
    for (let row = first; row < first + count; row++) {
      const mark = target[row];
      if (!(mark >= 0 && mark <= change_tick && Number.isInteger(mark))) throw badMarks(name, part);
    }
  }
}

function createTable(entry: TableEntry, schema: Schema): Table {
  const table = new Table(entry.components.map(({ name }) => componentNamed(name, schema)));
  const names = entry.components.map(({ name }) => name);
  const isSame = table.id === entry.archetype &&
    table.components.every(({ name }, i) => name === names[i]);
  if (!isSame) {
    throw new WireError(
      `Cannot read a snapshot's table of ${
        names.join(", ") || "nothing"
      }: its archetype is not theirs`,
    );
  }
  table.structureChangedLast = entry.changed;
  table.stores.forEach((store, i) => {
    const { changed, fields } = entry.components[i];
    if (fields.length !== store.columns.length) {
      throw new WireError(`Cannot read a snapshot's table: "${names[i]}" has other fields in it`);
    }
    store.changedLast = changed;
    store.columns.forEach((column, k) => column.changedLast = fields[k]);
  });
  return table;
}

function componentNamed(name: string, schema: Schema): ComponentType {
  const component = schema.get(name);
  if (component === undefined) {
    throw new WireError(`Cannot read a snapshot's table: component "${name}" is not declared`);
  }
  return component;
}

/** So that a manifest cannot make its reader reserve more memory than its parts can fill. */
function checkSizes({ tables, parts, entities }: SnapshotManifest, built: readonly Table[]): void {
  const rowBytes = built.map(({ stores }) =>
    stores.flatMap(({ columns }) => columns)
      .reduce((sum, { field }) => sum + rowBytesOf(field.type), ENTITY_BYTES)
  );
  const needed = tables.reduce((sum, { count }, i) => sum + count * rowBytes[i], 0);
  const given = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const rows = tables.reduce((sum, { count }) => sum + count, 0);
  if (needed > given || rows !== entities) {
    throw new WireError(
      `Cannot read a snapshot's manifest: ${rows} rows, ${entities} entities and ${given} bytes do not go together`,
    );
  }
}

function badMarks(name: string, { part }: Part): WireError {
  return new WireError(`Cannot take part ${part}: the change marks of "${name}" are not its rows'`);
}
