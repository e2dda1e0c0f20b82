/**
 * The observer sees everything that is stored and published, and insists on what
 * is promised of it, tick by tick.
 *
 * @module
 */
import type { Bus, Message } from "../lib/bus/bus.ts";
import type { Delivery } from "../lib/bus/memory_link.ts";
import type { LogEntry } from "../lib/bus/log.ts";
import { decodeEntities } from "../lib/ecs/column_bytes.ts";
import type { ComponentType } from "../lib/ecs/component.ts";
import type { SnapshotMeta } from "../lib/snapshot/snapshot_manifest.ts";
import { decodePayload } from "../lib/wire/codec.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { Reference, type ReferenceTick } from "./reference.ts";
import { haveCommonRows, type RowSet, rowsOfChunk } from "./row_set.ts";
import type { Scenario } from "./scenario.ts";
import { SnapshotLedger } from "./snapshot_ledger.ts";
import { type View, viewOfChunks, viewOfWorld } from "./view.ts";
import { insist } from "./violation.ts";

type Commit = MessageOf<"TickCommit">;

/** The first schedule of a shard. */
interface SentSchedule {
  readonly shard: number;
  readonly moment: number;
  readonly data: Uint8Array;
}

interface Attempt {
  readonly epoch: number;
  readonly tick_id: number;
  readonly system: string;
  readonly shard: number;
  readonly attempt: number;
  readonly instance_id: string;
}

/** A committed tick, as it is remembered for what is said of it later. */
interface Remembered {
  readonly commit: Commit;
  readonly outcome: ReferenceTick;
}

export interface ObserverOptions {
  readonly scenario: Scenario;
  readonly subjects: Subjects;
  onTick(commit: Commit): void;
  /** A snapshot is whole. */
  onSnapshot(meta: SnapshotMeta): void;
  /** Two coordinators lead in the same term. */
  onShared(epoch: number, names: readonly string[]): void;
}

export class Observer {
  readonly reference: Reference;
  readonly #options: ObserverOptions;
  readonly #snapshots: SnapshotLedger;
  readonly #ticks = new Map<number, Remembered>();
  /** What the viewed component was after the ticks that a query may be answered with. */
  readonly #views = new Map<number, View>();
  #queries = 0;
  /** Who has led in which term. */
  readonly #leaders = new Map<number, string>();
  /** Results that are stored, for ticks that are not committed. */
  readonly #results = new Map<string, Uint8Array>();
  /** When a coordinator first sent a system's schedule in a tick, and first got an attempt's end. */
  readonly #sent = new Map<string, SentSchedule[]>();
  readonly #ended = new Map<string, number>();
  /** Systems of which a result did not fit into a message. */
  readonly #tooLarge = new Map<string, number>();
  #moment = 0;
  #epoch = 0;

  constructor(options: ObserverOptions) {
    this.#options = options;
    const { scenario: { payloadBytesMax } } = options;
    const reference = new Reference(options.scenario);
    this.reference = reference;
    this.#snapshots = new SnapshotLedger({ ...options, reference, payloadBytesMax });
  }

  /** The component that queries are checked with. */
  get viewed(): ComponentType {
    const [component] = this.#options.scenario.manifests.schema.values();
    return component;
  }

  /** Number of the newest tick in the log. */
  get tick(): number {
    return this.reference.tick;
  }

  /** The newest term that has begun. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Takes an entry that a stream has stored. */
  readonly stored = (stream: string, entry: LogEntry): void => {
    const { headers, data } = entry;
    const { streams } = this.#options.subjects;
    if (stream === streams.snapshots) return this.#snapshots.stored(entry);
    if (stream !== streams.components) return;
    switch (headers["msg-type"]) {
      case "ComponentShard":
        return this.#keep(attemptOf(entry), data);
      case "TermStart":
        return this.#begin(decodePayload("TermStart", data));
      case "TickCommit":
        return this.#commit(decodePayload("TickCommit", data));
    }
  };

  /** Takes what a client publishes, at the moment when it does. */
  published({ message: { subject, headers, data } }: Delivery): void {
    const { subjects } = this.#options;
    if (subject === subjects.entityCreate) {
      this.#checkAnnounced(decodePayload("EntityCreated", data), "spawned");
    } else if (subject === subjects.entityDestroy) {
      this.#checkAnnounced(decodePayload("EntityDestroyed", data), "despawned");
    } else if (headers["msg-type"] === "EntityCommandReply") {
      this.#rememberedAt(decodePayload("EntityCommandReply", data).tick_id);
    }
  }

  /** The reply that a sender got must be what its buffer did, in the tick that it names. */
  checkReply(
    sent: MessageOf<"EntityCommand">,
    { tick_id, spawned, refused }: MessageOf<"EntityCommandReply">,
  ): void {
    const { commit, outcome } = this.#rememberedAt(tick_id);
    const place = commit.buffers.findIndex((buffer) =>
      decodePayload("EntityCommand", buffer).id === sent.id
    );
    insist(place >= 0, () => `tick ${tick_id} does not have the buffer ${sent.id} that it answers`);
    const expected = outcome.applied[place];
    insist(
      spawned.join() === expected.spawned.join() &&
        refused.map(({ index }) => index).join() ===
          expected.refused.map(({ index }) => index).join(),
      () => `the answer to buffer ${sent.id} is not what it did in tick ${tick_id}`,
    );
  }

