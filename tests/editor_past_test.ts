import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import type { Local } from "../coordinator/local.ts";
import { PastService } from "../editor/server/past_service.ts";
import { type Bus, NoRespondersError } from "../lib/bus/bus.ts";
import { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { RefusedError, requestMessage } from "../lib/wire/request.ts";
import { createSubjects } from "../lib/wire/subjects.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";
import { createProject, withLocal } from "./e2e.ts";

const TICKS = 4;
const VIEWS_MAX = 4;
const TIMEOUT_MS = 20_000;
const PROJECT = {
  "manifests/components.yaml": "Clock: { ticks: u32 }",
  "manifests/worlds/tower.yaml": "world: tower\nentities: [{ components: { Clock: {} } }]",
  "manifests/strike.yaml": "system: strike\nquery: { write: [Clock] }\non_miss: hold",
  "systems/strike.ts": `
import { defineSystem } from "orrery";
import { Clock } from "../manifests/components.ts";

export default defineSystem(import.meta, ({ rows }) => {
  rows.write(Clock).ticks[0]++;
});
`,
};

/** What editors of one world ask, and the clock on which their views get old. */
interface Stage {
  readonly clock: VirtualClock;
  /** Has an editor more serve the world's past. */
  serve(id: string): PastService;
  /** Opens a view of a tick, and resolves with its prefix. */
  open(tick: number): Promise<string>;
  close(view: string): Promise<void>;
  /** How many ticks the world has seen, as a view has it. */
  ticksIn(view: string): Promise<unknown>;
}

/** Runs the world for a few ticks, and then has its past looked at. */
async function withPast(use: (stage: Stage) => Promise<void>): Promise<void> {
  await using project = await createProject(PROJECT);
  await withLocal(project.manifests, {}, async ({ coordinator, local }) => {
    await coordinator.run(TICKS);
    const { bus } = local.connect("page");
    const clock = new VirtualClock();
    await use({
      clock,
      serve: (id) => servePast(local, { id, clock }),
      open: async (tick) => (await openView(bus, tick)).prefix,
      async close(view) {
        await requestMessage(bus, createSubjects(view).pastClose, {
          type: "PastClose",
          value: {},
          replyType: "PastCloseReply",
          timeoutMs: TIMEOUT_MS,
        });
      },
      ticksIn: (view) => ticksIn(bus, view),
    });
  });
}

function servePast(local: Local, { id, clock }: { id: string; clock: VirtualClock }): PastService {
  const { bus, log } = local.connect(`editor ${id}`);
  const subjects = createSubjects();
  const store = new SnapshotStore({ log, subjects, payloadBytesMax: bus.payloadBytesMax });
  const report = { info: () => {}, warn: () => {} };
  const service = new PastService({ bus, log, store, subjects, id, clock, now: () => 0, report });
  service.start();
  return service;
}

function openView(bus: Bus, tick: number) {
  return requestMessage(bus, createSubjects().pastOpen, {
    type: "PastOpen",
    value: { tick_id: tick },
    replyType: "PastOpenReply",
    timeoutMs: TIMEOUT_MS,
  });
}

async function ticksIn(bus: Bus, view: string): Promise<unknown> {
  const { chunks: [{ columns }] } = await requestMessage(bus, createSubjects(view).queryRequest, {
    type: "QueryRequest",
    value: { query: { read: ["Clock"] } },
    replyType: "QueryResponse",
    timeoutMs: TIMEOUT_MS,
  });
  const bytes = new Uint8Array(columns["Clock.ticks"] as Uint8Array);
  return new Uint32Array(bytes.buffer)[0];
}

Deno.test("each who opens a tick of the past has a view of it, which others do not close", async () => {
  await withPast(async ({ serve, open, close, ticksIn }) => {
    using _ = serve("a");
    const [first, second] = [await open(2), await open(2)];
    assertNotEquals(first, second);
    await close(first);
    await assertRejects(() => ticksIn(first), NoRespondersError);
    await assertRejects(() => close(first), NoRespondersError);
    assertEquals(await ticksIn(second), 2);
    // What was closed is gone on with, which must not show elsewhere.
    const third = await open(3);
    assertEquals([await ticksIn(second), await ticksIn(third)], [2, 3]);
  });
});

Deno.test("a view is closed by whichever editor has it", async () => {
  await withPast(async ({ serve, open, close, ticksIn }) => {
    using _a = serve("a");
    using _b = serve("b");
    for (let i = 0; i < 3 * VIEWS_MAX; i++) {
      const view = await open(1 + i % TICKS);
      await close(view);
      await assertRejects(() => ticksIn(view), NoRespondersError);
    }
  });
});

Deno.test("a view that is being looked at is taken from nobody, and one that is not makes room", async () => {
  await withPast(async ({ clock, serve, open, ticksIn }) => {
    using _ = serve("a");
    const views: string[] = [];
    for (let tick = 1; tick <= VIEWS_MAX; tick++) views.push(await open(tick));
    await assertRejects(() => open(1), RefusedError, "4 views of the past are being looked at");
    clock.advance(16_000);
    const [left, ...lookedAt] = views;
    for (const [i, view] of lookedAt.entries()) assertEquals(await ticksIn(view), i + 2);
    assertEquals(await ticksIn(await open(3)), 3);
    await assertRejects(() => ticksIn(left), NoRespondersError);
    await assertRejects(() => open(1), RefusedError);
    for (const [i, view] of lookedAt.entries()) assertEquals(await ticksIn(view), i + 2);
  });
});

Deno.test("a view that nobody asks anything for a minute is closed", async () => {
  await withPast(async ({ clock, serve, open, ticksIn }) => {
    using _ = serve("a");
    const view = await open(1);
    clock.advance(59_000);
    assertEquals(await ticksIn(view), 1);
    clock.advance(59_000);
    assertEquals(await ticksIn(view), 1);
    clock.advance(70_000);
    await assertRejects(() => ticksIn(view), NoRespondersError);
  });
});
