/**
 * The undisturbed run that a simulated world is held against: tick by tick, each
 * system after the other over whole tables, with no network, no shards and no
 * instances between. From the log it takes only what nobody can foresee: the
 * commands from outside, which rows of a system were lost, and which tick's world
 * was restored. It remembers what the world was after every tick, so that whatever
 * is stored of one can be held against it.
 *
 * @module
 */
import { applyCommands, type CommandOutcome } from "../lib/ecs/command.ts";
import { World } from "../lib/ecs/world.ts";
import { worldDigest } from "../lib/ecs/world_digest.ts";
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import type { SnapshotMeta } from "../lib/snapshot/snapshot_manifest.ts";
import {
  captureWorld,
  renewImage,
  restoreWorld,
  type WorldImage,
} from "../lib/snapshot/world_image.ts";
import { decodePayload } from "../lib/wire/codec.ts";
import { parseCommands } from "../lib/wire/command.ts";
import type { MessageOf, WireCommand } from "../lib/wire/messages.ts";
import { answerOf, CommandAnswers } from "../coordinator/command_answers.ts";
import { buildGraph, type Graph } from "../coordinator/graph.ts";
import { tickDigest } from "../coordinator/tick_digest.ts";
import { ReferenceRun } from "./reference_run.ts";
import { rowsOfChunk } from "./row_set.ts";
import type { Scenario } from "./scenario.ts";
import { insist } from "./violation.ts";

type Commit = MessageOf<"TickCommit">;
type Result = MessageOf<"ComponentShard">;
type SystemCommit = Commit["systems"][number];

/** What is known of a tick beside its commit. */
export interface TickEvidence {
  /** The result that the log has for an accepted attempt. */
  resultOf(attempt: {
    system: string;
    shard: number;
    attempt: number;
    instance_id: string;
  }): Result | undefined;
  /** Whether a result of the system was too large for a message, which costs it the shard. */
  isTooLarge(system: string): boolean;
  /** The tick that a snapshot is of which was stored to be restored in tick `restoredIn`. */
  tickOfSnapshot(id: string, restoredIn: number): number | undefined;
}

/** What there was to keep after a tick. */
export interface Moment extends Pick<SnapshotMeta, "tick" | "digest" | "lastRuns" | "answers"> {
  readonly image: WorldImage;
  /** Digest of the whole world. */
  readonly worldDigest: bigint;
}

export interface ReferenceTick {
  /** What became of each buffer from outside. */
  readonly applied: readonly CommandOutcome[];
  readonly spawned: ReadonlySet<number>;
  readonly despawned: ReadonlySet<number>;
  readonly graph: Graph;
}

interface TickPart {
  /** What became of each buffer from outside. */
  readonly applied: readonly CommandOutcome[];
  readonly graph: Graph;
  /** What the systems commanded, in the order in which it takes effect. */
  readonly buffers: readonly (readonly WireCommand[])[];
}

export class Reference {
  readonly world: World;
  readonly #scenario: Scenario;
  readonly #lastRuns = new Map<string, number>();
  readonly #answers = new CommandAnswers();
  readonly #moments: Moment[] = [];
  /** The highest number that an entity has had. */
  #entityLast: number;
  #graph: { readonly of: number; readonly graph: Graph } | undefined;
  #digest: bigint;
  #tick = 0;

  constructor(scenario: Scenario) {
    const { manifests: { schema }, world } = scenario;
    this.#scenario = scenario;
    this.world = new World(schema);
    this.world.changeTick = 1;
    for (const components of world.entities()) {
      const values = Object.entries(components).flatMap(([name, value]) => {
        const component = schema.get(name);
        return component === undefined ? [] : [[component, value] as const];
      });
      this.world.spawn(new Map(values));
    }
    this.#digest = worldDigest(this.world);
    this.#entityLast = this.world.entityCount;
    this.#remember();
  }

  /** Number of the newest tick. */
  get tick(): number {
    return this.#tick;
  }

