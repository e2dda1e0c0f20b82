import { assert, assertEquals, assertMatch } from "@std/assert";
import { decodeEntities } from "../lib/ecs/column_bytes.ts";
import { digestHex } from "../lib/ecs/digest.ts";
import type { Manifests } from "../lib/manifest/manifest.ts";
import { decodeMessage } from "../lib/wire/codec.ts";
import type { MessageOf, MessageType } from "../lib/wire/messages.ts";
import { requestMessage } from "../lib/wire/request.ts";
import { createSubjects } from "../lib/wire/subjects.ts";
import { createProject, type LocalWorld, type Project, runLocal, upTo, withLocal } from "./e2e.ts";

const TICKS = 12;
const TIMEOUT_MS = 10_000;
const ENTITIES = 1600;
const subjects = createSubjects();

/** With instances that change who gets which rows: one, or several with smaller shards. */
function withInstances(instances: number): (manifests: Manifests) => Manifests {
  return (manifests) => ({
    ...manifests,
    systems: manifests.systems.map((system) => ({ ...system, instances })),
  });
}

/** Cells that divide, marry, change their kind and die, all by commands. */
function createColony(): Promise<Project> {
  return createProject({
    "manifests/components.yaml": `
Cell: { age: u32, limit: u32 }
Parent: { of: entity }
Old: { since: u32 }
`,
    "manifests/worlds/colony.yaml": `
world: colony
seed: 3
entities:
  - count: ${ENTITIES}
    components: { Cell: { limit: { uniform: [3, 40] } } }
`,
    "manifests/live.yaml": `
system: live
query: { read: [Entity], write: [Cell], optional: [Old] }
on_miss: hold
`,
    "systems/live.ts": `
import { defineSystem } from "orrery";
import { Cell, Old, Parent } from "../manifests/components.ts";

export default defineSystem(import.meta, ({ rows, tick, commands }) => {
  const { age, limit } = rows.write(Cell);
  const isOld = rows.optional(Old) !== undefined;
  for (let row = 0; row < rows.count; row++) {
    const entity = rows.entities[row];
    age[row]++;
    if (age[row] > limit[row]) {
      commands.despawn(entity);
    } else if (age[row] === 5 && entity % 3 === 0) {
      const child = commands.spawn([Cell, { limit: 7 }]);
      commands.add(child, Parent, { of: entity });
      const grandchild = commands.spawn([Cell, { limit: 2 }], [Parent, { of: child }]);
      commands.set(grandchild, Cell, { age: 1 });
    } else if (!isOld && age[row] === 4) {
      commands.add(entity, Old, { since: tick });
    } else if (isOld && age[row] === 8) {
      commands.remove(entity, Old);
    }
  }
});
`,
  });
}

Deno.test("commands give the same world however the rows are sharded, whoever gets them", async () => {
  await using project = await createColony();
  const run = (seed: number, instances: number) =>
    runLocal(project.manifests, TICKS, { seed, change: withInstances(instances) });
  const expected = await run(1, 1);
  assert(expected.entities !== ENTITIES);
  for (const [seed, instances] of [[2, 1], [1, 2], [3, 4], [4, 4], [5, 7]]) {
    assertEquals(await run(seed, instances), expected, `seed ${seed}, ${instances} instances`);
  }
});

Deno.test("references of commands stand for the entities that were spawned", async () => {
  await using project = await createColony();
  await withLocal(project.manifests, { change: withInstances(3) }, async (world) => {
    await world.coordinator.run(6);
    assertEquals(world.warnings, []);
    const children = await rowsOf(world, { read: ["Entity", "Parent", "Cell.age"] });
    const parents = new Map(children.map(({ entity, values }) => [entity, Number(values[0])]));
    assert(parents.size > 200);
    const grandchildren = [...parents].filter(([, parent]) => parents.has(parent));
    assertEquals(grandchildren.length, parents.size / 2);
    for (const [grandchild, child] of grandchildren) assertEquals(grandchild, child + 1);
    for (const [, parent] of parents) assert(parent > 0 && parent < ENTITIES + parents.size + 1);
  });
});

/** What `touch` changes in a tick, `watch` is to see in the next one, and nothing else. */
function createChanges(): Promise<Project> {
  return createProject({
    "manifests/components.yaml": `
Number: { value: u32 }
Touched: { value: u32 }
Seen: { ticks: u32, last: u32 }
Sky: { color: u32 }
`,
    "manifests/worlds/changes.yaml": `
world: changes
entities:
  - count: 700
    components: { Number: { value: { uniform: [0, 1000] } }, Touched: {}, Seen: {} }
  - components: { Sky: { color: 7 } }
`,
    "manifests/touch.yaml": `
system: touch
query: { read: [Entity], write: [Touched] }
before: [watch]
on_miss: hold
`,
    "manifests/watch.yaml": `
system: watch
query: { read: [Touched], write: [Seen], changed: [Touched] }
broadcast:
  sky: { read: [Sky] }
on_miss: hold
`,
    // Writes all rows, but changes those of one remainder alone.
    "systems/touch.ts": `
import { defineSystem } from "orrery";
import { Touched } from "../manifests/components.ts";

export default defineSystem(import.meta, ({ rows, tick }) => {
  const { value } = rows.write(Touched);
  for (let row = 0; row < rows.count; row++) {
    if (tick > 1 && rows.entities[row] % 10 === tick % 10) value[row] = tick;
  }
});
`,
    "systems/watch.ts": `
import { defineSystem } from "orrery";
import { Seen, Touched } from "../manifests/components.ts";

export default defineSystem(import.meta, ({ rows, tick }) => {
  const { value } = rows.read(Touched);
  const { ticks, last } = rows.write(Seen);
  for (let row = 0; row < rows.count; row++) {
    if (tick > 1 && value[row] !== tick) throw new Error("row " + row + " has not changed");
    ticks[row]++;
    last[row] = tick;
  }
});
`,
  });
}

