/**
 * Spawn churn in Orrery: all that the coordinator does for it, from the bytes
 * that it receives to those that it sends. A system's instance answers each of
 * its shards with commands; they are decoded and checked, applied at the end of
 * the tick, digested, and announced entity by entity. Left out are the transport
 * and the log.
 *
 * @module
 */
import { Announcer } from "../../coordinator/announcer.ts";
import { TickStep } from "../../coordinator/tick_step.ts";
import { initialState } from "../../coordinator/world_state.ts";
import { componentType, createSchema } from "../../lib/ecs/component.ts";
import type { Entity } from "../../lib/ecs/entity.ts";
import { createQuery } from "../../lib/ecs/query.ts";
import { Commands } from "../../lib/runtime/commands.ts";
import { decodePayload, encodeMessage } from "../../lib/wire/codec.ts";
import { parseCommands } from "../../lib/wire/command.ts";
import { createSubjects } from "../../lib/wire/subjects.ts";
import { type ChurnWorld, measureChurn, SPAWNS, valuesOf } from "./churn.ts";
import { serveSide } from "./side.ts";

const SYSTEM = "churn";
const SHARDS = 20;

const POSITION = componentType("Position", [{ name: "value", type: "vec3", default: [0, 0, 0] }]);
const VELOCITY = componentType("Velocity", [{ name: "value", type: "vec3", default: [0, 0, 0] }]);
const LIFE = componentType("Life", [{ name: "ticks", type: "u32", default: 0 }]);
const SCHEMA = createSchema([POSITION, VELOCITY, LIFE]);
const LIVING = createQuery({ with: [LIFE] });

function open(): ChurnWorld {
  const state = initialState(SCHEMA, undefined);
  let entities: readonly Entity[] = [];
  let published = 0;
  const bus = { publish: () => void published++ };
  const announcer = new Announcer({ bus, subjects: createSubjects("bench"), world: state.world });
  return {
    tick() {
      const results = encodeResults(entities);
      const startedAt = performance.now();
      const commands = results.map((data) =>
        parseCommands(SCHEMA, decodePayload("ComponentShard", data).commands)
      );
      const done = new TickStep(state).finish([{ system: SYSTEM, missed: 0, commands }]);
      const outcomes = done.map(({ outcome }) => outcome);
      announcer.end(state.tick, { taken: [], outcomes });
      const tickMs = performance.now() - startedAt;
      if (published !== SPAWNS + entities.length) throw new Error("An event is missing");
      published = 0;
      entities = outcomes.flatMap(({ spawned }) => spawned);
      return tickMs;
    },
    tally() {
      let [count, life] = [0, 0];
      for (const table of state.world.match(LIVING)) {
        count += table.count;
        const { ticks } = table.columns(LIFE);
        for (let row = 0; row < table.count; row++) life += ticks[row];
      }
      return { count, life };
    },
  };
}

/** What the system's instances send: each shard despawns its share, and spawns as many. */
function encodeResults(entities: readonly Entity[]): Uint8Array[] {
  const share = SPAWNS / SHARDS;
  return Array.from({ length: SHARDS }, (_, shard) => {
    const commands = new Commands();
    const first = shard * share;
    for (const entity of entities.slice(first, first + share)) commands.despawn(entity);
    for (let i = first; i < first + share; i++) {
      const { position, velocity, life } = valuesOf(i);
      commands.spawn(
        [POSITION, { value: position }],
        [VELOCITY, { value: velocity }],
        [LIFE, { ticks: life }],
      );
    }
    return encodeMessage("ComponentShard", {
      epoch: 1,
      tick_id: 1,
      system: SYSTEM,
      shard,
      attempt: 0,
      instance_id: "bench",
      compute_ms: 0,
      chunks: [],
      commands: [...commands.buffer],
    }).data;
  });
}

serveSide(measureChurn(open));
