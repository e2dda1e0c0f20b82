/**
 * How far one machine goes: the most entities, systems and instances with which a
 * world still ticks 60 times a second. Found by doubling, and then by halving the
 * steps; each try is a world of its own.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { loadManifests } from "../lib/manifest/load.ts";
import { BenchWorld } from "./bench_world.ts";
import { HZ, moveSetting, type Setting } from "./setting.ts";

export interface Limit {
  readonly name: string;
  readonly what: string;
  /** Where the search begins, and where it ends however well it goes. */
  readonly from: number;
  readonly to: number;
  open(count: number): Promise<BenchWorld>;
}

export interface FoundLimit {
  readonly name: string;
  readonly what: string;
  readonly count: number;
  /** From tick to tick with that many, the median. */
  readonly periodMs: number;
  /** True when the search ended at what it tries at the most. */
  readonly isOpen: boolean;
}

const PERIOD_MS = 1000 / HZ;
const WARM_UP_TICKS = 120;
const TICKS = 120;
/** Steps between the last that held and the first that did not. */
const HALVINGS = 3;
const CHAIN_ENTITIES = 100;
/** So that each instance gets a shard or two. */
const ENTITIES_PER_INSTANCE = 1024;

export const LIMITS: readonly Limit[] = [
  {
    name: "entities",
    what: "that all change, 1 system with 1 instance",
    from: 50_000,
    to: 3_200_000,
    open: async (count) => BenchWorld.open({ setting: await moveSetting(count) }),
  },
  {
    name: "systems",
    what: `one behind the other, 1 instance each, ${CHAIN_ENTITIES} entities`,
    from: 4,
    to: 64,
    open: openChain,
  },
  {
    name: "instances",
    what: `of 1 system, ${ENTITIES_PER_INSTANCE} entities for each`,
    from: 4,
    to: 128,
    open: async (count) =>
      BenchWorld.open({
        setting: await moveSetting(count * ENTITIES_PER_INSTANCE),
        instances: count,
      }),
  },
];

/** @param onTry called after each try with what it took from tick to tick, in milliseconds */
export async function findLimit(
  { name, what, from, to, open }: Limit,
  onTry: (count: number, periodMs: number) => void,
): Promise<FoundLimit> {
  let best = { count: 0, periodMs: 0 };
  const holds = async (count: number) => {
    await using world = await open(count);
    await world.run(WARM_UP_TICKS);
    const { periodMs } = await world.run(TICKS);
    onTry(count, periodMs);
    if (periodMs > PERIOD_MS) return false;
    best = { count, periodMs };
    return true;
  };
  let [low, high] = [0, from];
  while (high <= to && await holds(high)) [low, high] = [high, high * 2];
  const isOpen = high > to;
  for (let i = 0; i < HALVINGS && !isOpen; i++) {
    const middle = Math.round((low + high) / 2);
    if (middle === low || middle === high) break;
    if (await holds(middle)) low = middle;
    else high = middle;
  }
  return { name, what, ...best, isOpen };
}

/** Systems that all write the same field, so that each follows the one before. */
async function openChain(count: number): Promise<BenchWorld> {
  const folder = await Deno.makeTempDir({ prefix: "orrery-bench-" });
  try {
    const worlds = fileURLToPath(new URL("./worlds", import.meta.url));
    await Deno.copyFile(join(worlds, "manifests/components.yaml"), join(folder, "components.yaml"));
    for (let i = 1; i <= count; i++) {
      const name = `move_${`${i}`.padStart(3, "0")}`;
      const lines = [
        `system: ${name}`,
        "query: { read: [Velocity.linear], write: [Position.value] }",
        `script: ${join(worlds, "systems/move.ts")}`,
        "deadline: 60s",
        "on_miss: hold",
      ];
      await Deno.writeTextFile(join(folder, `${name}.yaml`), lines.join("\n"));
    }
    const { population } = await moveSetting(CHAIN_ENTITIES);
    const setting: Setting = { manifests: await loadManifests(folder), population };
    // The processes have read the folder by the time that they are up.
    return await BenchWorld.open({ setting });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