Deno.test("a changed query sees exactly the rows that changed since the system ran last", async () => {
  await using project = await createChanges();
  await withLocal(project.manifests, { change: withInstances(2) }, async (world) => {
    await world.coordinator.run(9);
    assertEquals(world.warnings, []);
    const rows = await rowsOf(world, { read: ["Entity", "Seen"] });
    assertEquals(rows.length, 700);
    for (const { entity, values: [ticks, last] } of rows) {
      const remainder = entity % 10;
      const touched = remainder >= 2;
      // In the first tick everything is new.
      assertEquals([ticks, last], touched ? [2, remainder] : [1, 1], `entity ${entity}`);
    }
  });
});

Deno.test("a broadcast set is sent once for as long as nothing in it changes", async () => {
  await using project = await createChanges();
  await withLocal(project.manifests, {}, async (world) => {
    const { bus } = world.local.connect("test");
    const versions: number[] = [];
    bus.subscribe(subjects.componentSet("watch"), (message) => {
      versions.push(decodeMessage("ComponentSet", message).version);
    });
    await ask(world, subjects.control, { op: "pause" }, "Control", "ControlReply");
    const running = world.coordinator.run();
    await stepTo(world, 5);
    assertEquals(versions, [1]);
    await change(world, [{ op: "set", entity: 701, component: "Sky", value: { color: 8 } }], 6);
    await stepTo(world, 9);
    assertEquals(versions, [1, 6]);
    world.coordinator.stop();
    await running;
  });
});

Deno.test("control pauses, steps, paces and resumes the ticks", async () => {
  await using project = await createChanges();
  await withLocal(project.manifests, {}, async (world) => {
    const control = (value: MessageOf<"Control">) =>
      ask(world, subjects.control, value, "Control", "ControlReply");
    assertEquals((await control({ op: "pause" })).running, false);
    const running = world.coordinator.run(40);
    await stepTo(world, 3);
    const status = await control({ op: "status" });
    assertEquals([status.tick_id, status.running, status.entities], [3, false, 701]);
    assertEquals(status.systems.touch.instances, 1);
    assertEquals((await control({ op: "rate", hz: 1000 })).hz, 1000);
    assertEquals((await control({ op: "resume" })).running, true);
    await running;
    assertEquals(world.coordinator.tickNumber, 40);
  });
});

Deno.test("entity.command is answered with the tick once that is in the log", async () => {
  await using project = await createChanges();
  await withLocal(project.manifests, {}, async (world) => {
    const { bus, log } = world.local.connect("test");
    const created: number[] = [];
    bus.subscribe(subjects.entityCreate, (message) => {
      created.push(decodeMessage("EntityCreated", message).entity);
    });
    await ask(world, subjects.control, { op: "pause" }, "Control", "ControlReply");
    const running = world.coordinator.run();
    await stepTo(world, 2);
    const spawn = (value: number) => ({
      op: "spawn" as const,
      components: { Number: { value } },
    });
    const request = ask(
      world,
      subjects.entityCommand,
      {
        commands: [
          spawn(1),
          { op: "despawn", entity: 9_999 },
          { op: "add", entity: -1, component: "Sky", value: {} },
          { op: "despawn", entity: 1 },
        ],
      },
      "EntityCommand",
      "EntityCommandReply",
    );
    let isStored = false;
    bus.subscribe(subjects.commit, () => isStored = true);
    await stepTo(world, 3);
    const { tick_id, spawned, refused } = await request;
    assert(isStored);
    const { lastSequence } = await log.info(subjects.streams.components);
    assert(lastSequence > 0);
    assertEquals([tick_id, spawned], [3, [702]]);
    assertEquals(refused.map(({ index }) => index), [1]);
    assertEquals(created, [702]);
    assertEquals(world.coordinator.entityCount, 701);
    world.coordinator.stop({ abandon: true });
    await running;
  });
});

Deno.test("query.request pages through all rows, each once", async () => {
  await using project = await createChanges();
  await withLocal(project.manifests, {}, async (world) => {
    const rows = await rowsOf(world, { read: ["Entity", "Number"], without: ["Sky"] }, 64);
    assertEquals(rows.map(({ entity }) => entity), upTo(700));
  });
});

