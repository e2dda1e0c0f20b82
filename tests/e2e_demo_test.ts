import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Summary } from "../coordinator/summary.ts";
import { PID_FILE_NAME } from "../lib/nats_server/data_folder.ts";
import { findServer } from "../lib/nats_server/find_server.ts";
import {
  finalOf,
  Onlooker,
  poll,
  Program,
  type PROGRAMS,
  type Project,
  REPOSITORY,
  runLocal,
  startProgram,
} from "./e2e.ts";
import { assertNothingLost, createField, HZ } from "./field_project.ts";

const TICKS = 30;
const KEYS = [
  "ticks",
  "entities",
  "tick_ms_median",
  "tick_ms_p99",
  "overruns",
  "hash",
  "systems",
];

/** A copy of the repository's manifests and systems, by which its processes are told apart. */
class Copy implements AsyncDisposable {
  readonly path: string;
  readonly manifests: string;

  private constructor(path: string) {
    this.path = path;
    this.manifests = `${path}/manifests`;
  }

  /** @param instances of each system; as in the repository by default */
  static async create(instances?: number): Promise<Copy> {
    const copy = new Copy(await Deno.makeTempDir({ prefix: "orrery-demo-" }));
    for (const folder of ["manifests", "manifests/worlds", "systems"]) {
      await Deno.mkdir(`${copy.path}/${folder}`);
      for await (const { name, isFile } of Deno.readDir(`${REPOSITORY}${folder}`)) {
        if (!isFile) continue;
        const text = await Deno.readTextFile(`${REPOSITORY}${folder}/${name}`);
        const changed = instances === undefined
          ? text
          : text.replace(/^instances: \d+$/m, `instances: ${instances}`);
        await Deno.writeTextFile(`${copy.path}/${folder}/${name}`, changed);
      }
    }
    return copy;
  }

  /** The command lines of the processes that run on this copy. */
  async processes(): Promise<string[]> {
    const lines: string[] = [];
    for await (const { name } of Deno.readDir("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const line = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
      if (line.includes(this.path)) lines.push(line.replaceAll("\0", " "));
    }
    return lines;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Deno.remove(this.path, { recursive: true });
  }
}

async function isListening(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}

/** Resolves with the port of a demo's server, and the folder that it runs in. */
async function serverOf(demo: Program): Promise<{ port: number }> {
  const line = await demo.line(/^Started .* at nats:/);
  return { port: Number(/:(\d+)$/.exec(line)?.[1]) };
}

async function nothingIsLeft(copy: Copy, port: number): Promise<void> {
  await poll(
    "that nothing is left",
    async () => !await isListening(port) && (await copy.processes()).length === 0,
  );
}

/** Runs to its end, with the summary. */
async function runDemo(copy: Copy, args: readonly string[] = []): Promise<Summary> {
  const flags = ["--max-speed", "--ticks", `${TICKS}`, "--no-editor", "--json"];
  const fixed = ["--manifests", copy.manifests, ...flags];
  await using demo = startProgram("demo", [...fixed, ...args]);
  return await finalOf<Summary>(demo);
}

Deno.test("deno task demo --json ends with one JSON object, and nothing else runs on", async () => {
  await using demo = new Program(
    Deno.execPath(),
    ["task", "demo", "--ticks", `${TICKS}`, "--json"],
    {
      cwd: REPOSITORY,
      env: { NO_COLOR: "1" },
    },
  );
  const { port } = await serverOf(demo);
  const summary = await finalOf<Summary>(demo);
  assertEquals(demo.stdout.length, 1);
  assertEquals(Object.keys(summary), KEYS);
  assertEquals(summary.ticks, TICKS);
  assert(summary.entities >= 5000);
  assertMatch(summary.hash, /^[0-9a-f]{16}$/);
  assertEquals(Object.keys(summary.systems), ["ai", "physics", "render_prep"]);
  for (
    const [name, { instances, ticks, shards, rows, errors }] of Object.entries(summary.systems)
  ) {
    assertEquals([ticks, errors], [TICKS, 0], name);
    assert(instances > 0 && shards >= TICKS && rows >= 5000 * TICKS, name);
  }
  assertEquals(demo.output.includes("\x1b"), false);
  assertEquals(await isListening(port), false);
});

Deno.test("the demo's hash is the same over NATS and local, with 1 and with 3 instances", async () => {
  await using as = await Copy.create();
  await using one = await Copy.create(1);
  await using three = await Copy.create(3);
  const { hash } = await runDemo(as, ["--local"]);
  const others = [await runDemo(as), await runDemo(one), await runDemo(three)];
  assertEquals(others.map((summary) => summary.hash), [hash, hash, hash]);
  assertEquals(others.map(({ systems }) => systems.ai.instances), [2, 1, 3]);
  assertEquals((await runDemo(three, ["--local"])).hash, hash);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`a demo that gets a ${signal} prints its summary and leaves nothing behind`, async () => {
    await using copy = await Copy.create();
    await using demo = startProgram("demo", ["--manifests", copy.manifests]);
    const { port } = await serverOf(demo);
    await demo.line(/^tick [1-9]\d* · \d+\.\d Hz · 6026 entities · ai 2×/);
    demo.kill(signal);
    assertEquals(await demo.code(), 0, demo.output);
    assertMatch(demo.stdout[0], /^\d+ ticks of 6026 entities; median /);
    assertMatch(demo.stdout.at(-1) ?? "", /^hash [0-9a-f]{16}$/);
    assertEquals(demo.output.includes("\x1b"), false);
    assertEquals(await copy.processes(), []);
    assertEquals(await isListening(port), false);
  });
}

Deno.test("a demo that is killed with -9 leaves neither server nor instances behind", async () => {
  await using copy = await Copy.create();
  await using demo = startProgram("demo", ["--manifests", copy.manifests]);
  const { port } = await serverOf(demo);
  await demo.line(/^physics-\w+: registered/);
  assertEquals((await copy.processes()).length, 6);
  demo.kill("SIGKILL");
  await nothingIsLeft(copy, port);
});

/** A folder for what a demo keeps while it runs, where its server's process id can be found. */
class Place implements AsyncDisposable {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<Place> {
    return new Place(await Deno.makeTempDir({ prefix: "orrery-demo-" }));
  }

