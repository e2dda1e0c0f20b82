import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { CommandAnswers } from "../coordinator/command_answers.ts";
import { ReplayError, Replica } from "../coordinator/replica.ts";
import { initialState, type WorldState } from "../coordinator/world_state.ts";
import type { LogEntry } from "../lib/bus/log.ts";
import { applyCommands } from "../lib/ecs/command.ts";
import { worldDigest } from "../lib/ecs/world_digest.ts";
import { createRandom } from "../lib/random.ts";
import { captureWorld, restoreWorld } from "../lib/snapshot/world_image.ts";
import { encodeMessage } from "../lib/wire/codec.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import { commandBuffers, MASS, query, SCHEMA } from "./ecs_model.ts";
import { EngineHarness, SUBJECTS } from "./engine_harness.ts";
import { access, system } from "./graph_fixture.ts";
import { contentOf } from "./snapshot_fixture.ts";

const TICKS_MAX = 6;

/** A copy of the state, as a snapshot keeps it. */
function copyOf(state: WorldState): WorldState {
  return {
    world: restoreWorld(SCHEMA, captureWorld(state.world)),
    tick: state.tick,
    digest: state.digest,
    lastRuns: new Map(state.lastRuns),
    answers: new CommandAnswers(state.answers),
  };
}

function replicaOf(state: WorldState, sequence = 0): Replica {
  return new Replica({ state, epoch: 1, commitSubject: SUBJECTS.commit, sequence });
}

function stateContent({ world, tick, digest, lastRuns, answers }: WorldState) {
  return { ...contentOf(world), tick, digest, lastRuns: [...lastRuns], answers: [...answers] };
}

Deno.test("Replica.apply() leads to the engine's state, to the row and change mark, from any tick on", async () => {
  const property = fc.asyncProperty(
    fc.array(query, { minLength: 1, maxLength: 4 }),
    commandBuffers,
    fc.integer({ min: 0, max: TICKS_MAX }),
    fc.integer(),
    async (queries, buffers, startTick, seed) => {
      const state = initialState(SCHEMA, undefined);
      const systems = queries.map((query, i) => system(`s${i}`, query));
      const random = createRandom(seed);
      const harness = await EngineHarness.open({ systems, state, random });
      let start = { state: copyOf(state), sequence: 0 };
      for (let tick = 1; tick <= TICKS_MAX; tick++) {
        const commands = buffers[tick - 1] ?? [];
        // Some come twice, in the same tick or in a later one.
        const id = `buffer-${tick >> 1}`;
        await harness.tick(random() < 0.5 ? [{ id, commands }, { commands }] : [{ commands }]);
        if (tick !== startTick) continue;
        start = { state: copyOf(state), sequence: (await harness.entries()).length };
      }
      const replica = replicaOf(start.state, start.sequence);
      const entries = await harness.entries();
      for (const entry of entries.slice(start.sequence)) replica.apply(entry);
      assertEquals(stateContent(replica.state), stateContent(state));
      assertEquals(worldDigest(replica.state.world), worldDigest(state.world));
      assertEquals(replica.heldCount, 0);
    },
  );
  await fc.assert(property, { numRuns: 60 });
});

const WEIGH = system("weigh", { write: [access(MASS)] });
const INSTANCE = "weigh-1";
const KEY = "Mass.kg";

/** A world of two rows with a mass each, at tick 0 of term 1. */
function twoMasses(): WorldState {
  const state = initialState(SCHEMA, undefined);
  applyCommands(
    state.world,
    [1, 2].map(() => ({ op: "spawn", components: new Map([[MASS, {}]]) })),
  );
  return state;
}

class FakeLog {
  readonly entries: LogEntry[] = [];

  result(parts: Partial<MessageOf<"ComponentShard">> = {}, kg = 7): void {
    const [table] = twoMasses().world.match(WEIGH.query);
    const column = new Uint8Array(Float32Array.of(kg, kg).buffer);
    const { data, options } = encodeMessage("ComponentShard", {
      epoch: 1,
      tick_id: 1,
      system: WEIGH.name,
      shard: 0,
      attempt: 0,
      instance_id: INSTANCE,
      compute_ms: 0,
      chunks: [{ archetype: table.id, first: 0, count: 2, columns: { [KEY]: column } }],
      commands: [],
      ...parts,
    });
    this.push(SUBJECTS.componentChanged(WEIGH.name), data, options.headers);
  }

  commit(digest: bigint, parts: Partial<MessageOf<"TickCommit">> = {}): void {
    const { data, options } = encodeMessage("TickCommit", {
      epoch: 1,
      tick_id: 1,
      dt: 0.1,
      buffers: [],
      systems: [{
        system: WEIGH.name,
        missed: 0,
        shards: [{ attempt: 0, instance_id: INSTANCE, changed: true }],
      }],
      digest,
      ...parts,
    });
    this.push(SUBJECTS.commit, data, options.headers);
  }

  term(epoch: number): void {
    const { data, options } = encodeMessage("TermStart", { epoch, tick_id: 0 });
    this.push(SUBJECTS.commit, data, options.headers);
  }

  push(subject: string, data: Uint8Array, headers: LogEntry["headers"]): void {
    this.entries.push({ sequence: this.entries.length + 1, subject, data, headers });
  }

  replay(): Replica {
    const replica = replicaOf(twoMasses());
    for (const entry of this.entries) replica.apply(entry);
    return replica;
  }
}

