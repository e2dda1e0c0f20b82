import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { Coordinator } from "../coordinator/coordinator.ts";
import { MemoryNetwork } from "../lib/bus/memory_bus.ts";
import { systemClock } from "../lib/clock.ts";
import { component, createSchema } from "../lib/ecs/component.ts";
import type { Manifests } from "../lib/manifest/manifest.ts";
import { createRandom } from "../lib/random.ts";
import { Instance } from "../lib/runtime/instance.ts";
import type { SystemDefinition } from "../lib/runtime/system.ts";
import { createSubjects } from "../lib/wire/subjects.ts";
import { access, COMPONENTS, Frozen, Mass, Position, system, Velocity } from "./graph_fixture.ts";

const POSITION = component("Position", { x: "f32", y: "f32" });
const VELOCITY = component("Velocity", { x: "f32", y: "f32" });
const MASS = component("Mass", { value: "f32" });
const FROZEN = component("Frozen", {});
const ENTITIES = 1200;
const TICKS = 12;

const MOVE = system("move", {
  entities: true,
  read: [access(Velocity)],
  write: [access(Position)],
  optional: [access(Mass)],
  without: [Frozen],
});
const STEER = system("steer", { read: [access(Position)], write: [access(Velocity, "x")] });
/** Adds, removes, spawns, despawns and sets, by what it computes from row, tick and seed. */
const SHAKE = system("shake", { entities: true, write: [access(Mass)] });

/** Deterministic scripts that change few rows, many, or none, from tick to tick. */
function scripts(seed: number): Record<string, SystemDefinition["run"]> {
  const chance = (entity: number, tick: number) =>
    createRandom(seed * 7919 + entity * 104_729 + tick)();
  return {
    move: ({ rows, dt, tick }) => {
      const { x, y } = rows.write(POSITION);
      const velocity = rows.read(VELOCITY);
      const mass = rows.optional(MASS)?.value;
      const share = [0, 0.01, 1][(tick + seed) % 3];
      for (let i = 0; i < rows.count; i++) {
        if (chance(rows.entities[i], tick) >= share) continue;
        x[i] += velocity.x[i] * dt + (mass?.[i] ?? 0);
        y[i] -= 1;
      }
    },
    steer: ({ rows, tick }) => {
      const { x } = rows.write(VELOCITY);
      const position = rows.read(POSITION);
      if (tick % 2 === 0) return;
      for (let i = 0; i < rows.count; i++) x[i] = position.x[i] > 3 ? -1 : x[i] + 0.5;
    },
    shake: ({ rows, tick, commands }) => {
      const { value } = rows.write(MASS);
      // Some ticks keep every row where it is.
      if (tick % 3 === 0) return;
      for (let i = 0; i < rows.count; i++) {
        const entity = rows.entities[i];
        const roll = chance(entity, tick);
        if (roll < 0.002) commands.despawn(entity);
        else if (roll < 0.004) commands.add(entity, FROZEN);
        else if (roll < 0.006) commands.remove(entity, MASS);
        else if (roll < 0.008) commands.set(entity, POSITION, { x: 9 });
        else if (roll < 0.01) commands.spawn([POSITION, { x: entity }], [VELOCITY], [MASS]);
        else if (roll < 0.02) value[i] += 1;
      }
    },
  };
}

/** Runs the world and returns its digest; nothing may be refused, late or missed. */
async function run({ seed, isResident }: { seed: number; isResident: boolean }): Promise<bigint> {
  const network = new MemoryNetwork({ random: createRandom(seed) });
  const subjects = createSubjects("test");
  const lines: string[] = [];
  const report = { info: () => {}, warn: (line: string) => void lines.push(line) };
  const connect = (name: string) =>
    network.connect(name, { onError: (error) => lines.push(error.message) });
  const manifests: Manifests = {
    folder: "/manifests",
    schema: createSchema(COMPONENTS),
    annotations: new Map(),
    systems: [MOVE, STEER, SHAKE].map((manifest) => ({ ...manifest, onMiss: "hold" })),
    worlds: new Map(),
  };
  const entities = Array.from({ length: ENTITIES }, (_, i) => ({
    Position: { x: i % 7 },
    Velocity: { x: 1 },
    ...(i % 3 > 0 && { Mass: { value: i % 5 } }),
  }));
  const world = {
    name: "test",
    entities: () => entities,
    groups: [],
    file: "worlds/test.yaml",
  };
  const coordinatorLink = connect("coordinator");
  const coordinator = await Coordinator.open({
    ...coordinatorLink,
    clock: systemClock,
    subjects,
    manifests,
    world,
    hz: 60,
    isUnpaced: true,
    isResident,
    replicas: 1,
    report,
  });
  const instances = manifests.systems.flatMap((manifest) =>
    [1, 2].map((number) => {
      const instanceId = `${manifest.name}-${number}`;
      return new Instance({
        ...connect(instanceId),
        clock: systemClock,
        subjects,
        manifests,
        manifest,
        definition: { run: scripts(seed)[manifest.name] },
        instanceId,
        credits: 1,
        report,
      });
    })
  );
  for (const instance of instances) await instance.start();
  await coordinator.run(TICKS);
  for (const instance of instances) await instance.stop();
  const { stats } = coordinator;
  assertEquals(
    [...stats.systems.values()].map(({ errors }) => errors),
    [0, 0, 0],
    lines.join("\n"),
  );
  assert([...stats.systems.values()].every(({ shards }) => shards > TICKS));
  return coordinator.digest();
}

Deno.test("rows that stay with instances give the same world as rows that are sent each tick", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(10_000), async (seed) => {
      const sent = await run({ seed, isResident: false });
      assertEquals(await run({ seed, isResident: true }), sent);
    }),
    { numRuns: 6 },
  );
});
