/**
 * The flags that say which world is run, and how fast; `coord` and `demo` share them.
 *
 * @module
 */
import type { Command } from "commander";
import { positiveInteger, positiveNumber } from "../lib/cli.ts";
import type { Manifests, WorldManifest } from "../lib/manifest/manifest.ts";
import { suggestion } from "../lib/manifest/nearest.ts";
import { UserError } from "../lib/user_error.ts";

export interface WorldFlags {
  readonly manifests: string;
  readonly world?: string;
  readonly hz: number;
  readonly ticks?: number;
  readonly maxSpeed?: true;
  readonly resident: boolean;
  readonly barrier?: true;
}

const HZ_DEFAULT = 60;

export function addWorldFlags(program: Command): Command {
  return program
    .option("--manifests <dir>", "folder of the manifests", "manifests")
    .option("--world <name>", "world to start with; by default the folder's only one")
    .option("--hz <n>", "ticks a second", positiveNumber, HZ_DEFAULT)
    .option("--ticks <n>", "end after this many ticks", positiveInteger)
    .option("--max-speed", "no waiting between ticks; each still simulates 1 / hz seconds")
    .option("--no-resident", "send every shard whole, instead of what changed since its last run")
    .option(
      "--barrier",
      "start a system when those before it are done with all rows, not row by row",
    );
}

/**
 * The world that `--world` names; without it the only one, or none where there is none.
 * @throws {UserError} when there is no such world, or several and none is named.
 */
export function chooseWorld(
  { worlds, folder }: Manifests,
  name: string | undefined,
): WorldManifest | undefined {
  if (name !== undefined) {
    const world = worlds.get(name);
    if (world !== undefined) return world;
    throw new UserError(
      `Cannot start world "${name}": ${folder}/worlds has no ${name}.yaml${
        suggestion(name, worlds.keys())
      }`,
    );
  }
  if (worlds.size <= 1) return [...worlds.values()][0];
  throw new UserError(
    `Cannot choose a world: ${folder}/worlds has ${[...worlds.keys()].join(", ")}; pass --world`,
  );
}
