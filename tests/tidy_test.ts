import { assert, assertEquals } from "@std/assert";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Layer, LAYERS, MACHINE_USERS } from "./layers.ts";
import { parseSource, type SourceFile } from "./source_file.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FOLDERS = [
  "lib",
  "coordinator",
  "operator",
  "systems",
  "manifests",
  "editor",
  "sim",
  "fuzz",
  "chaos",
  "tests",
  "bench",
];
const FILE_LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;

interface Config {
  readonly imports: Readonly<Record<string, string>>;
  readonly tasks: Readonly<Record<string, { description?: string; command?: string }>>;
}

const config: Config = JSON.parse(await read("deno.json"));
const paths = await listFiles(FOLDERS);
const sources = await Promise.all(
  paths.filter((path) => path.endsWith(".ts")).map(async (path) =>
    parseSource(path, await read(path), config.imports)
  ),
);
const byPath = new Map(sources.map((source) => [source.path, source]));

Deno.test("imports go down the layers only", () => {
  const wrong = sources.flatMap(({ path, imports }) => {
    const layer = layerOf(path);
    if (layer === undefined) return [];
    return imports.filter(({ target, isFile, alias }) => {
      // A package's stand-in is a package.
      if (!isFile || target.startsWith("lib/std/")) return !mayUsePackage(layer, alias ?? target);
      const other = layerOf(target)?.name ?? target;
      return other !== layer.name && !layer.imports.includes(other);
    }).map(({ target }) => `${path} (${layer.name}) imports ${target}`);
  });
  assertNone(wrong);
});

Deno.test("every file outside tests and bench has a layer", () => {
  const free = /^(tests|bench)\//;
  assertNone(sources.filter(({ path }) => !free.test(path) && !layerOf(path)).map(pathOf));
});

Deno.test("files import no file that leads back to them", () => {
  const seen = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
    }
    if (seen.has(path)) return;
    seen.add(path);
    for (const { target, names } of byPath.get(path)?.imports ?? []) {
      // A script that is run by itself hands itself to the runtime; nothing is evaluated before.
      const isDeferred = path === "lib/runtime/system.ts" && names === undefined;
      if (!isDeferred) visit(target, [...trail, path]);
    }
  };
  for (const { path } of sources) visit(path, []);
  assertNone(cycles);
});

Deno.test("every file is used by a program, a test or the scripts' module", async () => {
  const isRoot = (path: string) => /(^|_|\/)main\.ts$|_test\.ts$|^lib\/mod\.ts$/.test(path);
  const scripts = await Promise.all(
    paths.filter((path) => /(^|\/)manifests\/[^/]+\.yaml$/.test(path)).map(scriptOf),
  );
  const open = [...scripts, ...sources.map(pathOf).filter(isRoot)];
  const used = new Set<string>();
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (used.has(path)) continue;
    used.add(path);
    open.push(...byPath.get(path)?.imports.map(({ target }) => target) ?? []);
  }
  assertNone(sources.map(pathOf).filter((path) => !used.has(path)));
});

Deno.test("every export is imported somewhere", () => {
  // What packages export, components that no script uses, and what users import.
  const free = /^lib\/(std\/|mod\.ts$)|(^|\/)(manifests\/components|systems\/\w+)\.ts$/;
  const used = new Set(
    sources.flatMap(({ imports }) =>
      imports.flatMap(({ target, names = ["*"] }) => names.map((name) => `${target} ${name}`))
    ),
  );
  const dead = sources.filter(({ path }) => !free.test(path)).flatMap(({ path, text, exports }) =>
    exports.filter(({ name, isType }) => {
      if (used.has(`${path} ${name}`) || used.has(`${path} *`)) return false;
      // A caller may want to catch it, or to name the type of what the file's functions take.
      return !name.endsWith("Error") && !(isType && occurrences(text, name) > 1);
    }).map(({ name }) => `${path} exports ${name}`)
  );
  assertNone(dead);
});

Deno.test("only the files at the edge touch the machine", () => {
  const wrong = sources.filter(({ path }) => layerOf(path)).flatMap(({ path, globals }) =>
    [...globals].filter((name) => !MACHINE_USERS[name]?.test(path))
      .map((name) => `${path} uses ${name}`)
  );
  assertNone(wrong);
});

Deno.test("files and functions have a readable length", () => {
  const files = sources.filter(({ path, text }) =>
    !/(^|\/)manifests\/components\.ts$/.test(path) &&
    text.trimEnd().split("\n").length > FILE_LINES_MAX
  );
  const functions = sources.flatMap(({ path, functions }) =>
    functions.filter(({ lines }) => lines > FUNCTION_LINES_MAX)
      .map(({ line, lines }) => `${path}:${line} has a function of ${lines} lines`)
  );
  assertNone([...files.map(({ path }) => `${path} is too long`), ...functions]);
});

