/**
 * The files that are generated from a folder's manifests into it: handles for
 * scripts and JSON Schemas for editors.
 *
 * @module
 */
import { dirname, resolve } from "node:path";
import { componentHandles } from "./component_handles.ts";
import { componentsJsonSchema, systemJsonSchema, worldJsonSchema } from "./json_schema.ts";
import type { Manifests } from "./manifest.ts";
import { COMPONENTS_FILE, type ManifestFiles } from "./manifests.ts";

/** Texts by path relative to the folder of manifests. */
export function generatedFiles(manifests: Manifests): ReadonlyMap<string, string> {
  return new Map([
    ["components.ts", componentHandles(manifests)],
    ["schema/components.schema.json", json(componentsJsonSchema())],
    ["schema/system.schema.json", json(systemJsonSchema(manifests))],
    ["schema/world.schema.json", json(worldJsonSchema(manifests))],
  ]);
}

/** Paths of the generated files that are missing, or not as they would be generated now. */
export async function staleFiles(manifests: Manifests): Promise<string[]> {
  const stale: string[] = [];
  for (const [file, text] of generatedFiles(manifests)) {
    if (await readIfThere(resolve(manifests.folder, file)) !== text) stale.push(file);
  }
  return stale;
}

/** Writes the stale files and returns their paths. */
export async function writeGeneratedFiles(manifests: Manifests): Promise<string[]> {
  const stale = await staleFiles(manifests);
  const texts = generatedFiles(manifests);
  for (const file of stale) {
    const path = resolve(manifests.folder, file);
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeTextFile(path, texts.get(file) ?? "");
  }
  return stale;
}

/** The first line by which an editor finds a manifest's schema. */
export function schemaLine(file: string): string {
  const schema = file === COMPONENTS_FILE
    ? "schema/components.schema.json"
    : file.startsWith("worlds/")
    ? "../schema/world.schema.json"
    : "schema/system.schema.json";
  return `# yaml-language-server: $schema=${schema}`;
}

/** Manifests whose first line is not their schema line. */
export function filesWithoutSchemaLine(files: ManifestFiles): string[] {
  return [...files].filter(([file, text]) => text.split(/\r?\n/, 1)[0] !== schemaLine(file))
    .map(([file]) => file);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
