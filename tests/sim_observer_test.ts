import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Corpus, recordCorpus } from "../fuzz/corpus.ts";
import type { LogEntry } from "../lib/bus/log.ts";
import { MemoryNetwork } from "../lib/bus/memory_bus.ts";
import { SERVER } from "../lib/bus/memory_link.ts";
import { decodePayload, encodeMessage } from "../lib/wire/codec.ts";
import type { MessageOf, MessageType } from "../lib/wire/messages.ts";
import { Observer } from "../sim/observer.ts";
import { SUBJECTS } from "../sim/simulation.ts";
import { viewOfWorld } from "../sim/view.ts";
import { Violation } from "../sim/violation.ts";

/** A world with several systems, whose entities are commanded from outside. */
const SEED = 5;
const corpus = await recordCorpus(SEED);

function observe(entries: readonly LogEntry[], { scenario }: Corpus = corpus): Observer {
  const observer = new Observer({
    scenario,
    subjects: SUBJECTS,
    onTick: () => {},
    onSnapshot: () => {},
    onShared: () => {},
  });
  for (const entry of entries) observer.stored(SUBJECTS.streams.components, entry);
  return observer;
}

function typeOf({ headers }: LogEntry): string | undefined {
  return headers["msg-type"];
}

function places(type: MessageType): number[] {
  return corpus.log.flatMap((entry, place) => typeOf(entry) === type ? [place] : []);
}

function decode<T extends MessageType>(type: T, place: number): MessageOf<T> {
  return decodePayload(type, corpus.log[place].data);
}

/** The log with the entry at a place changed. */
function withEntry<T extends MessageType>(place: number, type: T, value: MessageOf<T>): LogEntry[] {
  const { data } = encodeMessage(type, value);
  return corpus.log.with(place, { ...corpus.log[place], data });
}

function assertViolates(entries: readonly LogEntry[], message: RegExp): void {
  const violation = assertThrows(() => observe(entries), Violation);
  assert(message.test(violation.message), violation.message);
}

const commits = places("TickCommit");

Deno.test("Observer follows a good log to its end", () => {
  const observer = observe(corpus.log);
  assertEquals(observer.tick, corpus.scenario.ticks);
  assert(observer.reference.world.entityCount > 0 && commits.length === observer.tick);
});

Deno.test("Observer finds a tick that is lost, or comes twice", () => {
  assertViolates(corpus.log.toSpliced(commits[2], 1), /^tick 4 was committed after tick 2$/);
  assertViolates(
    corpus.log.toSpliced(commits[2], 0, corpus.log[commits[2]]),
    /tick 3 .*after tick 3$/,
  );
});

Deno.test("Observer finds a commit whose world is another", () => {
  const commit = decode("TickCommit", commits[3]);
  const other = withEntry(commits[3], "TickCommit", { ...commit, digest: commit.digest ^ 1n });
  assertViolates(other, /^the world of tick 4 is not the one of the undisturbed run$/);
  const buffer = encodeMessage("EntityCommand", { commands: [{ op: "despawn", entity: 1 }] }).data;
  const more = withEntry(commits[3], "TickCommit", { ...commit, buffers: [buffer] });
  assertViolates(more, /^the world of tick 4 is not/);
});

Deno.test("Observer finds a shard that a held system lost, and a result that the log lacks", () => {
  const { systems } = corpus.scenario.manifests;
  const place = commits.find((place) =>
    decode("TickCommit", place).systems.some(({ system, shards }) =>
      shards[0]?.changed && systems.some(({ name, onMiss }) => name === system && onMiss === "hold")
    )
  );
  assert(place !== undefined);
  const commit = decode("TickCommit", place);
  const lossy = commit.systems.map((each) => ({
    ...each,
    missed: 1,
    shards: each.shards.map(() => null),
  }));
  assertViolates(
    withEntry(place, "TickCommit", { ...commit, systems: lossy }),
    /were missed$|was lost/,
  );
  const isOfTick = (entry: LogEntry) =>
    typeOf(entry) === "ComponentShard" && entry.headers["tick-id"] === `${commit.tick_id}`;
  assertViolates(corpus.log.filter((entry) => !isOfTick(entry)), /^the log lacks a result/);
});

Deno.test("Observer finds systems in another order, and a commit of a term that is over", () => {
  const commit = decode("TickCommit", commits[1]);
  const systems = commit.systems.toReversed();
  assertViolates(withEntry(commits[1], "TickCommit", { ...commit, systems }), /^tick 2 ran s/);
  const term = corpus.log[places("TermStart")[0]];
  const { data } = encodeMessage("TermStart", { epoch: commit.epoch + 1, tick_id: 1 });
  assertViolates(corpus.log.toSpliced(commits[1], 0, { ...term, data }), /committed in term/);
});

