/**
 * Loads the script that a manifest names.
 *
 * @module
 */
import { pathToFileURL } from "node:url";
import type { SystemManifest } from "../manifest/manifest.ts";
import { UserError } from "../user_error.ts";
import { isSystemDefinition, type SystemDefinition } from "./system.ts";

/** @throws {UserError} when there is no script, or it does not define a system. */
export async function loadScript(
  { name, script, file }: SystemManifest,
): Promise<SystemDefinition> {
  let module: { default?: unknown };
  try {
    await Deno.stat(script);
    module = await import(pathToFileURL(script).href);
  } catch (cause) {
    const why = cause instanceof Deno.errors.NotFound
      ? `${file} names ${script}, which does not exist`
      : cause instanceof Error
      ? cause.message
      : String(cause);
    throw new UserError(`Cannot load the script of "${name}": ${why}`, { cause });
  }
  if (isSystemDefinition(module.default)) return module.default;
  throw new UserError(
    `Cannot load the script of "${name}": ${script} has no ` +
      "`export default defineSystem(import.meta, …)`",
  );
}
