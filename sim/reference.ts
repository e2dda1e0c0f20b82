/**
 * The undisturbed run that a simulated world is held against: tick by tick, each
 * system after the other over whole tables, with no network, no shards and no
 * instances between. From the log it takes only what nobody can foresee: the
 * commands from outside, and which rows of a system were lost.
 *
 * @module
 */
import { applyCommands, type CommandOutcome } from "../lib/ecs/command.ts";
import { World } from "../lib/ecs/world.ts";
import { worldDigest } from "../lib/ecs/world_digest.ts";
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import { decodePayload } from "../lib/wire/codec.ts";
import { parseCommands } from "../lib/wire/command.ts";
import type { MessageOf, WireCommand } from "../lib/wire/messages.ts";
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
}

export interface ReferenceTick {
  /** What became of each buffer from outside. */
  readonly applied: readonly CommandOutcome[];
  readonly spawned: ReadonlySet<number>;
  readonly despawned: ReadonlySet<number>;
  readonly graph: Graph;
}

export class Reference {
  readonly world: World;
  readonly #scenario: Scenario;
  readonly #lastRuns = new Map<string, number>();
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
    const { tick_id: tick, dt } = commit;
    insist(tick === this.#tick + 1, () => `tick ${tick} was committed after tick ${this.#tick}`);
    const since = world.changeTick++;
    const nextEntity = world.nextEntity;
    const applied = commit.buffers.map((buffer) =>
      this.#apply(decodePayload("EntityCommand", buffer).commands)
    );
    const graph = this.#graphOfNow();
    const names = graph.nodes.map(({ system }) => system.name);
    insist(
      names.join() === commit.systems.map(({ system }) => system).join(),
      () => `tick ${tick} ran ${commit.systems.map(({ system }) => system)} instead of ${names}`,
    );
    const buffers = graph.nodes.map(({ system }, i) =>
      this.#runSystem(system, commit.systems[i], { tick, dt, evidence })
    );
    world.changeTick++;
    const outcomes = buffers.flat().map((buffer) => this.#apply(buffer));
    this.#digest = tickDigest(world, { previous: this.#digest, since });
    this.#tick = tick;
    insist(
      this.#digest === commit.digest,
      () => `the world of tick ${tick} is not the one of the undisturbed run`,
    );
    insist(world.nextEntity >= nextEntity, () => `the entity counter went back in tick ${tick}`);
    const all = [...applied, ...outcomes];
    return {
      applied,
      spawned: new Set(all.flatMap(({ spawned }) => spawned)),
      despawned: new Set(all.flatMap(({ despawned }) => despawned)),
      graph,
    };
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

  #apply(buffer: readonly WireCommand[]): CommandOutcome {
    return applyCommands(this.world, parseCommands(this.world.schema, buffer));
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
