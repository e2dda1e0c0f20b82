/**
 * Reads a folder of manifests from the disk.
 *
 * @module
 */
import { resolve } from "node:path";
import { errorMessage } from "../error_message.ts";
import { ManifestError } from "./problem.ts";
import { UserError } from "../user_error.ts";
import { FILE_BYTES_MAX, FILES_MAX } from "./limits.ts";
import type { Manifests } from "./manifest.ts";
import { type ManifestFiles, parseManifests } from "./manifests.ts";

/**
 * The manifests of `folder`. Hidden files and others than YAML are ignored.
 *
 * @throws {UserError} when the folder or a file of it cannot be read; a
 * `ManifestError` when the files have mistakes.
 */
export async function loadManifests(folder: string): Promise<Manifests> {
  const absolute = resolve(folder);
  return parseManifests(await readManifestFiles(absolute), absolute);
}

/**
 * The YAML files of `folder` and its `worlds`, by relative path.
 *
 * @throws {UserError} when the folder or a file of it cannot be read, or there is too much.
 */
export async function readManifestFiles(folder: string): Promise<ManifestFiles> {
  const files = new Map<string, string>();
  for (const subfolder of ["", "worlds/"]) {
    for (const name of await namesIn(folder, subfolder)) {
      if (files.size >= FILES_MAX) {
        throw new UserError(
          `Cannot load the manifests in ${folder}: more than ${FILES_MAX} files`,
        );
      }
      const text = await readText(folder, `${subfolder}${name}`);
      if (text !== undefined) files.set(`${subfolder}${name}`, text);
    }
  }
  return files;
}

async function namesIn(folder: string, subfolder: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(resolve(folder, subfolder)));
    return entries.map((entry) => entry.name).filter(isYamlName).toSorted();
  } catch (error) {
    const isMissing = error instanceof Deno.errors.NotFound;
    if (isMissing && subfolder !== "") return [];
    const why = isMissing ? `no folder ${folder}; pass --manifests DIR` : errorMessage(error);
    throw new UserError(`Cannot load the manifests in ${folder}: ${why}`, { cause: error });
  }
}

function isYamlName(name: string): boolean {
  return !name.startsWith(".") && /\.ya?ml$/.test(name);
}

/** The text of a file; undefined for what is none, like a folder. */
async function readText(folder: string, file: string): Promise<string | undefined> {
  const path = resolve(folder, file);
  try {
    const { isFile, size } = await Deno.stat(path);
    if (!isFile) return undefined;
    if (size <= FILE_BYTES_MAX) return await Deno.readTextFile(path);
  } catch (error) {
    throw new UserError(`Cannot read the manifest ${path}: ${errorMessage(error)}`, {
      cause: error,
    });
  }
  const message = `the file is larger than ${FILE_BYTES_MAX} bytes`;
  throw new ManifestError(folder, [{ file, line: 1, column: 1, message }]);
}
