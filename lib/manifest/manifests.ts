/**
 * Reads a folder of manifests from the texts of its files.
 *
 * @module
 */
import { basename } from "node:path";
import { type Declarations, parseComponents } from "./component_manifest.ts";
import { NAME_LENGTH_MAX, SYSTEMS_MAX } from "./limits.ts";
import type { Manifests, SystemManifest, WorldManifest } from "./manifest.ts";
import { SYSTEM_PATTERN } from "./names.ts";
import { ManifestError, type Problem } from "./problem.ts";
import { parseSystem } from "./system_manifest.ts";
import { parseWorld } from "./world_manifest.ts";
import { YamlSource } from "./yaml_source.ts";

export const COMPONENTS_FILE = "components.yaml";

/** Texts of YAML files by their paths relative to the folder, with `/` in them. */
export type ManifestFiles = ReadonlyMap<string, string>;

/**
 * The manifests in `files`, which are those of the folder with the absolute path `folder`.
 *
 * @throws {ManifestError} with every mistake of every file.
 */
export function parseManifests(files: ManifestFiles, folder: string): Manifests {
  const reader = new FolderReader(files, folder);
  const manifests = reader.read();
  if (reader.problems.length > 0) throw new ManifestError(folder, reader.problems);
  return manifests;
}

class FolderReader {
  readonly problems: Problem[] = [];
  readonly #files: ManifestFiles;
  readonly #folder: string;

  constructor(files: ManifestFiles, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  read(): Manifests {
    for (const file of this.#files.keys()) this.#checkFileName(file);
    const declarations = this.#readComponents();
    return {
      folder: this.#folder,
      schema: declarations.schema,
      annotations: declarations.annotations,
      systems: this.#readSystems(declarations),
      worlds: this.#readWorlds(declarations),
    };
  }

  #checkFileName(file: string): void {
    if (file.endsWith(".yml")) {
      this.#report(file, `a manifest's name ends in .yaml: rename it to ${baseOf(file)}.yaml`);
    } else if (!SYSTEM_PATTERN.test(baseOf(file)) || baseOf(file).length > NAME_LENGTH_MAX) {
      this.#report(
        file,
        `"${baseOf(file)}" cannot name a manifest: it takes a name like move_boids of at most ` +
          `${NAME_LENGTH_MAX} characters`,
      );
    }
  }

  #readComponents(): Declarations {
    const text = this.#files.get(COMPONENTS_FILE);
    if (text === undefined) {
      this.#report(COMPONENTS_FILE, "there is no such file: it declares the components");
    }
    return parseComponents(text === undefined ? undefined : this.#parseYaml(COMPONENTS_FILE, text));
  }

  #readSystems(declarations: Declarations): SystemManifest[] {
    const files = this.#filesWhere((file) => !file.includes("/") && file !== COMPONENTS_FILE);
    const systems = new Set(files.map(baseOf));
    if (systems.size > SYSTEMS_MAX) {
      this.#report(COMPONENTS_FILE, `${systems.size} systems, which is more than ${SYSTEMS_MAX}`);
    }
    return files.flatMap((file) => {
      const source = this.#parseYaml(file, this.#files.get(file) ?? "");
      const context = { name: baseOf(file), folder: this.#folder, declarations, systems };
      return source ? [parseSystem(source, context)] : [];
    });
  }

  #readWorlds(declarations: Declarations): Map<string, WorldManifest> {
    const worlds = new Map<string, WorldManifest>();
    for (const file of this.#filesWhere((file) => /^worlds\/[^/]+$/.test(file))) {
      const source = this.#parseYaml(file, this.#files.get(file) ?? "");
      const name = baseOf(file);
      if (source) worlds.set(name, parseWorld(source, { name, declarations }));
    }
    return worlds;
  }

  #filesWhere(isWanted: (file: string) => boolean): string[] {
    const files = [...this.#files.keys()];
    return files.filter((file) => file.endsWith(".yaml") && isWanted(file)).toSorted();
  }

  #parseYaml(file: string, text: string): YamlSource | undefined {
    return YamlSource.parse(text, { file, problems: this.problems });
  }

  #report(file: string, message: string): void {
    this.problems.push({ file, line: 1, column: 1, message });
  }
}

function baseOf(file: string): string {
  return basename(file).replace(/\.[^.]*$/, "");
}
