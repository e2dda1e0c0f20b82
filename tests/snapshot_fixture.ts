/**
 * Worlds to take snapshots of, and how two of them are compared: to the order of
 * their rows and the last change mark.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { encode } from "@std/msgpack";
import type * as fc from "fast-check";
import { MemoryNetwork } from "../lib/bus/memory_bus.ts";
import { type AnyColumn, FixedColumn } from "../lib/ecs/column.ts";
import { applyCommands } from "../lib/ecs/command.ts";
import { World } from "../lib/ecs/world.ts";
import { createRandom } from "../lib/random.ts";
import type { SnapshotMeta } from "../lib/snapshot/snapshot_manifest.ts";
import { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { createSubjects } from "../lib/wire/subjects.ts";
import { commandBuffers, SCHEMA } from "./ecs_model.ts";

/** Worlds with a history: several change ticks, swapped rows, emptied tables. */
export const worlds: fc.Arbitrary<World> = commandBuffers.map((buffers) => {
  const world = new World(SCHEMA);
  for (const buffer of buffers) {
    world.changeTick++;
    applyCommands(world, buffer);
  }
  return world;
});

/** Everything that one can see of a world, and that the next tick may depend on. */
export function contentOf(world: World) {
  return {
    nextEntity: world.nextEntity,
    changeTick: world.changeTick,
    entities: [...world.entities()],
    tables: world.tables().map((table) => ({
      id: table.id,
      entities: [...table.entities.subarray(0, table.count)],
      structureChangedLast: table.structureChangedLast,
      stores: table.stores.map(({ component, columns, changed, changedLast }) => ({
        name: component.name,
        changedLast,
        changed: [...changed.subarray(0, table.count)],
        columns: columns.map((column) => ({
          field: column.field.name,
          changedLast: column.changedLast,
          values: Array.from({ length: table.count }, (_, row) => valueOf(column, row)),
        })),
      })),
    })),
  };
}

/** MessagePack does not tell -0 from 0 in an `any` field, and nor does the digest of a world. */
function valueOf(column: AnyColumn, row: number) {
  return column instanceof FixedColumn ? column.get(row) : [...encode(column.data[row])];
}

/** The same rows in the same order, and every entity where the index says it is. */
export function assertSameWorld(actual: World, expected: World): void {
  assertEquals(contentOf(actual), contentOf(expected));
  assertEquals(actual.entityCount, expected.entityCount);
  for (const entity of expected.entities()) {
    const { table, row } = actual.locate(entity);
    assertEquals([table.id, row], [expected.locate(entity).table.id, expected.locate(entity).row]);
  }
}

export function metaFor(id: string, options: Partial<SnapshotMeta> = {}): SnapshotMeta {
  return {
    id,
    kind: "auto",
    tick: 7,
    epoch: 1,
    digest: 2n ** 63n,
    sequence: 40,
    lastRuns: { physics: 12 },
    createdAt: 1.7e12,
    ...options,
  };
}

/** A store on an in-memory log, the log, and its bus. */
export async function openStore({ payloadBytesMax = 100_000 } = {}) {
  const network = new MemoryNetwork({ random: createRandom(1), payloadBytesMax });
  const { bus, log } = network.connect("a", {
    onError: (error) => {
      throw error;
    },
  });
  const subjects = createSubjects("test");
  const store = new SnapshotStore({
    log,
    subjects,
    payloadBytesMax: bus.payloadBytesMax,
  });
  await store.open({ replicas: 1 });
  return { store, bus, log, subjects };
}