  /** A snapshot that somebody was told is saved. */
  checkSaved(id: string): void {
    insist(
      this.#snapshots.find(id)?.kind === "manual",
      () => `snapshot "${id}" was said to be saved before it was whole`,
    );
  }

  /** What somebody was told has happened since tick `since`: the world became a snapshot. */
  checkRestored(id: string, since: number): void {
    const wanted = this.#snapshots.find(id);
    const isDone = [...this.#ticks].some(([tick, { commit: { restored = "" } }]) =>
      tick > since && wanted !== undefined && this.#snapshots.find(restored)?.tick === wanted.tick
    );
    insist(isDone, () => `snapshot "${id}" was said to be restored, but was not`);
  }

  /** A query is sent, so that its pages can be checked; call what it returns when that is over. */
  expectPages(): () => void {
    this.#queries++;
    this.#look();
    return () => {
      if (--this.#queries === 0) this.#views.clear();
    };
  }

  #look(): void {
    this.#views.set(this.tick, viewOfWorld(this.reference.world, this.viewed));
  }

  /** A page that a query for the viewed component got must be what there was after its tick. */
  checkPage(
    { chunks, tick_id, next, total, order }: MessageOf<"QueryResponse">,
    { isFirst }: { isFirst: boolean },
  ): void {
    const view = this.#views.get(tick_id);
    insist(view !== undefined, () => `a query was answered with tick ${tick_id} before its commit`);
    const page = viewOfChunks(chunks, this.viewed);
    const wrong = [...page].find(([entity, row]) => view.get(entity) !== row);
    insist(
      wrong === undefined,
      () =>
        `a query was answered with another row of entity ${wrong?.[0]} than tick ${tick_id} has`,
    );
    const isAll = isFirst && next === undefined;
    insist(
      !isAll || page.size === view.size,
      () => `a query was answered with ${page.size} of the ${view.size} rows of tick ${tick_id}`,
    );
    insist(
      total === undefined || total === view.size,
      () => `a query counted ${total} of the ${view.size} rows of tick ${tick_id}`,
    );
    const entities = order ? [...decodeEntities(order)] : [];
    insist(
      entities.every((entity, i) => i === 0 || entities[i - 1] < entity),
      () => `a query that is sorted by entity was answered in another order: ${entities}`,
    );
  }

  /** What takes a watch's deltas one by one: whoever applies them all has the rows of their ticks. */
  deltaChecker(): (delta: MessageOf<"QueryDelta">) => void {
    const rows = new Map<number, string>();
    let next: number | undefined;
    return ({ sequence, reset, chunks, gone, more, tick_id }) => {
      // The network may have lost one.
      if (!reset && sequence !== next) return;
      next = sequence + 1;
      if (reset) rows.clear();
      for (const [entity, row] of viewOfChunks(chunks, this.viewed)) rows.set(entity, row);
      for (const entity of decodeEntities(gone)) rows.delete(entity);
      const view = this.#views.get(tick_id);
      insist(view !== undefined, () => `a watch was told of tick ${tick_id} before its commit`);
      const isSame = rows.size === view.size &&
        [...rows].every(([entity, row]) => view.get(entity) === row);
      insist(more || isSame, () => `a watch has other rows than there are after tick ${tick_id}`);
    };
  }

