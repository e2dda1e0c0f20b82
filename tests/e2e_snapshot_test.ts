import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  createProject,
  finalOf,
  Onlooker,
  type Project,
  startCoordinator,
  startInstance,
  startProgram,
} from "./e2e.ts";
import { startTestServer } from "./test_server.ts";

const ENTITIES = 500;

function createField(): Promise<Project> {
  return createProject({
    "manifests/components.yaml": `
Count: { ticks: u32, label: string }
`,
    "manifests/worlds/field.yaml": `
world: field
entities:
  - count: ${ENTITIES}
    components: { Count: { label: plain } }
`,
    "manifests/count.yaml": `
system: count
query: { write: [Count.ticks] }
on_miss: hold
`,
    "systems/count.ts": `
import { defineSystem } from "orrery";
import { Count } from "../manifests/components.ts";

export default defineSystem(import.meta, ({ rows }) => {
  const { ticks } = rows.write(Count);
  for (let row = 0; row < rows.count; row++) ticks[row]++;
});
`,
  });
}

/** Runs `deno task snapshot` to its end. */
function snapshot(url: string, args: readonly string[]) {
  return runToEnd("snapshot", url, args);
}

async function runToEnd(task: "snapshot" | "replay", url: string, args: readonly string[]) {
  await using program = startProgram(task, [...args, "--nats", url]);
  const code = await program.code();
  const { stdout, stderr } = program;
  return { code, text: stdout.join("\n"), errors: stderr.join("\n"), stdout };
}

async function snapshotJson(url: string, args: readonly string[]) {
  const { code, text, errors } = await snapshot(url, [...args, "--json"]);
  assertEquals(code, 0, errors);
  return JSON.parse(text);
}

Deno.test("deno task snapshot saves, lists, compares, restores and moves a world that runs", async () => {
  await using project = await createField();
  await using server = await startTestServer();
  const { url } = server;
  const meeting = { project, url };
  const file = `${project.path}/world.orrery`;
  await using onlooker = await Onlooker.connect(meeting);
  const ticks = await onlooker.watch(onlooker.subjects.tick, "TickStart");
  await using coord = startCoordinator(meeting, ["--hz", "50", "--snapshot-every", "never"]);
  await using _instance = startInstance(meeting, "count");
  await ticks.first("tick 3", ({ tick_id }) => tick_id >= 3);

  const first = await snapshotJson(url, ["save", "--note", "early"]);
  assertEquals([first.kind, first.entities, first.note], ["manual", ENTITIES, "early"]);
  await ticks.first("later", ({ tick_id }) => tick_id >= first.tick + 5);
  await onlooker.control({ op: "pause" });
  const second = await snapshotJson(url, ["save"]);
  assert(second.tick > first.tick);

  const listed = await snapshot(url, ["list"]);
  assertMatch(listed.stdout[0], /^id +kind +tick +entities +size +taken +log +note$/);
  assertEquals(listed.stdout.length, 4, "initial, first, second");
  assertMatch(
    listed.text,
    new RegExp(`${first.id} +manual +${first.tick} +${ENTITIES} .* goes on +early`),
  );
  assertStringIncludes((await snapshot(url, ["show", first.id])).text, "ticks:u32 label:string");

  const difference = await snapshotJson(url, ["diff", first.id, second.id]);
  const [count] = difference.world.components;
  assertEquals([count.name, count.changed], ["Count", ENTITIES]);
  assertEquals(count.examples[0].field, "ticks");

  assertEquals((await snapshot(url, ["export", first.id, file])).code, 0);
  const same = await snapshot(url, ["diff", first.id, file]);
  assertEquals(same.text, "There is no difference.");
  const imported = await snapshotJson(url, ["import", file]);
  assertEquals([imported.id, imported.kind], [`${first.id}-2`, "imported"]);

  const restored = await snapshotJson(url, ["restore", imported.id]);
  assertEquals(restored.tick, second.tick + 1);
  const after = await snapshotJson(url, ["save"]);
  assertEquals((await snapshot(url, ["diff", file, after.id])).text, "There is no difference.");
  await onlooker.control({ op: "resume" });
  await ticks.first("on", ({ tick_id }) => tick_id >= restored.tick + 3);

  assertEquals((await snapshot(url, ["delete", imported.id])).code, 0);
  const gone = await snapshot(url, ["show", imported.id]);
  assertEquals(gone.code, 1);
  assertStringIncludes(gone.errors, `Cannot find snapshot "${imported.id}"`);
  coord.kill("SIGINT");
  await finalOf(coord);
});