/** The digest of the first tick when both masses become 7. */
function digestOfSeven(): bigint {
  const log = new FakeLog();
  log.result();
  log.commit(0n);
  const replica = replicaOf(twoMasses());
  replica.apply(log.entries[0]);
  assertThrows(() => replica.apply(log.entries[1]), ReplayError);
  return replica.state.digest;
}

function massesOf({ state: { world } }: Replica): unknown[] {
  return [...world.entities()].map((entity) => world.get(entity, MASS)?.kg);
}

Deno.test("Replica.apply() takes the attempt that the commit names, and its first result", () => {
  const log = new FakeLog();
  log.result({ attempt: 1 }, 8);
  log.result({ instance_id: "weigh-2" }, 9);
  log.result();
  log.result({}, 10);
  log.result({ epoch: 2 }, 11);
  log.commit(digestOfSeven());
  const replica = log.replay();
  assertEquals(massesOf(replica), [7, 7]);
  assertEquals([replica.state.tick, replica.sequence, replica.heldCount], [1, 6, 0]);
});

Deno.test("Replica.apply() leaves uncommitted results, junk and torn messages without effect", () => {
  const log = new FakeLog();
  const before = log.replay();
  log.result();
  log.result({ tick_id: 2 });
  log.result({ tick_id: 9 });
  log.push(SUBJECTS.componentChanged(WEIGH.name), new Uint8Array(3), {
    "msg-type": "ComponentShard",
  });
  log.push(SUBJECTS.commit, new Uint8Array(3), { "msg-type": "TickCommit" });
  log.push(SUBJECTS.commit, new Uint8Array(3), {});
  const replica = log.replay();
  assertEquals(contentOf(replica.state.world), contentOf(before.state.world));
  // What is too far ahead is not even held; junk still has a place in the log.
  assertEquals([replica.heldCount, replica.sequence], [2, 6]);
});

Deno.test("Replica.apply() lets a new term drop what an older one has not committed, and refuse its commits", () => {
  const log = new FakeLog();
  log.result();
  log.term(2);
  log.result({}, 8);
  log.commit(digestOfSeven());
  const replica = log.replay();
  assertEquals([replica.epoch, replica.state.tick, replica.heldCount], [2, 0, 0]);
});

Deno.test("Replica.apply() fails where a result is missing, naming it", () => {
  const log = new FakeLog();
  log.commit(digestOfSeven());
  const reason = "Cannot replay tick 1: the log lacks the result of weigh, shard 0, attempt 0, by";
  assertThrows(() => log.replay(), ReplayError, reason);
});

Deno.test("Replica.apply() fails where the digests differ, naming both", () => {
  const log = new FakeLog();
  log.result({}, 8);
  log.commit(0x1234n);
  const reason = /Cannot replay tick 1: it leads to digest \w{16}, but 0000000000001234 was/;
  const error = assertThrows(() => log.replay(), ReplayError);
  assertMatch(error.message, reason);
});

Deno.test("Replica.apply() fails where ticks, rows or the beginning of a term are missing", () => {
  const digest = digestOfSeven();
  const gap = new FakeLog();
  gap.commit(digest, { tick_id: 2 });
  assertThrows(() => gap.replay(), ReplayError, "the log lacks tick 1");
  const rows = new FakeLog();
  const [table] = twoMasses().world.match(WEIGH.query);
  rows.result({ chunks: [{ archetype: table.id, first: 1, count: 2, columns: {} }] });
  rows.commit(digest);
  assertThrows(() => rows.replay(), ReplayError, "rows that the world has not");
  const term = new FakeLog();
  term.result({ epoch: 3 });
  term.commit(digest, { epoch: 3 });
  assertThrows(() => term.replay(), ReplayError, "no beginning of term 3");
});

Deno.test("Replica.apply() ignores what is in its state already", () => {
  const log = new FakeLog();
  log.result();
  log.commit(digestOfSeven());
  const replica = log.replay();
  for (const entry of log.entries) assertEquals(replica.apply(entry), false);
  assertEquals([replica.state.tick, replica.heldCount], [1, 0]);
});

Deno.test("Replica.apply() gives lost shards no effect, and counts a system that missed one as not run", () => {
  const log = new FakeLog();
  log.commit(0n, {
    systems: [
      { system: "a", missed: 1, shards: [null] },
      { system: "b", missed: 0, shards: [null] },
      { system: "c", missed: 0, shards: [{ attempt: 0, instance_id: "c-1", changed: false }] },
    ],
  });
  const replica = replicaOf(twoMasses());
  const { world, lastRuns } = replica.state;
  const before = massesOf(replica);
  const { changeTick } = world;
  assertThrows(() => replica.apply(log.entries[0]), ReplayError, "leads to digest");
  assertEquals(massesOf(replica), before);
  assertEquals([...lastRuns], [["b", changeTick + 3], ["c", changeTick + 4]]);
  assertEquals(world.changeTick, changeTick + 5);
});

Deno.test("Replica.apply() answers a buffer as the engine did, and keeps the newest answers", () => {
  const answers = new CommandAnswers();
  for (let i = 0; i < 1100; i++) answers.add(`${i}`, { tick: i, spawned: [i], refused: [] });
  assertEquals([...answers].length, 1024);
  assertEquals([answers.get("75"), answers.get("76")?.tick], [undefined, 76]);
  const large = Array.from({ length: 300_000 }, (_, i) => i);
  answers.add("large", { tick: 1, spawned: large, refused: [] });
  assertEquals([...answers].map(([id]) => id), ["large"]);
});
