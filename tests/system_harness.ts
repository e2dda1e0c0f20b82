/**
 * Runs a script over a world as the engine does, but in one process and without
 * a bus: rows are cut into shards and encoded, the runner decodes them and runs
 * the script, and what it wrote is decoded and merged.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { Broadcaster } from "../coordinator/broadcaster.ts";
import type { Table } from "../lib/ecs/archetype.ts";
import type { ComponentType, ComponentValue } from "../lib/ecs/component.ts";
import type { Entity } from "../lib/ecs/entity.ts";
import { World } from "../lib/ecs/world.ts";
import { loadManifests } from "../lib/manifest/load.ts";
import type { Manifests, SystemManifest } from "../lib/manifest/manifest.ts";
import { Broadcasts } from "../lib/runtime/broadcasts.ts";
import type { BroadcastSet } from "../lib/runtime/rows.ts";
import { ShardRunner } from "../lib/runtime/run_shard.ts";
import type { SystemDefinition } from "../lib/runtime/system.ts";
import { decodeResult, encodeChunk, mergeResult } from "../lib/wire/chunk.ts";
import type { RowSelection } from "../lib/wire/column.ts";
import { decodePayload } from "../lib/wire/codec.ts";

const MANIFESTS = fileURLToPath(new URL("../manifests", import.meta.url));
const EPOCH = 1;
const PAYLOAD_BYTES_MAX = 1 << 20;

export interface RunOptions {
  /** Simulated time of the step, in seconds; 1/60 unless given. */
  readonly dt?: number;
  /** Rows per shard; all of a table unless given. */
  readonly shardRows?: number;
}

/** Component values by name, as a world's manifest has them. */
export type Values = Readonly<Record<string, ComponentValue>>;

/** A world of the demo's components, and the scripts that run over it. */
export class SystemHarness {
  readonly world: World;
  readonly #manifests: Manifests;
  #tick = 0;

  private constructor(manifests: Manifests) {
    this.#manifests = manifests;
    this.world = new World(manifests.schema);
  }

  /** An empty world with the components of the demo's manifests. */
  static async create(): Promise<SystemHarness> {
    return new SystemHarness(await loadManifests(MANIFESTS));
  }

  spawn(values: Values): Entity {
    const components = Object.entries(values).map(([name, value]) =>
      [this.#component(name), value] as const
    );
    return this.world.spawn(new Map(components));
  }

  /** Spawns the entities of a world's manifest. */
  spawnWorld(name: string): void {
    for (const values of this.#manifests.worlds.get(name)?.entities() ?? []) this.spawn(values);
  }

  set(entity: Entity, component: string, value: ComponentValue): void {
    this.world.set(entity, this.#component(component), value);
  }

  /** A field that holds numbers, such as `Velocity.linear`. */
  numbers(entity: Entity, term: string): number[] {
    const value = this.#field(entity, term);
    return typeof value === "number" ? [value] : Array.from(value as ArrayLike<number>);
  }

  flag(entity: Entity, term: string): boolean {
    return this.#field(entity, term) as boolean;
  }

  /** Runs one system, as one tick does. */
  async run(name: string, definition: SystemDefinition, options: RunOptions = {}): Promise<void> {
    const manifest = this.#manifests.systems.find((system) => system.name === name);
    if (!manifest) throw new RangeError(`Cannot run "${name}": it has no manifest`);
    this.#tick++;
    const { schema } = this.#manifests;
    const runner = new ShardRunner({ schema, manifest, run: definition.run });
    const sets = this.#takeSets(manifest);
    for (const table of this.world.match(manifest.query)) {
      const { shardRows = Math.max(1, table.count) } = options;
      for (let first = 0; first < table.count; first += shardRows) {
        const selection = { first, count: Math.min(shardRows, table.count - first) };
        await this.#runShard({ manifest, runner, sets }, { table, selection, ...options });
      }
    }
  }

  async #runShard(
    { manifest, runner, sets }: {
      manifest: SystemManifest;
      runner: ShardRunner;
      sets: Readonly<Record<string, BroadcastSet>>;
    },
    { table, selection, dt = 1 / 60 }: RunOptions & { table: Table; selection: RowSelection },
  ): Promise<void> {
    const { query } = manifest;
    const accesses = [...query.read, ...query.write, ...query.optional];
    const schedule = {
      epoch: EPOCH,
      tick_id: this.#tick,
      system: manifest.name,
      shard: 0,
      attempt: 1,
      dt,
      sets: {},
      chunks: [encodeChunk(table, selection, { accesses, entities: query.entities })],
    };
    const { chunks: [chunk] } = await runner.run(runner.decode(schedule), sets);
    const result = decodeResult(chunk, query.write);
    mergeResult(table, selection, { accesses: query.write, result, tick: this.#tick });
  }

  #takeSets(manifest: SystemManifest): Record<string, BroadcastSet> {
    const broadcasts = new Broadcasts(this.#manifests.schema, manifest);
    const broadcaster = new Broadcaster({
      world: this.world,
      epoch: EPOCH,
      payloadBytesMax: PAYLOAD_BYTES_MAX,
      publish: ({ data }) => broadcasts.receive(decodePayload("ComponentSet", data)),
    });
    const versions = broadcaster.publish(manifest, { tick: this.#tick, changeTick: 0 });
    const sets: Record<string, BroadcastSet> = {};
    for (const [name, version] of Object.entries(versions)) {
      const set = broadcasts.get(name, { epoch: EPOCH, version });
      if (!set) throw new Error(`Cannot run "${manifest.name}": set "${name}" is incomplete`);
      sets[name] = set;
    }
    return sets;
  }

  #component(name: string): ComponentType {
    const component = this.#manifests.schema.get(name);
    if (!component) throw new RangeError(`Cannot use "${name}": no such component`);
    return component;
  }

  #field(entity: Entity, term: string) {
    const [component, field] = term.split(".");
    const value = this.world.get(entity, this.#component(component))?.[field];
    if (value === undefined) throw new RangeError(`Cannot read "${term}" of entity ${entity}`);
    return value;
  }
}
