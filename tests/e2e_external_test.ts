import { assertEquals, assertMatch } from "@std/assert";
import {
  createProject,
  finalOf,
  Program,
  type Project,
  REPOSITORY,
  runLocal,
  startCoordinator,
  startInstance,
  startProgram,
} from "./e2e.ts";
import { startTestServer } from "./test_server.ts";

const TICKS = 30;
const ENTITIES = 301;

/** Nothing in it is known to the repository. */
function createOrchard(): Promise<Project> {
  return createProject({
    "manifests/components.yaml": `
Apple: { height: f32, speed: f32, label: string }
Ripeness: { value: { type: f64, default: 0.25 } }
Orchard: { gravity: { type: f32, default: -9.81 } }
`,
    "manifests/worlds/orchard.yaml": `
world: orchard
entities:
  - components: { Orchard: {} }
  - count: 300
    components:
      Apple: { height: { uniform: [1, 3] }, label: green }
      Ripeness: {}
`,
    "manifests/ripen.yaml": `
system: ripen
query: { write: [Ripeness, Apple.label] }
on_miss: hold
`,
    "manifests/fall.yaml": `
system: fall
script: ../systems/falling/fall.ts
query: { read: [Ripeness], write: [Apple.height, Apple.speed] }
broadcast:
  orchard: { read: [Orchard] }
after: [ripen]
on_miss: hold
instances: 2
`,
    "systems/ripen.ts": `
import { defineSystem } from "orrery";
import { Apple, Ripeness } from "../manifests/components.ts";

export default defineSystem(import.meta, ({ rows, dt }) => {
  const { value } = rows.write(Ripeness);
  const { label } = rows.write(Apple);
  for (let row = 0; row < rows.count; row++) {
    value[row] += dt;
    if (value[row] > 0.5) label[row] = "red";
  }
});
`,
    "systems/falling/fall.ts": `
import { defineSystem } from "orrery";
import { Apple, Orchard, Ripeness } from "../../manifests/components.ts";

export default defineSystem(import.meta, ({ rows, dt, broadcast }) => {
  const { gravity } = broadcast.orchard.read(Orchard);
  const { value } = rows.read(Ripeness);
  const { height, speed } = rows.write(Apple);
  for (let row = 0; row < rows.count; row++) {
    if (value[row] <= 0.5) continue;
    speed[row] += gravity[0] * dt;
    height[row] = Math.max(0, height[row] + speed[row] * dt);
  }
});
`,
  });
}

Deno.test("a project outside of the repository runs as a demo with --manifests", async () => {
  await using project = await createOrchard();
  const flags = ["--manifests", "manifests", "--max-speed", "--ticks", `${TICKS}`, "--json"];
  const expected = await runLocal(project.manifests, TICKS);
  for (const more of [[], ["--local"]]) {
    await using demo = startProgram("demo", [...flags, ...more], { cwd: project.path });
    const { ticks, entities, hash } = await finalOf(demo);
    assertEquals({ ticks, entities, hash }, expected);
    assertEquals(entities, ENTITIES);
  }
});

Deno.test("a project outside of the repository runs by hand, its scripts as programs too", async () => {
  await using project = await createOrchard();
  await using server = await startTestServer();
  const meeting = { project, url: server.url, prefix: "orchard.north" };
  await using coord = startCoordinator(meeting, ["--max-speed", "--ticks", `${TICKS}`]);
  await using _system = startInstance(meeting, "ripen");
  // A script looks for its manifests beside its folder, and this one is a folder further down.
  const script = ["run", "-A", "-q", "--config", `${REPOSITORY}deno.json`];
  const flags = ["--nats", server.url, "--prefix", meeting.prefix];
  await using fall = new Program(Deno.execPath(), [
    ...script,
    `${project.path}/systems/falling/fall.ts`,
    ...flags,
    "--manifests",
    project.manifests,
  ]);
  await using ripen = new Program(Deno.execPath(), [
    ...script,
    `${project.path}/systems/ripen.ts`,
    ...flags,
  ]);
  assertMatch(await fall.line(/registered/), /^fall-\w+: registered .* as an instance of fall$/);
  assertEquals(await finalOf(coord), await runLocal(project.manifests, TICKS));
  await ripen.line(/^ripen-\w+: (registered|warning: waiting for a coordinator)/);
  for (const program of [fall, ripen]) {
    program.kill("SIGTERM");
    assertEquals(await program.code(), 0, program.output);
  }
});

Deno.test("a script that is run as a program lists its flags", async () => {
  await using project = await createOrchard();
  await using help = new Program(Deno.execPath(), [
    ...["run", "-A", "-q", "--config", `${REPOSITORY}deno.json`],
    ...[`${project.path}/systems/ripen.ts`, "--help"],
  ]);
  assertEquals(await help.code(), 0);
  assertMatch(help.stdout.join("\n"), /Usage: ripen\.ts[^]*--manifests <dir>[^]*--nats <url>/);
});

Deno.test("new writes a system into a project that runs as it is", async () => {
  await using project = await createOrchard();
  const flags = ["--manifests", project.manifests];
  await using made = startProgram("new", ["prune", ...flags]);
  assertEquals(await made.code(), 0, made.output);
  const rest = ["--local", "--max-speed", "--ticks", "3", "--json"];
  await using demo = startProgram("demo", [...flags, ...rest]);
  const { systems } = await finalOf<
    Awaited<ReturnType<typeof finalOf>> & { systems: Record<string, unknown> }
  >(demo);
  const { ticks, rows, errors } = systems.prune as Record<string, number>;
  assertEquals([ticks, rows, errors], [3, 900, 0]);
});