  /**
   * Runs the tick that `commit` ends.
   * @throws {Violation} when it is not the next one, or the outcome is another.
   */
  run(commit: Commit, evidence: TickEvidence): ReferenceTick {
    const { world } = this;
    const { tick_id: tick } = commit;
    insist(tick === this.#tick + 1, () => `tick ${tick} was committed after tick ${this.#tick}`);
    const since = world.changeTick++;
    const { applied, graph, buffers } = commit.restored === undefined
      ? this.#runSystems(commit, evidence)
      : this.#restore(commit, evidence);
    world.changeTick++;
    const outcomes = buffers.map((buffer) => applyCommands(world, this.#parse(buffer)));
    const all = [...applied, ...outcomes];
    const spawned = all.flatMap((outcome) => outcome.spawned);
    this.#digest = tickDigest(world, { previous: this.#digest, since });
    this.#tick = tick;
    for (const entity of spawned) this.#checkIsNew(entity);
    insist(
      this.#digest === commit.digest,
      () => `the world of tick ${tick} is not the one of the undisturbed run`,
    );
    this.#remember();
    return {
      applied,
      spawned: new Set(spawned),
      despawned: new Set(all.flatMap(({ despawned }) => despawned)),
      graph,
    };
  }

  /** What there was after a tick that has been committed; of tick 0 what the world began as. */
  momentOf(tick: number): Moment | undefined {
    return this.#moments[tick];
  }

  /** What a world is restored to in the tick after `before`: what it was after tick `from`, all of it changed. */
  restoredImage(from: Moment, before: Moment): WorldImage {
    const { schema } = this.world;
    const { changeTick, nextEntity } = before.image;
    const copy = captureWorld(restoreWorld(schema, from.image));
    return renewImage(copy, { changeTick: changeTick + 1, nextEntity });
  }

  #remember(): void {
    this.#moments.push({
      tick: this.#tick,
      digest: this.#digest,
      lastRuns: Object.fromEntries(this.#lastRuns),
      answers: [...this.#answers],
      image: captureWorld(this.world),
      worldDigest: worldDigest(this.world),
    });
  }

  #checkIsNew(entity: number): void {
    insist(
      entity > this.#entityLast,
      () => `entity ${entity} was spawned in tick ${this.#tick} and before`,
    );
    this.#entityLast = entity;
  }

  #runSystems({ tick_id: tick, dt, buffers, systems }: Commit, evidence: TickEvidence): TickPart {
    const applied = buffers.map((buffer) => this.#applyOnce(buffer, tick));
    const graph = this.#graphOfNow();
    const names = graph.nodes.map(({ system }) => system.name);
    insist(
      names.join() === systems.map(({ system }) => system).join(),
      () => `tick ${tick} ran ${systems.map(({ system }) => system)} instead of ${names}`,
    );
    const issued = graph.nodes.map(({ system }, i) =>
      this.#runSystem(system, systems[i], { tick, dt, evidence })
    );
    return { applied, graph, buffers: issued.flat() };
  }

  /** From what it remembers itself: what the store has may be wrong. */
  #restore(
    { tick_id: tick, restored = "", buffers, systems }: Commit,
    evidence: TickEvidence,
  ): TickPart {
    const { world } = this;
    insist(
      buffers.length === 0 && systems.length === 0,
      () => `tick ${tick} restored snapshot "${restored}", and did something else`,
    );
    const from = this.momentOf(evidence.tickOfSnapshot(restored, tick) ?? -1);
    insist(
      from !== undefined,
      () => `tick ${tick} restored snapshot "${restored}", which is not stored for it`,
    );
    world.load(this.restoredImage(from, this.#moments[tick - 1]));
    insist(
      worldDigest(world) === from.worldDigest,
      () => `tick ${tick} did not restore the world of tick ${from.tick}`,
    );
    return { applied: [], graph: this.#graphOfNow(), buffers: [] };
  }

  /** It depends on the archetypes that there are. */
  #graphOfNow(): Graph {
    const { world } = this;
    if (this.#graph?.of === world.archetypeCount) return this.#graph.graph;
    const archetypes = world.tables().map(({ components }) => new Set(components));
    const graph = buildGraph(this.#scenario.manifests.systems, archetypes);
    this.#graph = { of: world.archetypeCount, graph };
    return graph;
  }

  /** Who sends a buffer again is to have the answer of before. */
  #applyOnce(data: Uint8Array, tick: number): CommandOutcome {
    const { id, commands } = decodePayload("EntityCommand", data);
    const known = id === undefined ? undefined : this.#answers.get(id);
    insist(
      known === undefined,
      () => `buffer ${id} was applied in tick ${tick}, and in tick ${known?.tick} before`,
    );
    const outcome = applyCommands(this.world, this.#parse(commands));
    if (id !== undefined) this.#answers.add(id, answerOf(tick, outcome));
    return outcome;
  }

  #parse(buffer: readonly WireCommand[]) {
    return parseCommands(this.world.schema, buffer);
  }

  /** The commands of the system's script, as buffers in the order of the rows. */
  #runSystem(
    manifest: SystemManifest,
    { shards, missed }: SystemCommit,
    { tick, dt, evidence }: { tick: number; dt: number; evidence: TickEvidence },
  ): readonly (readonly WireCommand[])[] {
    const { name, onMiss } = manifest;
    const { world } = this;
    const changeTick = ++world.changeTick;
    const where = `${name} in tick ${tick}`;
    const script = this.#scenario.scripts.get(name);
    insist(script !== undefined, () => `there is no script of ${name}`);
    const since = this.#lastRuns.get(name) ?? 0;
    const run = new ReferenceRun({ world, manifest, script, tick, dt, changeTick, since });
    const lost = shards.filter((accepted) => accepted === null).length;
    insist(shards.length > 0 === run.rowCount > 0, () => `${shards.length} shards of ${where}`);
    insist(missed === 0 || onMiss === "skip", () => `${missed} shards of ${where} were missed`);
    insist(missed <= lost, () => `${missed} shards of ${where} were missed, but ${lost} lost`);
    const logged = shards.flatMap((accepted, shard) => {
      if (!accepted?.changed) return [];
      const result = evidence.resultOf({ system: name, shard, ...accepted });
      insist(result !== undefined, () => `the log lacks a result that ${where} was committed with`);
      return result.chunks.map(rowsOfChunk);
    });
    const { commands, changed } = lost > 0
      ? run.runRows(logged, { expectsThrow: lost > missed && !evidence.isTooLarge(name) })
      : run.runAll();
    const unsaid = changed.find(({ archetype, row }) =>
      !logged.some((rows) => rows.archetype === archetype && rows.has(row))
    );
    insist(unsaid === undefined, () => `a changed row of ${where} is in no result`);
    // What a `changed` query missed comes again; what its script threw at does not.
    if (missed === 0) this.#lastRuns.set(name, changeTick);
    return commands;
  }
}
