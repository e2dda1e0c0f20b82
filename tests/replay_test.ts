import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Local } from "../coordinator/local.ts";
import { replayRange, summarizeWorld, type Verification } from "../coordinator/replay.ts";
import { Timeline } from "../coordinator/timeline.ts";
import { component } from "../lib/ecs/component.ts";
import { digestHex } from "../lib/ecs/digest.ts";
import { loadManifests } from "../lib/manifest/load.ts";
import type { SystemFunction } from "../lib/runtime/system.ts";
import { loadScript } from "../lib/runtime/load_script.ts";
import { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { UserError } from "../lib/user_error.ts";
import { createSubjects } from "../lib/wire/subjects.ts";
import { createProject, type Project, runLocal, withLocal } from "./e2e.ts";

const TICKS = 24;
const Fish = component("Fish", { at: "vec3", age: "u32" });
const Name = component("Name", { text: "string", notes: "any" });

/** Spawns, despawns, a broadcast set, a query of changes, strings, rows without a result. */
function createPond(): Promise<Project> {
  return createProject({
    "manifests/components.yaml": `
Fish: { at: vec3, age: u32 }
Name: { text: string, notes: any }
Still: {}
Current: { flow: vec3 }
`,
    "manifests/worlds/pond.yaml": `
world: pond
entities:
  - components: { Current: { flow: [1, 0, 0] } }
  - count: 40
    components: { Fish: { age: { uniform: [0, 9] } }, Name: {} }
  - count: 20
    components: { Fish: { age: 3 }, Still: {} }
`,
    "manifests/swim.yaml": `
system: swim
query: { read: [Entity], write: [Fish], without: [Still] }
broadcast:
  current: { read: [Current] }
on_miss: hold
`,
    "manifests/name.yaml": `
system: name
query: { write: [Name], changed: [Fish] }
after: [swim]
on_miss: hold
`,
    "manifests/rest.yaml": `
system: rest
query: { with: [Still], write: [Fish.age] }
on_miss: hold
`,
    "systems/swim.ts": `
import { defineSystem } from "orrery";
import { Current, Fish, Name } from "../manifests/components.ts";

export default defineSystem(import.meta, ({ rows, dt, broadcast, commands }) => {
  const { flow } = broadcast.current.read(Current);
  const { at, age } = rows.write(Fish);
  for (let row = 0; row < rows.count; row++) {
    for (let k = 0; k < 3; k++) at[3 * row + k] += flow[k] * dt;
    age[row]++;
    if (age[row] !== 12) continue;
    commands.despawn(rows.entities[row]);
    commands.spawn([Fish, { at: [0, 1, 0] }], [Name, { text: "fry" }]);
  }
});
`,
    "systems/name.ts": `
import { defineSystem } from "orrery";
import { Name } from "../manifests/components.ts";

export default defineSystem(import.meta, ({ rows, tick }) => {
  const { text, notes } = rows.write(Name);
  for (let row = 0; row < rows.count; row++) {
    text[row] = "since " + tick;
    notes[row] = { seen: [tick] };
  }
});
`,
    "systems/rest.ts": `
import { defineSystem } from "orrery";

export default defineSystem(import.meta, () => {});
`,
  });
}

async function timelineOf(local: Local) {
  const { bus, log } = local.connect("replay");
  const subjects = createSubjects();
  const { payloadBytesMax } = bus;
  const store = new SnapshotStore({ log, subjects, payloadBytesMax });
  const lines: string[] = [];
  const report = { info: () => {}, warn: (line: string) => void lines.push(line) };
  const timeline = await Timeline.open({ log, store, subjects, report });
  return { timeline, store, log, subjects, lines };
}

/** The project's systems, with other functions for some. */
async function systemsOf(
  { manifests: folder }: Project,
  others: Readonly<Record<string, SystemFunction>> = {},
): Promise<Verification> {
  const { schema, systems } = await loadManifests(folder);
  const loaded = systems.map(async (manifest) => {
    const run = others[manifest.name] ?? (await loadScript(manifest)).run;
    return [manifest.name, { manifest, run }] as const;
  });
  return { schema, systems: new Map(await Promise.all(loaded)) };
}

const onTick = () => {};

Deno.test("a replay gives the world of every tick that is retained", async () => {
  await using project = await createPond();
  const snapshots = { every: { ticks: 6 }, kept: 3 };
  await withLocal(project.manifests, { snapshots }, async ({ coordinator, local }) => {
    await coordinator.run(TICKS);
    const { timeline } = await timelineOf(local);
    assertEquals(timeline.ranges, [{ first: 12, last: 24 }]);
    for (const to of [12, 13, 17, 18, 24]) {
      const { replica } = await replayRange({ timeline, from: undefined, to, onTick });
      const { hash, entities } = await runLocal(project.manifests, to);
      const summary = summarizeWorld(replica);
      assertEquals([summary.tick, digestHex(summary.hash), summary.entities], [to, hash, entities]);
    }
    const { ticks } = await replayRange({ timeline, from: 15, to: 20, onTick });
    assertEquals(ticks.map(({ tick }) => tick), [15, 16, 17, 18, 19, 20]);
    const newest = await replayRange({ timeline, from: undefined, to: undefined, onTick });
    assertEquals(summarizeWorld(newest.replica).hash, coordinator.digest());
  });
});

Deno.test("a replay says what is retained when a tick is not", async () => {
  await using project = await createPond();
  const snapshots = { every: { ticks: 6 }, kept: 2 };
  await withLocal(project.manifests, { snapshots }, async ({ coordinator, local }) => {
    await coordinator.run(TICKS);
    const { timeline, store, log, subjects, lines } = await timelineOf(local);
    const go = (from: number | undefined, to: number) =>
      replayRange({ timeline, from, to, onTick });
    const retained = "what is retained is ticks 18 to 24";
    await assertRejects(() => go(undefined, 17), UserError, retained);
    await assertRejects(() => go(undefined, 25), UserError, retained);
    await assertRejects(() => go(3, 20), UserError, "Cannot go back to tick 3");
    await assertRejects(() => go(20, 19), UserError, "backwards");
    await log.purge(subjects.streams.snapshots, { filter: subjects.snapshot("t24", "*") });
    assertEquals(summarizeWorld((await go(undefined, 24)).replica).tick, 24);
    assert(lines[0].startsWith(`skipping snapshot "t24"`), lines[0]);
    await store.delete("t18");
    await store.delete("t24");
    const empty = () => Timeline.open({ log, store, subjects, report: { info() {}, warn() {} } });
    await assertRejects(empty, UserError, "it has no snapshots");
  });
});

Deno.test("verifying runs every shard again and finds that all is as it was logged", async () => {
  await using project = await createPond();
  await withLocal(project.manifests, {}, async ({ coordinator, local }) => {
    await coordinator.run(TICKS);
    const { timeline } = await timelineOf(local);
    const verify = await systemsOf(project);
    const options = { timeline, verify, to: undefined, onTick };
    const { mismatch, from, to, shards, replica } = await replayRange({
      ...options,
      from: undefined,
    });
    assertEquals([mismatch, from, to], [undefined, 1, TICKS]);
    assert(shards >= 3 * TICKS, `${shards}`);
    assertEquals(summarizeWorld(replica).hash, coordinator.digest());
    assertEquals((await replayRange({ ...options, from: 20 })).mismatch, undefined);
  });
});

Deno.test("verifying names the first tick, system, component and entity that differ", async () => {
  await using project = await createPond();
  await withLocal(project.manifests, {}, async ({ coordinator, local }) => {
    await coordinator.run(TICKS);
    const { timeline } = await timelineOf(local);
    const find = async (others: Readonly<Record<string, SystemFunction>>, from?: number) => {
      const verify = await systemsOf(project, others);
      return (await replayRange({ timeline, verify, from, to: undefined, onTick })).mismatch;
    };
    const { systems } = await systemsOf(project);
    const swim = systems.get("swim")?.run ?? (() => {});
    const stale = await find({
      swim: (context) => {
        swim(context);
        const place = Array.from(context.rows.entities).indexOf(7);
        if (context.tick === 5 && place >= 0) context.rows.write(Fish).at[3 * place + 1] += 0.5;
      },
    });
    assertEquals([stale?.tick, stale?.system], [5, "swim"]);
    const { component, field, entity, logged, rerun } = stale?.value ?? {};
    assertEquals([component, field, entity], ["Fish", "at", 7]);
    assertEquals((rerun as number[])[1] - (logged as number[])[1], 0.5);

    const named = await find({ name: ({ rows }) => void rows.write(Name).text.fill("?") }, 10);
    assertEquals([named?.tick, named?.system, named?.value?.field], [10, "name", "text"]);
    assertEquals([named?.value?.logged, named?.value?.rerun], ["since 10", "?"]);

    const mute = await find({
      swim: (context) => void swim({ ...context, commands: NO_COMMANDS }),
    });
    assertEquals(mute?.system, "swim");
    assert(mute?.what.startsWith("its command 0 of shard"), mute?.what);

    const restless = await find({ rest: ({ rows }) => void rows.write(Fish).age.fill(1) });
    assertEquals([restless?.tick, restless?.system], [1, "rest"]);
    const thrown = await find({
      rest: () => {
        throw new RangeError("too tired");
      },
    });
    assertEquals(thrown?.what, "its script throws: too tired");
  });
});

const NO_COMMANDS = new Proxy({}, { get: () => () => 0 }) as never;
