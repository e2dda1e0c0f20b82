/**
 * Publishes the broadcast sets of a system, each under the tick that it was
 * taken in as its version; a set that has not changed keeps its version and is
 * not sent again. The sets' stream keeps the newest parts for late joiners.
 *
 * @module
 */
import type { Table } from "../lib/ecs/archetype.ts";
import type { Query } from "../lib/ecs/query.ts";
import type { World } from "../lib/ecs/world.ts";
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import { encodeChunk } from "../lib/wire/chunk.ts";
import { columnKey, type RowSelection } from "../lib/wire/column.ts";
import { type Encoded, encodeMessage } from "../lib/wire/codec.ts";
import type { WireColumn } from "../lib/wire/messages.ts";
import { isFixed } from "../lib/ecs/field_type.ts";
import { planShards } from "./shards.ts";

interface PublishedSet {
  readonly version: number;
  /** Change tick up to which the set is current. */
  readonly changeTick: number;
  /** Matching archetypes; one more means other rows. */
  readonly tableCount: number;
  /** As they were published: the rows may have changed since, under those who have the set. */
  readonly parts: readonly PublishedPart[];
}

interface PublishedPart {
  readonly encoded: Encoded;
  readonly address: { readonly system: string; readonly set: string; readonly part: number };
}

export interface BroadcasterOptions {
  readonly world: World;
  readonly epoch: number;
  readonly payloadBytesMax: number;
  publish(part: Encoded, address: { system: string; set: string; part: number }): void;
}

export class Broadcaster {
  readonly #options: BroadcasterOptions;
  readonly #published = new Map<string, PublishedSet>();

  constructor(options: BroadcasterOptions) {
    this.#options = options;
  }

  /**
   * Publishes the system's sets that changed, and returns the versions of all of them.
   * @param changeTick what the system's run is about to mark its changes with
   */
  publish(
    { name: system, broadcast }: SystemManifest,
    { tick, changeTick }: { tick: number; changeTick: number },
  ): Record<string, number> {
    const versions: Record<string, number> = {};
    for (const [set, query] of broadcast) {
      const key = `${system}.${set}`;
      const tables = this.#options.world.match(query);
      const before = this.#published.get(key);
      if (before && before.tableCount === tables.length && !changedSince(tables, query, before)) {
        versions[set] = before.version;
        continue;
      }
      const parts = this.#encodeSet({ system, set, version: tick }, query, tables);
      for (const part of parts) this.#send(part);
      // What the system itself then writes is not in the set yet.
      const current = { changeTick: changeTick - 1, tableCount: tables.length };
      this.#published.set(key, { version: tick, parts, ...current });
      versions[set] = tick;
    }
    return versions;
  }

  /** Publishes every set again as it is, since whoever kept them may have lost them. */
  renew(): void {
    for (const { parts } of this.#published.values()) {
      for (const part of parts) this.#send(part);
    }
  }

  /** Publishes the sets of one system again as they are. */
  resend(system: string): void {
    for (const part of [...this.#published.values()].flatMap(({ parts }) => parts)) {
      if (part.address.system === system) this.#send(part);
    }
  }

  #send({ encoded, address }: PublishedPart): void {
    this.#options.publish(encoded, address);
  }

  #encodeSet(
    { system, set, version }: { system: string; set: string; version: number },
    query: Query,
    tables: readonly Table[],
  ): PublishedPart[] {
    const { epoch, payloadBytesMax } = this.#options;
    const limits = { payloadBytesMax, changedSince: 0 };
    const pieces = planShards(tables, query, limits).flat();
    const parts = Math.max(1, pieces.length);
    return Array.from({ length: parts }, (_, part) => {
      const content = pieces[part] ? encodePiece(pieces[part], query) : emptyPart(query);
      const encoded = encodeMessage("ComponentSet", {
        epoch,
        system,
        set,
        version,
        part,
        parts,
        ...content,
      }, { tick: version, epoch });
      return { encoded, address: { system, set, part } };
    });
  }
}

function changedSince(
  tables: readonly Table[],
  query: Query,
  { changeTick }: PublishedSet,
): boolean {
  return tables.some((table) =>
    table.structureChangedLast > changeTick ||
    query.read.some(({ component }) => (table.store(component)?.changedLast ?? 0) > changeTick)
  );
}

interface PartContent {
  readonly count: number;
  readonly columns: Record<string, WireColumn>;
  readonly entities?: Uint8Array;
}

function encodePiece(piece: RowSelection & { table: Table }, query: Query): PartContent {
  const { count, columns, entities } = encodeChunk(piece.table, piece, {
    accesses: query.read,
    entities: query.entities,
  });
  return { count, columns, ...(entities && { entities }) };
}

/** A set without rows still has all of its columns. */
function emptyPart(query: Query): PartContent {
  const columns = query.read.flatMap(({ component, fields }) =>
    fields.map((field) =>
      [columnKey(component, field), isFixed(field.type) ? new Uint8Array(0) : []] as const
    )
  );
  return {
    count: 0,
    columns: Object.fromEntries(columns),
    ...(query.entities && { entities: new Uint8Array(0) }),
  };
}
