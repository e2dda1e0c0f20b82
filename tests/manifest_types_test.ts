import { assert, assertEquals, assertThrows } from "@std/assert";
import { resolve } from "node:path";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { componentHandles } from "../lib/manifest/component_handles.ts";
import {
  filesWithoutSchemaLine,
  generatedFiles,
  staleFiles,
  writeGeneratedFiles,
} from "../lib/manifest/generated_files.ts";
import { loadManifests, readManifestFiles } from "../lib/manifest/load.ts";
import { parseManifests } from "../lib/manifest/manifests.ts";
import { newSystem } from "../lib/manifest/new_system.ts";
import { UserError } from "../lib/user_error.ts";

const FOLDER = new URL("../manifests", import.meta.url).pathname;
const BENCH_FOLDER = new URL("../bench/worlds/manifests", import.meta.url).pathname;

function parse(components: string, files: Record<string, string> = {}) {
  const all = new Map(Object.entries({ "components.yaml": components, ...files }));
  return parseManifests(all, "/game/manifests");
}

/** The zod shape of the JSON Schema that is generated as `file`. */
function shapeOf(files: ReadonlyMap<string, string>, file: string): z.ZodType {
  return z.fromJSONSchema(JSON.parse(files.get(file) ?? ""));
}

Deno.test("the repository's generated files are up to date: else run `deno task types`", async () => {
  for (const folder of [FOLDER, BENCH_FOLDER]) {
    assertEquals(await staleFiles(await loadManifests(folder)), [], folder);
  }
});

Deno.test("the repository's manifests name their schemas in the first line", async () => {
  for (const folder of [FOLDER, BENCH_FOLDER]) {
    assertEquals(filesWithoutSchemaLine(await readManifestFiles(folder)), [], folder);
  }
});

Deno.test("generatedFiles() makes JSON Schemas that take the repository's manifests", async () => {
  const texts = await readManifestFiles(FOLDER);
  const generated = generatedFiles(parseManifests(texts, FOLDER));
  for (const [file, text] of texts) {
    const schema = file === "components.yaml"
      ? "components"
      : file.startsWith("worlds/")
      ? "world"
      : "system";
    shapeOf(generated, `schema/${schema}.schema.json`).parse(parseYaml(text));
  }
});

Deno.test("generatedFiles() makes JSON Schemas that refuse what the parser refuses", () => {
  const generated = generatedFiles(
    parse("A: { x: f32, v: vec3, e: entity }\nTag:", {
      "move.yaml": "system: move\nquery: { read: [A] }",
    }),
  );
  const system = shapeOf(generated, "schema/system.schema.json");
  assert(system.safeParse({ system: "move", query: { read: ["Entity", "A.x"] } }).success);
  assert(!system.safeParse({ system: "move", query: { read: ["B"] } }).success);
  assert(!system.safeParse({ system: "move", query: { write: ["Entity"] } }).success);
  assert(!system.safeParse({ system: "move", query: {}, quer: 1 }).success);
  assert(!system.safeParse({ system: "move", query: {}, after: ["nobody"] }).success);
  const world = shapeOf(generated, "schema/world.schema.json");
  const take = (components: unknown) =>
    world.safeParse({ world: "w", entities: [{ components }] }).success;
  assert(take({ A: { x: { uniform: [0, 1] }, v: { sphere: 3 }, e: "@camera" }, Tag: null }));
  assert(!take({ B: {} }));
  assert(!take({ A: { y: 1 } }));
  assert(!take({ A: { v: [1, 2] } }));
  assert(!take({ A: { x: { sphere: 1 } } }));
});

