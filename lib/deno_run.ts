/**
 * How this repository's programs are started as child processes.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

/**
 * Lets the heap grow before it is collected for the first time. What passes through
 * these processes is short-lived binary data; with V8's small initial heap, collecting
 * it takes a third of the coordinator's time at 100,000 entities. More than this gains
 * nothing, and is memory that is only given back when it is full.
 */
const HEAP_FLAG = "--v8-flags=--initial-heap-size=96";

const CONFIG = fileURLToPath(new URL("../deno.json", import.meta.url));

/** The arguments of `deno` that run a program of this repository. */
export function denoRunArguments(script: string, args: readonly string[]): string[] {
  return ["run", "-A", "-q", HEAP_FLAG, "--config", CONFIG, script, ...args];
}
