/**
 * Tells the page which snapshots are stored, and in what two of them differ: that
 * takes reading them whole, which is this process's work and not the browser's.
 *
 * @module
 */
import { SnapshotCommands, type SnapshotPorts } from "../../coordinator/snapshot_commands.ts";
import { compareSchemas } from "../../lib/snapshot/schema_difference.ts";
import type { Snapshot } from "../../lib/snapshot/snapshot_store.ts";
import { compareWorlds } from "../../lib/snapshot/world_difference.ts";
import { restoreWorld } from "../../lib/snapshot/world_image.ts";

export class SnapshotDesk {
  readonly #commands: SnapshotCommands;

  constructor(ports: SnapshotPorts) {
    this.#commands = new SnapshotCommands(ports);
  }

  async list(): Promise<object> {
    const { snapshots, damaged } = await this.#commands.list();
    return {
      snapshots: snapshots.map(({ meta, entities, bytes, isGoneOnFrom }) => ({
        id: meta.id,
        kind: meta.kind,
        tick: meta.tick,
        created_ms: meta.createdAt,
        note: meta.note ?? "",
        entities,
        bytes,
        goes_on: isGoneOnFrom,
      })),
      damaged,
    };
  }

  /** @throws {SnapshotError} when one is not there, or damaged. */
  async compare(a: string, b: string): Promise<object> {
    const before = await this.#commands.load(a);
    const after = await this.#commands.load(b);
    return {
      schema: compareSchemas(before.image, after.image.schema),
      world: compareWorlds(worldOf(before), worldOf(after)),
    };
  }
}

function worldOf({ image }: Snapshot) {
  return restoreWorld(image.schema, image);
}
