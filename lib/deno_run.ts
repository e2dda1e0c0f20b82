/**
 * How this repository's programs are started as child processes.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

const CONFIG = fileURLToPath(new URL("../deno.json", import.meta.url));

/** The arguments of `deno` that run a program of this repository. */
export function denoRunArguments(script: string, args: readonly string[]): string[] {
  return ["run", "-A", "-q", "--config", CONFIG, script, ...args];
}