Deno.test("Observer finds what is announced before its tick is stored, or did not happen", () => {
  const observer = observe(corpus.log.slice(0, commits[4] + 1));
  const publish = <T extends MessageType>(subject: string, type: T, value: MessageOf<T>) => {
    const { data, options } = encodeMessage(type, value);
    const message = { subject, data, ...options, reply: undefined, noResponders: false };
    observer.published({ from: "coordinator", to: SERVER, message });
  };
  const reply = { tick_id: 6, spawned: [], refused: [] };
  assertThrows(
    () => publish("inbox", "EntityCommandReply", reply),
    Violation,
    "before it was stored",
  );
  publish("inbox", "EntityCommandReply", { ...reply, tick_id: 5 });
  assertThrows(
    () => publish(SUBJECTS.entityCreate, "EntityCreated", { tick_id: 5, entity: 1, archetype: 1n }),
    Violation,
    "was announced as spawned",
  );
  assertThrows(
    () => publish(SUBJECTS.entityDestroy, "EntityDestroyed", { tick_id: 5, entity: 2 ** 40 }),
    Violation,
    "was announced as despawned",
  );
});

Deno.test("Observer finds two coordinators that lead in the same term", () => {
  const shared: string[] = [];
  const observer = new Observer({
    scenario: corpus.scenario,
    subjects: SUBJECTS,
    onTick: () => {},
    onSnapshot: () => {},
    onShared: (epoch, names) => shared.push(`${epoch} ${names}`),
  });
  const { bus } = new MemoryNetwork({ random: () => 0 }).connect("any", { onError: () => {} });
  const schedule = (name: string, epoch: string) =>
    observer.watch(bus, name).publish(SUBJECTS.schedule("s0"), new Uint8Array(0), {
      headers: { "msg-type": "SystemSchedule", epoch, "tick-id": "1", attempt: "1", shard: "0" },
    });
  for (const [name, epoch] of [["a", "1"], ["b", "2"], ["a", "1"]]) schedule(name, epoch);
  assertEquals(shared, []);
  schedule("b", "1");
  assertEquals(shared, ["1 a,b"]);
});

Deno.test("Observer finds answers to commands that are not what they did", () => {
  const observer = observe(corpus.log);
  const answered = commits.map((place) => decode("TickCommit", place)).find(({ buffers }) =>
    buffers.length > 0
  );
  assert(answered !== undefined);
  const sent = decodePayload("EntityCommand", answered.buffers[0]);
  const reply = { tick_id: answered.tick_id, spawned: [999], refused: [] };
  assertThrows(() => observer.checkReply(sent, reply), Violation, "is not what it did");
  assertThrows(() => observer.checkReply({ ...sent, id: "x" }, reply), Violation, "does not have");
});

Deno.test("Observer finds pages that are not what a tick's world had", () => {
  const observer = observe(corpus.log);
  const done = observer.expectPages();
  const view = viewOfWorld(observer.reference.world, observer.viewed);
  assert(view.size > 1);
  const empty = { tick_id: observer.tick, chunks: [] };
  assertThrows(
    () => observer.checkPage(empty, { isFirst: true }),
    Violation,
    `0 of the ${view.size}`,
  );
  observer.checkPage({ ...empty, next: "0.1" }, { isFirst: true });
  assertThrows(
    () => observer.checkPage({ ...empty, tick_id: 999 }, { isFirst: true }),
    Violation,
    "before its commit",
  );
  done();
});

Deno.test("Observer finds rows of a watch that are not what a tick's world had, if no delta was lost", () => {
  const observer = observe(corpus.log);
  const done = observer.expectPages();
  const check = observer.deltaChecker();
  const delta = {
    watch_id: "w1",
    sequence: 0,
    tick_id: observer.tick,
    chunks: [],
    gone: new Uint8Array(0),
    reset: true,
    more: true,
  };
  check(delta);
  check({ ...delta, sequence: 2, reset: false, more: false });
  assertThrows(
    () => check({ ...delta, sequence: 1, reset: false, more: false }),
    Violation,
    "other rows than there are",
  );
  assertThrows(() => check({ ...delta, tick_id: 999 }), Violation, "before its commit");
  const page = { tick_id: observer.tick, chunks: [], next: "+1" };
  assertThrows(
    () => observer.checkPage({ ...page, total: 0 }, { isFirst: true }),
    Violation,
    "counted 0",
  );
  const order = Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0);
  assertThrows(
    () => observer.checkPage({ ...page, order }, { isFirst: true }),
    Violation,
    "another order",
  );
  done();
});
