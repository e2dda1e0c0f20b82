/**
 * The flags that say which world is run, and how fast; `coord` and `demo` share them.
 *
 * @module
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import { positiveInteger, positiveNumber } from "../lib/cli.ts";
import type { Manifests, WorldManifest } from "../lib/manifest/manifest.ts";
import { suggestion } from "../lib/manifest/nearest.ts";
import { UserError } from "../lib/user_error.ts";
import type { SnapshotPolicy } from "./snapshotter.ts";

export interface WorldFlags {
  readonly manifests: string;
  readonly world?: string;
  readonly hz: number;
  readonly ticks?: number;
  readonly maxSpeed?: true;
  readonly resident: boolean;
  readonly barrier?: true;
  readonly grain?: number;
  readonly snapshotEvery: SnapshotPolicy["every"];
  readonly snapshotsKept: number;
}

const HZ_DEFAULT = 60;
const SNAPSHOT_EVERY_DEFAULT = "1m";
const SNAPSHOTS_KEPT_DEFAULT = 3;
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

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
    )
    .option(
      "--grain <n>",
      "cut rows into n shards for each instance, instead of by what they cost",
      positiveInteger,
    )
    .addOption(
      new Option("--snapshot-every <time>", "such as 30s, 5m, 1h, a number of ticks, or never")
        .argParser(parseSnapshotEvery).default(parseSnapshotEvery(SNAPSHOT_EVERY_DEFAULT), "1m"),
    )
    .option(
      "--snapshots-kept <n>",
      "automatic snapshots that are kept, with the log after the oldest",
      positiveInteger,
      SNAPSHOTS_KEPT_DEFAULT,
    );
}

/** When snapshots are taken, and how many are kept. */
export function snapshotPolicy({ snapshotEvery, snapshotsKept }: WorldFlags): SnapshotPolicy {
  return { every: snapshotEvery, kept: snapshotsKept };
}

/** Parses a duration, a number of ticks, or `never`. */
export function parseSnapshotEvery(text: string): SnapshotPolicy["every"] {
  if (text === "never") return text;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  const value = Number(match?.[1]);
  const unit = match?.[2];
  if (unit !== undefined && value > 0) return { ms: value * UNITS_MS[unit] };
  if (unit === undefined && Number.isSafeInteger(value) && value > 0) return { ticks: value };
  throw new InvalidArgumentError(
    "It takes a time such as 30s, 5m or 1h, a number of ticks, or never.",
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
