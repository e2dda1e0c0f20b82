/**
 * `deno task types`: generates a folder's component handles and JSON Schemas.
 *
 * @module
 */
import { resolve } from "node:path";
import { Command } from "commander";
import { runProgram } from "../cli.ts";
import { UserError } from "../user_error.ts";
import {
  filesWithoutSchemaLine,
  schemaLine,
  staleFiles,
  writeGeneratedFiles,
} from "./generated_files.ts";
import { readManifestFiles } from "./load.ts";
import { parseManifests } from "./manifests.ts";

interface TypesOptions {
  /** Only says what is stale. */
  readonly check?: boolean;
  /** Folder of manifests. */
  readonly manifests: string;
}

async function runTypes(options: TypesOptions): Promise<void> {
  const folder = resolve(options.manifests);
  const files = await readManifestFiles(folder);
  const manifests = parseManifests(files, folder);
  for (const file of filesWithoutSchemaLine(files)) {
    console.log(`${file}: editors complete it once its first line is "${schemaLine(file)}"`);
  }
  if (options.check) {
    const stale = await staleFiles(manifests);
    if (stale.length === 0) return console.log(`The generated files in ${folder} are up to date`);
    throw new UserError(
      `Stale in ${folder}: ${stale.join(", ")}. Write them anew with \`deno task types\``,
    );
  }
  const written = await writeGeneratedFiles(manifests);
  for (const file of written) console.log(`Wrote ${resolve(folder, file)}`);
  if (written.length === 0) console.log(`The generated files in ${folder} are up to date`);
}

if (import.meta.main) {
  const { check, manifests } = new Command("deno task types")
    .description("Generate component handles and JSON Schemas from components.yaml.")
    .option("--manifests <dir>", "folder of manifests", "manifests")
    .option("--check", "only check: exit with 1 and name the files that are stale")
    .parse(Deno.args, { from: "user" })
    .opts<TypesOptions>();
  await runProgram(() => runTypes({ manifests, ...(check ? { check } : {}) }));
}
