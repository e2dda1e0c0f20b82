/**
 * A system is one function over typed columns. The coordinator cuts the rows
 * that its query matches into shards, and an instance calls the function for
 * each: it must depend on its arguments alone, and on each row independently of
 * which other rows come with it.
 *
 * @module
 */
import type { Commands } from "./commands.ts";
import type { BroadcastSet, Rows } from "./rows.ts";

/** What a system's function is called with. */
export interface SystemContext {
  /** The rows to run over; all of one archetype. */
  readonly rows: Rows;
  /** Simulated time since the last tick, in seconds. */
  readonly dt: number;
  /** Number of the tick, from 1. */
  readonly tick: number;
  /** The manifest's broadcast sets by name, taken before the system's first shard ran. */
  readonly broadcast: Readonly<Record<string, BroadcastSet>>;
  /** Structural changes, applied in shard order at the end of the tick. */
  readonly commands: Commands;
}

export type SystemFunction = (context: SystemContext) => void | Promise<void>;

/** What a script exports by default. */
export interface SystemDefinition {
  readonly run: SystemFunction;
}

/**
 * Declares a script's system. Where the script is the program's main module it
 * also runs as a process, with the flags of `deno task system`.
 */
export function defineSystem(meta: ImportMeta, run: SystemFunction): SystemDefinition {
  const definition = { run };
  if (meta.main) {
    import("./main.ts").then(({ runScript }) => runScript(meta.url, definition));
  }
  return definition;
}

/** True for a script's default export that `defineSystem` made. */
export function isSystemDefinition(value: unknown): value is SystemDefinition {
  return typeof (value as SystemDefinition | undefined)?.run === "function";
}