Deno.test("query.watch pushes all rows first, and then those that a tick changed", async () => {
  await using project = await createChanges();
  await withLocal(project.manifests, {}, async (world) => {
    const { bus } = world.local.connect("test");
    const pushed = new Map<number, number[]>();
    bus.subscribe("watcher", (message) => {
      const { tick_id, chunks } = decodeMessage("QueryDelta", message);
      const entities = chunks.flatMap(({ entities }) =>
        entities ? [...decodeEntities(entities)] : []
      );
      pushed.set(tick_id, [...pushed.get(tick_id) ?? [], ...entities]);
    });
    const query = { read: ["Entity", "Touched"] };
    const value = { query, deliver: "watcher", lease_ms: TIMEOUT_MS };
    await ask(world, subjects.queryWatch, value, "QueryWatch", "QueryWatchReply");
    await world.coordinator.run(4);
    await bus.flush();
    // Whether or not the first tick has begun when the watch comes.
    assertEquals([...new Set([...pushed.get(0) ?? [], ...pushed.get(1) ?? []])], upTo(700));
    for (const tick of [2, 3, 4]) {
      assertEquals(pushed.get(tick), upTo(700).filter((entity) => entity % 10 === tick));
    }
  });
});

Deno.test("Local reports what a script throws, and the ticks go on", async () => {
  await using project = await createChanges();
  const script = `
import { defineSystem } from "orrery";
export default defineSystem(import.meta, ({ tick }) => {
  if (tick === 2) throw new Error("on purpose");
});
`;
  await Deno.writeTextFile(`${project.path}/systems/touch.ts`, script);
  await withLocal(project.manifests, {}, async ({ coordinator, warnings }) => {
    await coordinator.run(4);
    assertEquals(coordinator.tickNumber, 4);
    assertEquals(coordinator.stats.system("touch").errors, 2, "one for each of its shards");
    assertMatch(warnings.join("\n"), /on purpose\n +at .*touch\.ts:4/);
    assertMatch(digestHex(coordinator.digest()), /^[0-9a-f]{16}$/);
  });
});

/** Sends a request as any client would. */
async function ask<T extends MessageType, R extends MessageType>(
  { local }: LocalWorld,
  subject: string,
  value: MessageOf<T>,
  type: T,
  replyType: R,
): Promise<MessageOf<R>> {
  const { bus } = local.connect("client");
  return await requestMessage(bus, subject, { type, value, replyType, timeoutMs: TIMEOUT_MS });
}

/** Pauses, and lets ticks through up to the given one. */
async function stepTo(world: LocalWorld, tick: number): Promise<void> {
  const { bus } = world.local.connect("stepper");
  const reached = Promise.withResolvers<void>();
  bus.subscribe(subjects.commit, (message) => {
    if (decodeMessage("TickCommit", message).tick_id === tick) reached.resolve();
  });
  const { tick_id } = await ask(
    world,
    subjects.control,
    { op: "pause" },
    "Control",
    "ControlReply",
  );
  const ticks = tick - tick_id;
  await ask(world, subjects.control, { op: "step", ticks }, "Control", "ControlReply");
  await reached.promise;
  await bus.flush();
}

/** Queues commands and lets the tick that applies them through. */
async function change(
  world: LocalWorld,
  commands: MessageOf<"EntityCommand">["commands"],
  tick: number,
): Promise<void> {
  const value = { commands };
  const reply = ask(world, subjects.entityCommand, value, "EntityCommand", "EntityCommandReply");
  await stepTo(world, tick);
  assertEquals((await reply).refused, []);
}

interface Row {
  readonly entity: number;
  /** The u32 and entity fields of the row, in the order of the columns' names. */
  readonly values: readonly number[];
}

/** All rows of a query whose columns are u32 or entity, page by page, by entity. */
async function rowsOf(
  world: LocalWorld,
  query: MessageOf<"QueryRequest">["query"],
  limit = 1000,
): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: string | undefined;
  do {
    const value = { query, limit, ...(cursor !== undefined && { cursor }) };
    const page = await ask(world, subjects.queryRequest, value, "QueryRequest", "QueryResponse");
    for (const { entities, columns, count } of page.chunks) {
      assert(entities && count <= limit);
      const numbers = Object.keys(columns).map((key) => numbersOf(columns[key], count));
      decodeEntities(entities).forEach((entity, row) => {
        rows.push({ entity, values: numbers.map((column) => column[row]) });
      });
    }
    cursor = page.next;
  } while (cursor !== undefined);
  return rows.toSorted((a, b) => a.entity - b.entity);
}

function numbersOf(column: unknown, count: number): number[] {
  assert(column instanceof Uint8Array);
  const view = new DataView(column.buffer, column.byteOffset, column.byteLength);
  const bytes = column.byteLength / count;
  return Array.from(
    { length: count },
    (_, row) =>
      bytes === 8 ? Number(view.getBigUint64(8 * row, true)) : view.getUint32(4 * row, true),
  );
}
