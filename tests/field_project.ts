/**
 * A project for end-to-end tests: points that fly over a field, in a wind that is
 * broadcast. Its system gives the same world however it is run.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { MessageOf } from "../lib/wire/messages.ts";
import { createProject, type Program, type Project, upTo } from "./e2e.ts";

export const SYSTEM = "move";
export const HZ = 30;

/** Rows enough that each credit of two or three instances gets a shard of its own. */
const ENTITIES = 4000;

const COMPONENTS = `
Position: { value: vec3 }
Velocity: { value: vec3 }
Count: { ticks: u32 }
Wind: { value: vec3 }
`;

/** On order it computes for a while in one tick, or throws, so that tests know what is going on. */
const SCRIPT = `
import { defineSystem } from "orrery";
import { Count, Position, Velocity, Wind } from "../manifests/components.ts";

const SLOW_MS = 200;
const tickOf = (name: string) => Number(Deno.env.get(name) ?? NaN);
const slowTick = tickOf("SLOW_TICK");
const throwTick = tickOf("THROW_TICK");

export default defineSystem(import.meta, ({ rows, dt, tick, broadcast }) => {
  if (tick === slowTick) {
    console.error(\`in tick \${tick}\`);
    for (const start = performance.now(); performance.now() - start < SLOW_MS;);
  }
  if (tick === throwTick && rows.entities[0] === 1) throw new RangeError("entity 1 is bad");
  const wind = broadcast.wind.count > 0 ? broadcast.wind.read(Wind).value[0] : 0;
  const { value: position } = rows.write(Position);
  const { ticks } = rows.write(Count);
  const { value: velocity } = rows.read(Velocity);
  for (let i = 0; i < position.length; i++) position[i] += (velocity[i] + wind) * dt;
  for (let row = 0; row < rows.count; row++) ticks[row]++;
});
`;

export function worldText(name: string, wind: number): string {
  return `
world: ${name}
entities:
  - count: ${ENTITIES}
    components:
      Position: { value: { uniform: [[-1, -1, -1], [1, 1, 1]] } }
      Velocity: { value: { sphere: 2 } }
      Count: {}
  - components: { Wind: { value: [${wind}, 0, 0] } }
`;
}

export function createField({ deadline = "400ms", onMiss = "hold" } = {}): Promise<Project> {
  return createProject({
    "manifests/components.yaml": COMPONENTS,
    "manifests/worlds/field.yaml": worldText("field", 1),
    [`manifests/${SYSTEM}.yaml`]: `
system: ${SYSTEM}
query: { read: [Entity, Velocity], write: [Position, Count] }
broadcast:
  wind: { read: [Wind] }
deadline: ${deadline}
on_miss: ${onMiss}
`,
    [`systems/${SYSTEM}.ts`]: SCRIPT,
  });
}

type Commit = MessageOf<"TickCommit">;

export function shardsOf({ systems }: Commit) {
  return systems.flatMap(({ shards }) => shards);
}

/** Ticks as the log has them, which are to be 1 to N exactly once, each with all of its shards. */
export function assertNothingLost(commits: readonly Commit[], ticks: number): void {
  assertEquals(commits.map(({ tick_id }) => tick_id), upTo(ticks));
  assert(commits.every((commit) => shardsOf(commit).every((shard) => shard !== null)));
}

/** The name by which an instance registered. */
export async function idOf(instance: Program): Promise<string> {
  return (await instance.line(/registered with/)).split(":")[0];
}