Deno.test("types are neither switched off nor asserted away", () => {
  // The signature of the package that it stands in for.
  const anys = sources.filter(({ path }) => path !== "lib/std/assert.ts")
    .flatMap(({ path, anys }) => anys.map((line) => `${path}:${line} says any`));
  const assertions = sources.filter(({ path }) => layerOf(path))
    .flatMap(({ path, assertions }) => assertions.map((line) => `${path}:${line} asserts with !`));
  assertNone([...anys, ...assertions]);
});

Deno.test("no test is left out", () => {
  assertNone(
    sources.filter(({ path }) => path.startsWith("tests/"))
      .flatMap(({ path, partialTests }) => partialTests.map((line) => `${path}:${line}`)),
  );
});

Deno.test("every module begins by saying what it is", () => {
  const free = /_test\.ts$|(^|\/)manifests\/components\.ts$/;
  const bare = sources.filter(({ path, text }) =>
    !free.test(path) && !/^\/\*\*(?:(?!\*\/)[^])+@module\s+\*\//.test(text)
  );
  assertNone(bare.map(pathOf));
});

Deno.test("no file has loose ends or a path of somebody's machine", async () => {
  const loose = new RegExp(["TO" + "DO", "FIX" + "ME", "X{3}"].join("|"));
  const machine = /(?<![\w./-])\/(work|home|root|Users)\/\w/;
  const documents = ["README.md", "CHANGELOG.md", "deno.json", ".ci/run"];
  const found = [...paths, ...documents, ...await listFiles(["docs"])].map(async (path) => {
    const lines = (await read(path)).split("\n");
    return lines.flatMap((line, i) =>
      loose.test(line) || machine.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : []
    );
  });
  assertNone((await Promise.all(found)).flat());
});

Deno.test("docs/architecture.md names every folder of sources, and paths that exist", async () => {
  const text = await read("docs/architecture.md");
  const named = Array.from(
    text.matchAll(/`([\w.-]+\/[\w./-]*|\w+\.(?:md|json))`/g),
    ([, path]) => path,
  );
  assert(named.length > 0);
  const exist = await Promise.all(named.map(isThere));
  assertNone(named.filter((_, i) => !exist[i]));
  const folders = new Set(sources.map(({ path }) => path.slice(0, path.lastIndexOf("/") + 1)));
  const isNamed = (folder: string) =>
    named.some((path) =>
      path.startsWith(folder) || (path.endsWith("/") && folder.startsWith(path))
    );
  assertNone([...folders].filter((folder) => !isNamed(folder)));
});

Deno.test("every task of deno.json says what it does", () => {
  assertNone(Object.keys(config.tasks).filter((name) => !config.tasks[name].description));
});

Deno.test("deno.jsr.json maps the same names and checks as strictly as deno.json", async () => {
  const jsr = JSON.parse(await read("deno.jsr.json"));
  assertEquals(Object.keys(jsr.imports).toSorted(), Object.keys(config.imports).toSorted());
  const { imports: _, tasks: __, ...settings } = JSON.parse(await read("deno.json"));
  for (const [name, value] of Object.entries(settings)) {
    if (name !== "lock") assertEquals(jsr[name], value, name);
  }
});

function layerOf(path: string): Layer | undefined {
  return LAYERS.find(({ files }) => files.test(path));
}

function mayUsePackage(layer: Layer, name: string): boolean {
  return name.startsWith("node:") || layer.packages.includes(name);
}

/** The script that a manifest names, or the one that it has by default. */
async function scriptOf(manifest: string): Promise<string> {
  const named = (await read(manifest)).match(/^script: (.+)$/m)?.[1];
  return join(dirname(manifest), named ?? `../systems/${basename(manifest, ".yaml")}.ts`);
}

function occurrences(text: string, name: string): number {
  return text.match(new RegExp(`\\b${name}\\b`, "g"))?.length ?? 0;
}

function pathOf({ path }: Pick<SourceFile, "path">): string {
  return path;
}

function assertNone(found: readonly string[]): void {
  assertEquals(found, [], found.join("\n"));
}

function read(path: string): Promise<string> {
  return Deno.readTextFile(`${ROOT}${path}`);
}

function isThere(path: string): Promise<boolean> {
  return Deno.stat(`${ROOT}${path}`).then(() => true, () => false);
}

/** The text files below `folders`, from the root; a folder that is not there has none. */
async function listFiles(folders: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const folder of folders) {
    if (!await isThere(folder)) continue;
    for await (const { name, isFile, isDirectory } of Deno.readDir(`${ROOT}${folder}`)) {
      const path = `${folder}/${name}`;
      if (isDirectory) files.push(...await listFiles([path]));
      else if (isFile && /\.(ts|ya?ml|json|md)$/.test(name)) files.push(path);
    }
  }
  return files.toSorted();
}
