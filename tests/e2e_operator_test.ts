import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  createProject,
  finalOf,
  Onlooker,
  type Program,
  type Project,
  startCoordinator,
  startInstance,
  startProgram,
} from "./e2e.ts";
import { startTestServer } from "./test_server.ts";

const ENTITIES = 50;

function createField(): Promise<Project> {
  return createProject({
    "manifests/components.yaml": `
Position: { value: vec3 }
Count: { ticks: u32, label: string }
Still: {}
`,
    "manifests/worlds/field.yaml": `
world: field
entities:
  - count: ${ENTITIES}
    components: { Count: { label: plain }, Position: {} }
`,
    "manifests/count.yaml": `
system: count
query: { write: [Count.ticks], without: [Still] }
on_miss: hold
`,
    "systems/count.ts": `
import { defineSystem } from "orrery";
import { Count } from "../manifests/components.ts";

export default defineSystem(import.meta, ({ rows, tick }) => {
  const { ticks } = rows.write(Count);
  for (let row = 0; row < rows.count; row++) ticks[row]++;
  if (tick === 3) throw new Error("on purpose");
});
`,
  });
}

type Tool = "query" | "spawn" | "set" | "despawn" | "ctl" | "top";

/** A world that runs, and the operator's programs run to their end. */
class Scene implements AsyncDisposable {
  readonly url: string;
  readonly onlooker: Onlooker;
  readonly coord: Program;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    stack: AsyncDisposableStack,
    { url, onlooker, coord }: { url: string; onlooker: Onlooker; coord: Program },
  ) {
    this.#stack = stack;
    this.url = url;
    this.onlooker = onlooker;
    this.coord = coord;
  }

  static async create(): Promise<Scene> {
    await using stack = new AsyncDisposableStack();
    const project = stack.use(await createField());
    const { url } = stack.use(await startTestServer());
    const meeting = { project, url };
    const onlooker = stack.use(await Onlooker.connect(meeting));
    const ticks = await onlooker.watch(onlooker.subjects.tick, "TickStart");
    const coord = stack.use(startCoordinator(meeting, ["--hz", "50", "--snapshot-every", "never"]));
    stack.use(startInstance(meeting, "count"));
    await ticks.first("tick 5", ({ tick_id }) => tick_id >= 5);
    return new Scene(stack.move(), { url, onlooker, coord });
  }

  start(tool: Tool, args: readonly string[]): Program {
    return startProgram(tool, [...args, "--nats", this.url]);
  }

  async run(tool: Tool, args: readonly string[]) {
    await using program = this.start(tool, args);
    const code = await program.code();
    const { stdout, stderr } = program;
    return { code, stdout, text: stdout.join("\n"), errors: stderr.join("\n") };
  }

  async json(tool: Tool, args: readonly string[]) {
    const { code, text, errors } = await this.run(tool, [...args, "--json"]);
    assertEquals(code, 0, errors);
    return JSON.parse(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

Deno.test("deno task query and ctl look into a world that runs, and steer it", async () => {
  await using scene = await Scene.create();
  const paused = await scene.json("ctl", ["pause"]);
  assertEquals([paused.running, paused.entities], [false, ENTITIES]);
  const found = await scene.json("query", ["Count where Entity <= 3 sort by Entity desc"]);
  assertEquals(found.rows.map(({ entity }: { entity: number }) => entity), [3, 2, 1]);
  const { ticks } = found.rows[0].components.Count;
  const { tick } = found;
  assertEquals(found.more, false);
  assert(ticks > 0);

  const table = await scene.run("query", ["Count where Entity <= 2", "--table"]);
  assertEquals(table.stdout, [
    "entity  Count.label  Count.ticks",
    `     1  "plain"      ${ticks}`,
    `     2  "plain"      ${ticks}`,
  ]);
  const limited = await scene.json("query", ["Entity limit 7"]);
  assertEquals([limited.rows.length, limited.more], [7, true]);
  assertEquals((await scene.run("query", ['* where Count.label = "x"'])).text, "No row matches.");

  const queued = await scene.json("spawn", ["Still", "Count.label=late"]);
  assertEquals(queued, { queued: true });
  const stepped = await scene.run("ctl", ["step", "2"]);
  assertMatch(stepped.text, /^tick \d+, .*\nsystem +instances +load/);
  const ends = await scene.onlooker.watch(scene.onlooker.subjects.tick, "TickStart");
  await scene.run("ctl", ["resume"]);
  await ends.first("a tick", ({ tick_id }) => tick_id > tick + 3);
  const late = await scene.json("query", ['+Still where Count.label = "late"']);
  assertEquals(late.rows, [{ entity: ENTITIES + 1, components: {} }]);
});

Deno.test("deno task spawn, set, despawn and top change a world that runs, and show how it fares", async () => {
  await using scene = await Scene.create();
  const spawned = await scene.json("spawn", [
    "Position.value=1,-2.5,3",
    'Count={"ticks":7}',
    "Still",
    "--count",
    "3",
  ]);
  assertEquals(spawned.entities, [51, 52, 53]);
  assertEquals((await scene.json("query", ["Position, Count where Entity = 52"])).rows, [{
    entity: 52,
    components: { Position: { value: [1, -2.5, 3] }, Count: { ticks: 7, label: "" } },
  }]);
  assertMatch(
    (await scene.run("set", ["52", "Count.label=a b"])).text,
    /^set entity 52 in tick \d+$/,
  );
  const { tick: changedIn } = await scene.json("set", [
    "53",
    "Still",
    "--add",
    "--remove",
    "Position",
  ]);
  assert(changedIn > spawned.tick);
  const changed = await scene.json("query", ["* where Entity > 51 sort by Entity"]);
  assertEquals(changed.rows.map(({ components }: { components: object }) => components), [
    { Position: { value: [1, -2.5, 3] }, Count: { ticks: 7, label: "a b" }, Still: {} },
    { Count: { ticks: 7, label: "" }, Still: {} },
  ]);
  assertMatch((await scene.run("despawn", ["51"])).text, /^despawned 1 entity in tick \d+$/);
  const gone = await scene.json("despawn", ["--query", "Count, +Still where Entity > 51"]);
  assertEquals(gone.despawned, 2);
  assertEquals(await scene.json("despawn", ["--query", "+Still"]), { despawned: 0 });

  const rated = await scene.json("ctl", ["rate", "200"]);
  assertEquals(rated.hz, 200);
  const looks = await scene.run("top", ["--count", "2", "--every", "0.3", "--json"]);
  assertEquals(looks.code, 0, looks.errors);
  const [, second] = looks.stdout.map((line) => JSON.parse(line));
  assertEquals([second.hz, second.entities, second.running], [200, ENTITIES, true]);
  assert(second.ticks_per_s > 1, JSON.stringify(second));
  const [count] = second.systems;
  assertEquals([count.system, count.instances, count.errors > 0], ["count", 1, true]);
  assertEquals(count.last_error, "Error: on purpose");
  assert(count.bytes_sent_per_s > 0 && count.rows_per_s > 0 && count.ms_per_tick > 0);
  const plain = await scene.run("top", ["--count", "1", "--every", "0.1"]);
  assertMatch(plain.stdout[1], /^system +share of the tick +ms +compute +inst +load/);
  assertMatch(plain.stdout[2], /^count +[#.]{20} \d+ % +\d/);
  assertEquals(plain.text.includes("\x1b"), false);

  scene.coord.kill("SIGINT");
  await finalOf(scene.coord);
});

Deno.test("deno task query --watch tells what changes, and ends at Ctrl-C", async () => {
  await using scene = await Scene.create();
  await scene.onlooker.control({ op: "pause" });
  const query = "Count.label where Entity > 49";
  await using lines = scene.start("query", [query, "--watch", "--every", "0.01"]);
  await lines.line(/^\+ 50 Count.label="plain"$/);
  await using objects = scene.start("query", [query, "--watch", "--json", "--every", "0.01"]);
  await objects.line(/"reset":true,"changed":\[\{"entity":50,/);
  await using table = scene.start("query", [`${query} sort by Entity`, "--watch", "--table"]);
  await table.line(/^tick \d+, 1 row$/);

  await scene.onlooker.control({ op: "resume" });
  const spawned = await scene.json("spawn", ["Count.label=new"]);
  assertEquals(spawned.entities, [51]);
  await lines.line(/^\+ 51 Count.label="new"$/);
  await objects.line(
    /"changed":\[.*\{"entity":51,"components":\{"Count":\{"label":"new"\}\}\}\],"gone":\[\]/,
  );
  await table.line(/^ +51 +"new"$/);
  await scene.run("set", ["51", "Count.label=other"]);
  await lines.line(/^\+ 51 Count.label="other"$/);
  await scene.run("despawn", ["51"]);
  await lines.line(/^- 51$/);
  await objects.line(/"gone":\[51\]/);

  for (const program of [lines, objects, table]) {
    program.kill("SIGINT");
    assertEquals(await program.code(), 0, program.output);
    assertEquals(program.stderr, []);
  }
});

Deno.test("the operator's programs say what is wrong, and what to do", async () => {
  await using server = await startTestServer();
  const run = async (tool: Tool, args: readonly string[]) => {
    await using program = startProgram(tool, args);
    const code = await program.code();
    return { code, text: program.stdout.join("\n"), errors: program.stderr.join("\n") };
  };
  const here = ["--nats", server.url];
  const refused = async (tool: Tool, args: readonly string[], reason: RegExp) => {
    const { code, errors, text } = await run(tool, [...args, ...here]);
    assertEquals([code, text], [1, ""], errors);
    assertMatch(errors, reason);
    assert(!/^ +at /m.test(errors), errors);
  };
  const nobody = /none runs under the prefix "engine"; start one with `deno task coord`/;
  await refused("query", ["Count"], nobody);
  await refused("ctl", ["status"], nobody);
  await refused("top", ["--count", "1"], nobody);
  await refused("spawn", ["Count"], nobody);
  await refused("query", ["Count were"], /column 7: expected ",", "where".* did you mean "where"/);
  await refused("ctl", ["stop"], /unknown command 'stop'/);
  await refused("ctl", ["rate", "0"], /It takes a number above 0/);
  await refused(
    "set",
    ["x", "Count.ticks=1"],
    /Cannot find entity "x": entities are numbers from 1/,
  );
  await refused("top", ["--prefix", "a b"], /Cannot use the prefix "a b"/);
  const elsewhere = await run("query", ["Count", "--nats", "nats://127.0.0.1:1"]);
  assertEquals(elsewhere.code, 1);
  assertMatch(elsewhere.errors, /Cannot connect|no NATS server/i);
});

Deno.test("the operator's programs refuse what the world has no place for", async () => {
  await using scene = await Scene.create();
  const refused = async (tool: Tool, args: readonly string[], reason: string) => {
    const { code, errors, text } = await scene.run(tool, args);
    assertEquals([code, text], [1, ""], errors);
    assertStringIncludes(errors, reason);
  };
  await refused("query", ["Cout"], 'column 1: unknown component "Cout", did you mean "Count"?');
  await refused(
    "query",
    ["Count where Count.tick > 1"],
    'has no field "tick", did you mean "ticks"?',
  );
  await refused("spawn", ["Count.ticks=-1"], 'Cannot take "Count.ticks=-1"');
  await refused("spawn", ['Count={"tick":1}'], 'has no field "tick"');
  await refused("set", ["1"], "say what, such as Mass.value=3");
  await refused("set", ["1", "Still"], "it has none");
  await refused("set", ["999", "Count.ticks=1"], "it is not alive");
  await refused("set", ["1", "--remove", "Stil"], 'unknown component, did you mean "Still"?');
  await refused("despawn", [], "say which entities, or pass --query");
  await refused("despawn", ["999"], "it is not alive");
});