  /** The connection of coordinator `name`, with the moments noted when it sends and gets what counts. */
  watch(bus: Bus, name: string): Bus {
    return new Proxy(bus, {
      get: (target, key) => {
        if (key === "subscribe") return this.#watchedSubscribe(target);
        if (key === "publish") return this.#watchedPublish(target, name);
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  #watchedSubscribe(bus: Bus): Bus["subscribe"] {
    return (subject, handler, options) =>
      bus.subscribe(subject, (message) => {
        this.#noteEnd(message);
        handler(message);
      }, options);
  }

  #watchedPublish(bus: Bus, name: string): Bus["publish"] {
    return (subject, data, options) => {
      const { "msg-type": type, epoch, "tick-id": tick, attempt, shard } = options?.headers ?? {};
      if (type === "SystemSchedule") this.#checkLeader(Number(epoch), name);
      if (type === "SystemSchedule" && attempt === "0") {
        const prefix = this.#options.subjects.schedule("");
        const [system] = subject.slice(prefix.length).split(".");
        const key = `${epoch} ${tick} ${system}`;
        const sent = this.#sent.get(key) ?? [];
        sent.push({ shard: Number(shard), moment: ++this.#moment, data });
        this.#sent.set(key, sent);
      }
      bus.publish(subject, data, options);
    };
  }

  #checkLeader(epoch: number, name: string): void {
    const leader = this.#leaders.get(epoch) ?? name;
    this.#leaders.set(epoch, leader);
    if (leader !== name) this.#options.onShared(epoch, [leader, name]);
  }

  #noteEnd(message: Message): void {
    const type = message.headers["msg-type"];
    if (type !== "ComponentShard" && type !== "TickAck") return;
    if (type === "ComponentShard") {
      return noteFirst(this.#ended, attemptKey(attemptOf(message)), ++this.#moment);
    }
    const end = decodePayload(type, message.data);
    noteFirst(this.#ended, attemptKey(end), ++this.#moment);
    if (end.error?.startsWith(TOO_LARGE)) {
      this.#tooLarge.set(`${end.epoch} ${end.tick_id} ${end.system}`, this.#moment);
    }
  }

  #keep(attempt: Attempt, data: Uint8Array): void {
    const key = attemptKey(attempt);
    if (attempt.tick_id > this.tick && !this.#results.has(key)) this.#results.set(key, data);
  }

  /** A beginning that comes too late for its epoch has no effect; nobody must lead by it. */
  #begin({ epoch }: MessageOf<"TermStart">): void {
    this.#epoch = Math.max(this.#epoch, epoch);
  }

  #commit(commit: Commit): void {
    const { epoch, tick_id } = commit;
    insist(epoch === this.#epoch, () => `term ${epoch} committed in term ${this.#epoch}`);
    const outcome = this.reference.run(commit, {
      resultOf: (attempt) => {
        const data = this.#results.get(attemptKey({ epoch, tick_id, ...attempt }));
        return data && decodePayload("ComponentShard", data);
      },
      isTooLarge: (system) => this.#tooLarge.has(`${epoch} ${tick_id} ${system}`),
      tickOfSnapshot: (id, restoredIn) => {
        const meta = this.#snapshots.find(id);
        return meta?.restoredIn === restoredIn ? meta.tick : undefined;
      },
    });
    this.#checkOverlap(commit, outcome);
    this.#ticks.set(tick_id, { commit, outcome });
    if (this.#queries > 0) this.#look();
    for (const kept of [this.#results, this.#sent, this.#ended, this.#tooLarge]) {
      dropUpTo(kept, tick_id);
    }
    this.#options.onTick(commit);
  }

  /** A shard goes out when those that its system conflicts with are done with its rows. */
  #checkOverlap({ epoch, tick_id, systems }: Commit, { graph }: ReferenceTick): void {
    const shardsOf = new Map(systems.map(({ system, shards }) => [system, shards]));
    const sentOf = (system: string) => this.#sent.get(`${epoch} ${tick_id} ${system}`) ?? [];
    for (const { from, to, conflicts } of graph.edges) {
      if (conflicts.length === 0) continue;
      for (const [shard, accepted] of shardsOf.get(from)?.entries() ?? []) {
        if (accepted === null) continue;
        const key = attemptKey({ epoch, tick_id, system: from, shard, ...accepted });
        const ended = this.#ended.get(key) ?? Infinity;
        const early = sentOf(to).filter(({ moment }) => moment < ended);
        if (early.length === 0) continue;
        const rows = sentOf(from).filter((sent) => sent.shard === shard).flatMap(rowsOfSchedule);
        insist(
          !early.some((sent) => haveCommonRows(rows, rowsOfSchedule(sent))),
          () => `${to} ran over rows in tick ${tick_id} that ${from} was not done with`,
        );
      }
    }
  }

  #checkAnnounced(
    { tick_id, entity }: { tick_id: number; entity: number },
    what: "spawned" | "despawned",
  ): void {
    const { outcome } = this.#rememberedAt(tick_id);
    insist(
      outcome[what].has(entity),
      () => `entity ${entity} was announced as ${what} in tick ${tick_id}, but was not`,
    );
  }

  /** @throws {Violation} when the tick is announced before it is stored. */
  #rememberedAt(tick: number): Remembered {
    const remembered = this.#ticks.get(tick);
    insist(remembered !== undefined, () => `tick ${tick} was announced before it was stored`);
    return remembered;
  }
}

/** How an instance reports a result that does not fit into a message. */
const TOO_LARGE = "RangeError: Cannot publish the result";

function rowsOfSchedule({ data }: SentSchedule): RowSet[] {
  return decodePayload("SystemSchedule", data).chunks.map(rowsOfChunk);
}

/** What a result is of, as its headers and its subject say. */
function attemptOf({ subject, headers }: Pick<Message, "subject" | "headers">): Attempt {
  return {
    epoch: Number(headers["epoch"]),
    tick_id: Number(headers["tick-id"]),
    system: subject.slice(subject.lastIndexOf(".") + 1),
    shard: Number(headers["shard"]),
    attempt: Number(headers["attempt"]),
    instance_id: headers["instance-id"],
  };
}

function noteFirst(moments: Map<string, number>, key: string, moment: number): void {
  if (!moments.has(key)) moments.set(key, moment);
}

function attemptKey({ epoch, tick_id, system, shard, attempt, instance_id }: Attempt): string {
  return `${epoch} ${tick_id} ${system} ${shard} ${attempt} ${instance_id}`;
}

/** All keys begin with an epoch and a tick. */
function dropUpTo(kept: Map<string, unknown>, tick: number): void {
  for (const key of kept.keys()) if (Number(key.split(" ")[1]) <= tick) kept.delete(key);
}