Deno.test("deno task snapshot needs no coordinator for what is stored, and says when it needs one", async () => {
  await using project = await createField();
  await using server = await startTestServer();
  const { url } = server;
  const file = `${project.path}/world.orrery`;
  const nothing = await snapshot(url, ["list"]);
  assertEquals(nothing.code, 1);
  assertStringIncludes(nothing.errors, `no coordinator has run a world there`);

  const meeting = { project, url };
  await using coord = startCoordinator(meeting, ["--ticks", "12", "--snapshot-every", "10"]);
  await using _instance = startInstance(meeting, "count");
  await finalOf(coord);
  const { snapshots } = await snapshotJson(url, ["list"]);
  assertEquals(snapshots.map(({ id }: { id: string }) => id), ["initial-1", "t10"]);
  const alone = await snapshot(url, ["save"]);
  assertEquals(alone.code, 1);
  assertStringIncludes(alone.errors, "Cannot snapshot: no coordinator runs under the prefix");

  assertEquals((await snapshot(url, ["delete", "initial-1"])).code, 0);
  const kept = await snapshot(url, ["delete", "t10"]);
  assertEquals(kept.code, 1);
  assertStringIncludes(kept.errors, "--force");

  assertEquals((await snapshot(url, ["export", "t10", file])).code, 0);
  const bytes = await Deno.readFile(file);
  await Deno.writeFile(file, bytes.slice(0, -1));
  const cut = await snapshot(url, ["import", file]);
  assertEquals(cut.code, 1);
  assertStringIncludes(
    cut.errors,
    `it ends at byte ${bytes.length - 1} instead of ${bytes.length}`,
  );
  await Deno.writeFile(file, bytes);

  const twice = await snapshot(url, ["import", file, "--begin"]);
  assertEquals(twice.code, 1);
  assertStringIncludes(twice.errors, "there is one already");
  const begun = await snapshotJson(url, ["import", file, "--begin", "--prefix", "copy"]);
  assertEquals([begun.id, begun.kind, begun.tick], ["t10", "fork", 10]);
  const copy = { ...meeting, prefix: "copy" };
  await using other = startCoordinator(copy, ["--ticks", "12"]);
  await using _other = startInstance(copy, "count");
  const final = await finalOf(other);
  assertEquals(final.ticks, 12);
  assertEquals(final.hash, (await finalOf(coord)).hash);
});

Deno.test("deno task replay goes back in a log, verifies it, and begins another world from there", async () => {
  await using project = await createField();
  await using server = await startTestServer();
  const { url } = server;
  const file = `${project.path}/past.orrery`;
  const replay = (args: readonly string[]) => runToEnd("replay", url, args);
  const nothing = await replay([]);
  assertEquals(nothing.code, 1);
  assertMatch(nothing.errors, /stream not found$/);

  const meeting = { project, url };
  await using coord = startCoordinator(meeting, ["--ticks", "20"]);
  await using instance = startInstance(meeting, "count");
  const { hash } = await finalOf(coord);
  instance.kill("SIGTERM");

  const past = await replay(["--from", "7", "--to", "9"]);
  assertEquals(past.code, 0, past.errors);
  assertMatch(past.text, /^tick +entities +digest\n +7 +500 +[0-9a-f]{16}\n/);
  assertMatch(past.text, /^tick +9\nentities +500, the next is 501\nhash +[0-9a-f]{16}$/m);
  const future = await replay(["--to", "21"]);
  assertEquals([future.code, future.text], [1, ""]);
  assertStringIncludes(future.errors, "what is retained is ticks 0 to 20");

  const { manifests } = project;
  const verified = await replay(["--verify", "--manifests", manifests]);
  assertEquals(verified.code, 0, verified.errors);
  assertMatch(verified.text, /ticks 1 to 20 are as they were logged; \d+ shards were run again$/);
  assertStringIncludes(verified.text, hash);
  const script = `${project.path}/systems/count.ts`;
  const text = await Deno.readTextFile(script);
  await Deno.writeTextFile(script, text.replace("ticks[row]++", "ticks[row] += row === 3 ? 2 : 1"));
  const differing = await replay(["--verify", "--from", "11", "--manifests", manifests]);
  assertEquals(differing.code, 1);
  assertMatch(
    differing.text,
    /^tick 11, count: Count\.ticks of entity 4 is another\n +logged +11\n +run again +12$/,
  );
  await Deno.writeTextFile(script, text);

  const forked = await replay(["--to", "12", "--fork", "what_if", "--export", file]);
  assertEquals(forked.code, 0, forked.errors);
  assertStringIncludes(forked.text, "begun what_if with t12: 500 entities at tick 12");
  const same = await snapshot(url, ["diff", "t12", file, "--prefix", "what_if"]);
  assertEquals(same.text, "There is no difference.");
  const other = { ...meeting, prefix: "what_if" };
  await using branch = startCoordinator(other, ["--ticks", "20"]);
  await using _ = startInstance(other, "count");
  assertEquals((await finalOf(branch)).hash, hash);
});