Deno.test("componentHandles() writes one handle per component, described", () => {
  const long = "word ".repeat(30).trim();
  const text = componentHandles(parse(`
Tag: { description: A tag. */ }
Place: { position: vec3, turn: quat }
Mass: { value: { type: f32, description: ${long} } }
Heat: { flow: { type: f64, unit: W/m² }, at: { type: vec3, unit: m, description: Where. }, on: bool }
`));
  assertEquals(
    text,
    `// Generated from components.yaml by \`deno task types\`; do not edit.
import { component } from "orrery";

/** A tag. *\\/ */
export const Tag = component("Tag", {});

export const Place = component("Place", { position: "vec3", turn: "quat" });

export const Mass = component("Mass", {
  /**
   * ${"word ".repeat(18)}word
   * ${"word ".repeat(10)}word
   */
  value: "f32",
});

export const Heat = component("Heat", {
  /** In W/m². */
  flow: "f64",
  /** Where. In m. */
  at: "vec3",
  on: "bool",
});
`,
  );
});

Deno.test("newSystem() writes what fits the schema, and loads", () => {
  const cases = [
    ["Velocity: { linear: vec3 }\nTransform3D: { translation: vec3 }", "translation[i] += linear"],
    ["Tag:\nName: { text: string }\nHeat: { k: f64 }", "{ k: values } = rows.write(Heat)"],
    ["Count: { n: u64 }", "values[i] += 1n;"],
    ["Tag:", "row < rows.count"],
    ["", "row < rows.count"],
  ] as const;
  for (const [components, body] of cases) {
    const script = "/game/systems/fresh.ts";
    const texts = newSystem(parse(components), { name: "fresh", script });
    const { systems } = parse(components, { "fresh.yaml": texts.manifest });
    assertEquals(systems.map((system) => system.script), [script]);
    assert(texts.script.includes(body), texts.script);
  }
});

Deno.test("newSystem() states the order to the systems that access the same", () => {
  const files = {
    "heat.yaml": "system: heat\nquery: { read: [Heat] }",
    "other.yaml": "system: other\nquery: { read: [Cold] }",
  };
  const manifests = parse("Heat: { k: f32 }\nCold: { k: f32 }", files);
  const { manifest } = newSystem(manifests, { name: "fresh", script: "/game/systems/fresh.ts" });
  assert(manifest.endsWith("after:\n  - heat\n"), manifest);
});

Deno.test("newSystem() refuses names that no system can have, or one has", () => {
  const manifests = parse("Tag:", { "move.yaml": "system: move\nquery: { with: [Tag] }" });
  for (const name of ["Move", "../x", "", "components", "move"]) {
    assertThrows(() => newSystem(manifests, { name, script: "/s.ts" }), UserError, name);
  }
});

Deno.test("deno task new writes a system that loads, and never overwrites one", async () => {
  const root = await Deno.makeTempDir({ prefix: "new-system-" });
  const folder = resolve(root, "manifests");
  try {
    await Deno.mkdir(folder);
    await Deno.writeTextFile(
      `${folder}/components.yaml`,
      "# yaml-language-server: $schema=schema/components.schema.json\nHeat: { k: f32 }\n",
    );
    const first = await runProgram("new_main.ts", ["warm", "--manifests", folder]);
    assertEquals(first.code, 0, first.stderr);
    const manifests = await loadManifests(folder);
    assertEquals(manifests.systems.map((system) => system.name), ["warm"]);
    assertEquals(filesWithoutSchemaLine(await readManifestFiles(folder)), []);
    const second = await runProgram("new_main.ts", ["warm", "--manifests", folder]);
    assertEquals([second.code, second.stderr.includes("warm.yaml is there already")], [1, true]);

    const check = ["--check", "--manifests", folder];
    assertEquals((await runProgram("types_main.ts", check)).code, 0);
    await Deno.writeTextFile(`${folder}/components.ts`, "");
    const stale = await runProgram("types_main.ts", check);
    assertEquals([stale.code, stale.stderr.includes(": components.ts.")], [1, true]);
    assertEquals(await writeGeneratedFiles(manifests), ["components.ts"]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

async function runProgram(program: string, args: readonly string[]) {
  const path = new URL(`../lib/manifest/${program}`, import.meta.url).pathname;
  const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", path, ...args] });
  const { code, stderr } = await command.output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}
