/**
 * The broadcast sets that an instance holds: assembled from their parts as
 * these arrive, live or replayed from the log.
 *
 * @module
 */
import type { SystemManifest } from "../manifest/manifest.ts";
import type { Schema } from "../ecs/component.ts";
import { allocate, isFixed } from "../ecs/field_type.ts";
import type { Access, Query } from "../ecs/query.ts";
import type { TypedArray } from "../ecs/field_type.ts";
import { decodeChunkEntities, decodeColumns } from "../wire/chunk.ts";
import { type ColumnData, columnKey } from "../wire/column.ts";
import type { MessageOf } from "../wire/messages.ts";
import { WireError } from "../wire/wire_error.ts";
import { BroadcastSet } from "./rows.ts";

type ComponentSet = MessageOf<"ComponentSet">;

/** One part, decoded. */
interface Part {
  readonly count: number;
  readonly columns: ReadonlyMap<string, ColumnData>;
  readonly entities: Float64Array | undefined;
}

/** The parts of one version that have arrived so far. */
interface Assembly {
  readonly epoch: number;
  readonly version: number;
  readonly parts: (Part | undefined)[];
  missing: number;
}

const PARTS_MAX = 4096;
/** The newest sets kept per name: the current one, and the one that a late retry may want. */
const VERSIONS_MAX = 2;

export class Broadcasts {
  readonly #schema: Schema;
  readonly #manifest: SystemManifest;
  readonly #assemblies = new Map<string, Assembly>();
  readonly #sets = new Map<string, Map<string, BroadcastSet>>();

  constructor(schema: Schema, manifest: SystemManifest) {
    this.#schema = schema;
    this.#manifest = manifest;
    for (const name of manifest.broadcast.keys()) this.#sets.set(name, new Map());
  }

  /** The set of this name and version, if all of its parts have arrived. */
  get(name: string, { epoch, version }: { epoch: number; version: number }) {
    return this.#sets.get(name)?.get(`${epoch}.${version}`);
  }

  /** @throws {WireError} when the part is not one of this system's sets, or malformed. */
  receive(message: ComponentSet): void {
    const query = this.#manifest.broadcast.get(message.set);
    if (message.system !== this.#manifest.name || query === undefined) {
      throw new WireError(`Cannot take broadcast "${message.set}" of "${message.system}"`);
    }
    if (message.parts > PARTS_MAX || message.part >= message.parts) {
      throw new WireError(`Cannot take part ${message.part} of ${message.parts}`);
    }
    if (this.get(message.set, message)) return;
    const part = decodePart(query, message);
    const assembly = this.#assembly(message);
    if (assembly.parts[message.part] !== undefined) return;
    assembly.parts[message.part] = part;
    if (--assembly.missing > 0) return;
    this.#assemblies.delete(message.set);
    this.#keep(message, this.#assemble(message.set, query, assembly.parts as Part[]));
  }

  #assembly({ set, epoch, version, parts }: ComponentSet): Assembly {
    const known = this.#assemblies.get(set);
    const isKnown = known?.epoch === epoch && known.version === version &&
      known.parts.length === parts;
    if (isKnown) return known;
    const assembly = { epoch, version, parts: new Array(parts), missing: parts };
    this.#assemblies.set(set, assembly);
    return assembly;
  }

  #keep({ set, epoch, version }: ComponentSet, rows: BroadcastSet): void {
    const versions = this.#sets.get(set);
    versions?.set(`${epoch}.${version}`, rows);
    for (const oldest of versions?.keys() ?? []) {
      if ((versions?.size ?? 0) <= VERSIONS_MAX) break;
      versions?.delete(oldest);
    }
  }

  #assemble(name: string, query: Query, parts: readonly Part[]): BroadcastSet {
    const count = parts.reduce((sum, part) => sum + part.count, 0);
    const columns = new Map<string, ColumnData>();
    for (const { component, fields } of accessesOf(query)) {
      for (const field of fields) {
        const key = columnKey(component, field);
        const pieces = parts.map((part) => part.columns.get(key) ?? []);
        columns.set(
          key,
          isFixed(field.type)
            ? concatenate(pieces as TypedArray[], allocate(field.type, count))
            : pieces.flatMap((piece) => Array.from(piece as [])),
        );
      }
    }
    const entities = query.entities
      ? concatenate(parts.map((part) => part.entities ?? []), new Float64Array(count))
      : undefined;
    const source = `${this.#manifest.file}, broadcast ${name}`;
    return new BroadcastSet({
      source,
      schema: this.#schema,
      query,
      count,
      columns,
      entities: entities as Float64Array | undefined,
    });
  }
}

function accessesOf(query: Query): readonly Access[] {
  return [...query.read, ...query.write];
}

function decodePart(query: Query, message: ComponentSet): Part {
  return {
    count: message.count,
    columns: decodeColumns(message, accessesOf(query)),
    entities: query.entities ? decodeChunkEntities(message) : undefined,
  };
}

function concatenate(pieces: readonly ArrayLike<number | bigint>[], target: TypedArray) {
  let at = 0;
  for (const piece of pieces) {
    target.set(piece as never, at);
    at += piece.length;
  }
  return target;
}
