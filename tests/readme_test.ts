import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const readme = await Deno.readTextFile(`${ROOT}README.md`);
const { tasks }: { tasks: Record<string, { command: string }> } = JSON.parse(
  await Deno.readTextFile(`${ROOT}deno.json`),
);

/** A fenced block, and the paragraph before it. */
interface Fence {
  readonly language: string;
  readonly text: string;
  readonly lead: string;
}

Deno.test("the README's tutorial does what it says", async (t) => {
  await using project = await copyProject();
  const fences = fencesOf(sectionOf("Add a system by hand"));
  const [demo] = commandsOf(fences).filter((command) => command.startsWith("deno task demo"));
  const without = await project.run(demo);

  await t.step("its files can be written as they stand", async () => {
    const files = fences.filter(({ lead }) => /^`[\w/.]+`$/.test(lead));
    assertEquals(files.length, 2);
    for (const { lead, text } of files) await project.write(lead.slice(1, -1), text);
  });
  await t.step("each command prints what is shown after it", async () => {
    for (const [i, { language, text }] of fences.entries()) {
      if (language !== "bash") continue;
      const printed = await project.run(text.trim());
      const shown = fences[i + 1];
      if (shown?.language === "text") assertShows(printed, shown.text);
    }
  });
  await t.step("the hash is another than without the system, and the same each time", async () => {
    const [first, second] = [await project.run(demo), await project.run(demo)];
    assertEquals(hashOf(first), hashOf(second));
    assertNotEquals(hashOf(first), hashOf(without));
    assertMatch(first, /\n {2}wind .* 0 errors\n/);
  });
  await t.step("without `before` the plan has the ambiguity that is shown", async () => {
    const [manifest] = fences.filter(({ lead }) => lead === "`manifests/wind.yaml`");
    await project.write("manifests/wind.yaml", manifest.text.replace(/^before: .*\n/m, ""));
    const [shown] = fences.filter(({ lead }) => lead.startsWith("Without the `before` line"));
    assertShows(await project.run("deno task plan"), shown.text);
  });
});

Deno.test("the README names tasks that there are, and flags that they take", async (t) => {
  for (const [, name] of readme.matchAll(/\bdeno(?:@[\d.]+)? task (\w+)/g)) {
    assert(name in tasks, name);
  }
  const rows = readme.matchAll(/^\| `deno task (\w+).*\|(.*)\|$/gm);
  for (const [, name, flags] of rows) {
    if (!flags.includes("--")) continue;
    await t.step(`deno task ${name}`, async () => {
      const help = await runTask(`deno task ${name} --help`, ROOT);
      for (const [flag] of flags.matchAll(/--[\w-]+/g)) assert(help.includes(`${flag} `), flag);
    });
  }
});

Deno.test("the documents' relative links lead to files", async () => {
  const documents = ["README.md"];
  for await (const { name } of Deno.readDir(`${ROOT}docs`)) {
    if (name.endsWith(".md")) documents.push(`docs/${name}`);
  }
  for (const document of documents) {
    const text = await Deno.readTextFile(`${ROOT}${document}`);
    for (const [, target] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      const url = new URL(target, `file://${ROOT}${document}`);
      await Deno.stat(url).catch(() => assert(false, `${document} links to ${target}`));
    }
  }
});

Deno.test("the documents name no host but a NATS server and this machine", async () => {
  const documents = ["README.md", "CHANGELOG.md", "docs/architecture.md"];
  for (const document of documents) {
    const text = await Deno.readTextFile(`${ROOT}${document}`);
    assertEquals(text.match(/(?<!nats):\/\/(?!127\.0\.0\.1:)\S*/g), null, document);
  }
});

/** The text below a heading, up to the next one. */
function sectionOf(heading: string): string {
  const [, text] = readme.split(`\n## ${heading}\n`);
  assert(text !== undefined, heading);
  return text.split("\n## ")[0];
}

function fencesOf(section: string): Fence[] {
  const pattern = /(?:([^\n]+(?:\n[^\n]+)*)\n\n)?^```(\w+)\n([^]*?)^```$/gm;
  return Array.from(section.matchAll(pattern), ([, lead = "", language, text]) => ({
    language,
    text,
    lead,
  }));
}

function commandsOf(fences: readonly Fence[]): string[] {
  return fences.filter(({ language }) => language === "bash").map(({ text }) => text.trim());
}

/**
 * Checks that the lines shown are printed, in this order; after `...` with others
 * between. Numbers may differ, but for those of errors.
 */
function assertShows(printed: string, shown: string): void {
  const blur = (text: string) =>
    text.replace(/\bhash \w+/g, "hash H").replace(/\d+(\.\d+)?(?! errors)/g, "N");
  let rest = blur(printed);
  for (const part of blur(shown).trimEnd().split(/\n?^\.\.\.\n/m)) {
    const at = rest.indexOf(part);
    assert(at >= 0, `the README shows\n${part}\nbut printed is\n${rest}`);
    rest = rest.slice(at + part.length);
  }
}

function hashOf(printed: string): string | undefined {
  return /^hash (\w{16})$/m.exec(printed)?.[1];
}

/** A folder with copies of this repository's manifests and systems, to be changed at will. */
async function copyProject() {
  const folder = await Deno.makeTempDir({ prefix: "orrery-readme-" });
  for (const name of ["manifests", "systems"]) {
    await copyFolder(`${ROOT}${name}`, `${folder}/${name}`);
  }
  return {
    run: (command: string) => runTask(command, folder),
    write: (path: string, text: string) => Deno.writeTextFile(`${folder}/${path}`, text),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

/** Runs `deno task NAME ARG…` in `cwd`, and returns what it prints to standard output. */
async function runTask(command: string, cwd: string): Promise<string> {
  const [name, ...args] = command.replace(/^deno task /, "").split(/\s+/);
  const program = /^(?:GLIBC_TUNABLES=\S+ )?deno run -A (?:--v8-flags=\S+ )?(\S+)$/.exec(
    tasks[name].command,
  )?.[1];
  assert(program !== undefined, `${command} runs no program`);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--config", `${ROOT}deno.json`, `${ROOT}${program}`, ...args],
    cwd,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  assertEquals(code, 0, `${command}\n${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}