  start(project: Project, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const fixed = ["--manifests", project.manifests, "--no-editor", "--hz", `${HZ}`];
    return startProgram("demo", [...fixed, ...args], { env: { TMPDIR: this.path, ...env } });
  }

  async killServer(): Promise<void> {
    const [folder] = await this.list();
    const pid = await Deno.readTextFile(`${this.path}/${folder}/data/${PID_FILE_NAME}`);
    Deno.kill(Number(pid), "SIGKILL");
  }

  list(): Promise<string[]> {
    return Array.fromAsync(Deno.readDir(this.path), ({ name }) => name);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Deno.remove(this.path, { recursive: true });
  }
}

Deno.test("the demo's own nats-server is killed with -9 and started again, and nothing is lost", async () => {
  const [KILL_TICK, LAST_TICK] = [20, 90];
  await using project = await createField();
  await using place = await Place.create();
  await using demo = place.start(project, ["--ticks", `${LAST_TICK}`, "--json"]);
  const { port } = await serverOf(demo);
  await using onlooker = await Onlooker.connect({ url: `nats://127.0.0.1:${port}` });
  const ticks = await onlooker.watch(onlooker.subjects.tick, "TickStart");
  await ticks.first("a tick", ({ tick_id }) => tick_id === KILL_TICK);
  await place.killServer();
  await demo.line(/warning: nats-server has ended with code 137; starting it again/);
  await ticks.first("a later tick", ({ tick_id }) => tick_id === KILL_TICK + 20);
  const commits = await onlooker.commits();
  assertNothingLost(commits, commits.length);
  assert(commits.length > KILL_TICK);
  const { hash } = await finalOf<Summary>(demo);
  assertEquals(hash, (await runLocal(project.manifests, LAST_TICK, { hz: HZ })).hash);
  assertEquals(await place.list(), []);
});

Deno.test("a demo whose nats-server cannot be started again ends, and says what that has printed", async () => {
  await using project = await createField();
  await using place = await Place.create();
  await using bin = await Place.create();
  const real = await findServer({ progress: () => {} });
  await Deno.writeTextFile(
    `${bin.path}/nats-server`,
    `#!/bin/sh
[ "$1" = --version ] || mkdir ${bin.path}/was_here || { echo "bad luck" >&2; exit 3; }
exec ${real} "$@"
`,
  );
  await Deno.chmod(`${bin.path}/nats-server`, 0o755);
  await using demo = place.start(project, [], { PATH: `${bin.path}:${Deno.env.get("PATH")}` });
  await demo.line(/^tick [1-9]/);
  await place.killServer();
  assertEquals(await demo.code(), 1, demo.output);
  assertMatch(demo.output, /Cannot go on without the nats-server at nats:.* ended with code 3,/);
  assertMatch(demo.output, /^bad luck$/m);
  assertEquals(await place.list(), []);
});

type Task = keyof typeof PROGRAMS;

const FLAGS: Partial<Record<Task, readonly string[]>> = {
  demo: [
    "--manifests",
    "--world",
    "--hz",
    "--ticks",
    "--max-speed",
    "--nats",
    "--local",
    "--no-editor",
    "--json",
  ],
  coord: [
    "--manifests",
    "--world",
    "--hz",
    "--ticks",
    "--max-speed",
    "--nats",
    "--prefix",
    "--snapshot-every",
    "--snapshots-kept",
  ],
  system: ["--manifests", "--nats", "--prefix", "--credits"],
  snapshot: ["--nats", "--prefix", "--json"],
  replay: ["--from", "--to", "--verify", "--manifests", "--export", "--fork", "--nats", "--prefix"],
  query: ["--nats", "--prefix", "--json", "--watch", "--table", "--every"],
  spawn: ["--nats", "--prefix", "--json", "--count"],
  set: ["--nats", "--prefix", "--json", "--add", "--remove"],
  despawn: ["--nats", "--prefix", "--json", "--query"],
  ctl: ["--nats", "--prefix", "--json"],
  top: ["--nats", "--prefix", "--json", "--every", "--count"],
  plan: ["--manifests", "--world", "--mermaid", "--json"],
  types: ["--manifests", "--check"],
  new: ["--manifests"],
  editor: ["--nats", "--prefix", "--host", "--port"],
};

Deno.test("--help of every task exits with 0 and lists the flags", async () => {
  for (const [task, flags] of Object.entries(FLAGS) as [Task, readonly string[]][]) {
    await using program = startProgram(task, ["--help"]);
    assertEquals(await program.code(), 0, program.output);
    const help = program.stdout.join("\n");
    assertStringIncludes(help, `Usage: deno task ${task}`);
    for (const flag of flags) assertMatch(help, new RegExp(`^  ${flag}( |$)`, "m"));
  }
});

const MISTAKES: readonly [Task, readonly string[], RegExp][] = [
  ["demo", ["--world", "flok"], /^Cannot start world "flok": .* did you mean "flock"\?$/],
  ["demo", ["--manifests", "/nowhere"], /^Cannot load the manifests in \/nowhere: no folder/],
  ["demo", ["--tics", "3"], /^error: unknown option '--tics'/],
  ["demo", ["--ticks", "0"], /^error: option '--ticks <n>' argument '0' is invalid\. It takes/],
  ["demo", ["--nats", "nats://127.0.0.1:1", "--ticks", "1"], /^Cannot connect to NATS at .*:1: /],
  ["demo", ["--local", "--prefix", "a b"], /^Cannot use the prefix "a b": /],
  ["coord", ["--hz", "-1"], /^error: option '--hz <n>' argument '-1' is invalid\. It takes a/],
  ["coord", ["flock"], /^error: too many arguments/],
  ["system", [], /^error: missing required argument 'name'/],
  ["system", ["fysics"], /^Cannot run system "fysics": .* did you mean "physics"\?$/],
  ["system", ["ai", "--credits", "x"], /^error: option '--credits <n>' argument 'x' is invalid/],
  ["system", ["ai", "--prefix", "a..b"], /^Cannot use the prefix "a\.\.b": /],
  [
    "replay",
    ["--to", "-1"],
    /^error: option '--to <tick>' argument '-1' is invalid\. It takes the/,
  ],
  ["snapshot", ["sav"], /^error: unknown command 'sav'/],
  ["snapshot", ["list", "--prefix", "a..b"], /^Cannot use the prefix "a\.\.b": /],
  ["snapshot", ["show"], /^error: missing required argument 'id'/],
  ["coord", ["--snapshot-every", "soon"], /^error: option '--snapshot-every <time>' .* 30s/],
  ["new", ["physics"], /^Cannot make the system "physics" anew: /],
  ["plan", ["--world", "flok"], /^Cannot plan world "flok": .* did you mean "flock"\?$/],
];

Deno.test("a mistake on the command line is one readable line, and exits with 1", async () => {
  for (const [task, args, expected] of MISTAKES) {
    await using program = startProgram(task, args, { cwd: REPOSITORY });
    assertEquals(await program.code(), 1, program.output);
    assertEquals(program.stdout, [], program.output);
    assert(program.stderr.some((line) => expected.test(line)), program.output);
    assert(program.stderr.length <= 2, program.output);
    assertEquals(program.stderr.filter((line) => /^ +at /.test(line)), []);
  }
});
