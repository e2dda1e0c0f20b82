import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { loadManifests } from "../lib/manifest/load.ts";
import { ManifestError } from "../lib/manifest/problem.ts";
import { UserError } from "../lib/user_error.ts";

/** A folder with these files, which goes with its scope. */
async function temporaryFolder(files: Record<string, string>) {
  const folder = await Deno.makeTempDir({ prefix: "manifests-" });
  await Deno.mkdir(`${folder}/worlds`);
  for (const [file, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${file}`, text);
  }
  return { folder, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

const FILES = {
  "components.yaml": "Tag:\n",
  "move.yaml": "system: move\nquery: { with: [Tag] }\n",
  "worlds/w.yaml": "world: w\nentities: [{ components: { Tag: } }]\n",
};

Deno.test("loadManifests() reads a folder and its worlds, and ignores other files", async () => {
  await using temporary = await temporaryFolder({
    ...FILES,
    ".hidden.yaml": "{",
    "components.ts": "{",
    "README.md": "{",
  });
  const { folder } = temporary;
  const manifests = await loadManifests(folder);
  assertEquals(manifests.folder, folder);
  assertEquals(manifests.systems.map((system) => system.name), ["move"]);
  assertEquals([...manifests.worlds.keys()], ["w"]);
});

Deno.test("loadManifests() needs no worlds", async () => {
  await using temporary = await temporaryFolder({ "components.yaml": "" });
  await Deno.remove(`${temporary.folder}/worlds`);
  assertEquals((await loadManifests(temporary.folder)).worlds.size, 0);
});

Deno.test("loadManifests() says which flag to pass where there is no folder", async () => {
  const error = await assertRejects(() => loadManifests("/no/such/folder"), UserError);
  assertEquals(
    error.message,
    "Cannot load the manifests in /no/such/folder: no folder /no/such/folder; pass --manifests DIR",
  );
});

Deno.test("loadManifests() refuses .yml files and files that are too large", async () => {
  await using yml = await temporaryFolder({ ...FILES, "worlds/x.yml": "" });
  const error = await assertRejects(() => loadManifests(yml.folder), ManifestError);
  assertEquals(error.problems, [{
    file: "worlds/x.yml",
    line: 1,
    column: 1,
    message: "a manifest's name ends in .yaml: rename it to x.yaml",
  }]);
  await using large = await temporaryFolder({ ...FILES, "big.yaml": "#".repeat(2 ** 20 + 1) });
  const { message } = await assertRejects(() => loadManifests(large.folder), ManifestError);
  assertStringIncludes(message, "big.yaml:1:1: the file is larger than 1048576 bytes");
});

Deno.test("loadManifests() loads the repository's own manifests", async () => {
  const { systems, worlds } = await loadManifests("manifests");
  assertEquals(systems.map((system) => system.name).slice(0, 2), ["ai", "physics"]);
  const groups = worlds.get("flock")?.groups ?? [];
  assert(groups.reduce((sum, { count }) => sum + count, 0) >= 5000);
});
