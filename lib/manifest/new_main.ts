/**
 * `deno task new <name>`: writes a system's manifest and script that run as they are.
 *
 * @module
 */
import { dirname, relative, resolve } from "node:path";
import { Command } from "commander";
import { runProgram } from "../cli.ts";
import { UserError } from "../user_error.ts";
import { writeGeneratedFiles } from "./generated_files.ts";
import { loadManifests } from "./load.ts";
import { newSystem } from "./new_system.ts";

async function runNew(name: string, folder: string): Promise<void> {
  const manifests = await loadManifests(folder);
  const manifest = resolve(manifests.folder, `${name}.yaml`);
  const script = resolve(manifests.folder, "../systems", `${name}.ts`);
  const texts = newSystem(manifests, { name, script });
  for (const path of [manifest, script]) await refuseToOverwrite(path);
  await Deno.mkdir(dirname(script), { recursive: true });
  await Deno.writeTextFile(script, texts.script, { createNew: true });
  await Deno.writeTextFile(manifest, texts.manifest, { createNew: true });
  await writeGeneratedFiles(await loadManifests(folder));
  const option = folder === DEFAULT_FOLDER ? "" : ` --manifests ${folder}`;
  console.log(
    `Wrote ${relative(Deno.cwd(), manifest)} and ${relative(Deno.cwd(), script)}\n` +
      `Run it with the rest of the world: deno task demo${option}\n` +
      `or alone beside a coordinator:     deno task system ${name}${option}`,
  );
}

async function refuseToOverwrite(path: string): Promise<void> {
  const isThere = await Deno.lstat(path).then(() => true, () => false);
  if (isThere) throw new UserError(`Cannot write ${path}: there is such a file already`);
}

const DEFAULT_FOLDER = "manifests";

if (import.meta.main) {
  const program = new Command("deno task new")
    .description("Write the manifest and the script of a new system that runs as it is.")
    .argument("<name>", "the system's name, like move_boids")
    .option("--manifests <dir>", "folder of manifests", DEFAULT_FOLDER)
    .parse(Deno.args, { from: "user" });
  const { manifests } = program.opts<{ manifests: string }>();
  await runProgram(() => runNew(program.args[0] ?? "", manifests));
}
