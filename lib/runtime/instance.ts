/**
 * An instance: one process's membership in a system. It registers with the
 * coordinator, offers credits in the system's queue group, runs what it is
 * given and reports how it fares. A credit is a queue subscription for one
 * message, so an instance is a member of the group only while it has time.
 *
 * @module
 */
import type { Bus, Message, PublishOptions, Subscription } from "../bus/bus.ts";
import type { Log } from "../bus/log.ts";
import { type Clock, delay } from "../clock.ts";
import type { Manifests, SystemManifest } from "../manifest/manifest.ts";
import type { Report } from "../report.ts";
import { decodeMessage, type Encoded, encodeMessage, type HeaderFields } from "../wire/codec.ts";
import type { MessageOf } from "../wire/messages.ts";
import type { Subjects } from "../wire/subjects.ts";
import { WireError } from "../wire/wire_error.ts";
import { Broadcasts } from "./broadcasts.ts";
import { Registration, type Vitals } from "./registration.ts";
import type { BroadcastSet } from "./rows.ts";
import { type DecodedShard, type ShardOutput, ShardRunner } from "./run_shard.ts";
import type { SystemDefinition } from "./system.ts";

const CATCH_UP_RETRY_MS = 250;
const SET_RETRY_MS = 5;
const ERROR_LENGTH_MAX = 4096;
/** Over NATS a message's headers count as well. */
const HEADER_BYTES_MAX = 1024;

type Schedule = MessageOf<"SystemSchedule">;
type Addressed = Pick<Encoded, "data"> & { subject: string; options: PublishOptions };

export interface InstanceOptions {
  readonly bus: Bus;
  readonly log: Log;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly manifests: Manifests;
  readonly manifest: SystemManifest;
  readonly definition: SystemDefinition;
  readonly instanceId: string;
  /** Shards that the instance takes at a time; the next one travels while one is computed. */
  readonly credits: number;
  readonly report: Report;
}

export class Instance {
  readonly #options: InstanceOptions;
  readonly #runner: ShardRunner;
  readonly #broadcasts: Broadcasts;
  readonly #credits = new Set<Subscription>();
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #totals = { shards: 0, rows: 0, errors: 0, refused: 0 };
  #turn: Promise<void> = Promise.resolve();
  readonly #registration: Registration;
  #busyMs = 0;

  constructor(options: InstanceOptions) {
    const { manifests, manifest, definition } = options;
    this.#options = options;
    this.#broadcasts = new Broadcasts(manifests.schema, manifest);
    this.#runner = new ShardRunner({ schema: manifests.schema, manifest, run: definition.run });
    this.#registration = new Registration({
      ...options,
      vitals: (elapsedMs) => this.#vitals(elapsedMs),
      onTerm: () => this.#runner.forget(),
    });
  }

  /** Registers, however long that takes, and offers its credits. */
  async start(): Promise<void> {
    const { bus, subjects, manifest, credits, instanceId } = this.#options;
    await this.#registration.begin();
    if (this.#stopping.signal.aborted) return;
    if (manifest.broadcast.size > 0) {
      bus.subscribe(subjects.componentSet(manifest.name), (message) => this.#receiveSet(message));
      await this.#catchUp();
      if (this.#stopping.signal.aborted) return;
    }
    this.#credits.add(
      bus.subscribe(subjects.schedule(manifest.name, instanceId), (message) => {
        this.#run(message, () => {});
      }),
    );
    for (let i = 0; i < credits; i++) this.#offerCredit();
  }

  /** Takes no more shards, finishes those it has, and unregisters. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    await Promise.all([...this.#credits].map((credit) => credit.drain()));
    await Promise.all(this.#running);
    await this.#registration.stop();
    await this.#registration.unregister();
  }

  /** Reads the sets that were published before, however long that takes. */
  async #catchUp(): Promise<void> {
    const { bus, log, clock, report } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        // From here on the server passes on what is published.
        await bus.flush();
        return await this.#replaySets(log);
      } catch (error) {
        report.warn(`cannot read the broadcast sets: ${messageOf(error)}; trying again`);
        await delay(clock, CATCH_UP_RETRY_MS, signal);
      }
    }
  }

  /** @param elapsedMs since it was called before */
  #vitals(elapsedMs: number): Vitals {
    const load = Math.min(1, this.#busyMs / Math.max(1, elapsedMs));
    this.#busyMs = 0;
    return { load, ...this.#totals };
  }

  #offerCredit(): void {
    const { bus, subjects, manifest } = this.#options;
    const credit = bus.subscribe(subjects.schedule(manifest.name), (message) => {
      this.#credits.delete(credit);
      this.#run(message, () => this.#offerCredit());
    }, { queue: manifest.queue, max: 1 });
    this.#credits.add(credit);
  }

  /** Runs one schedule; `renew` is called before it is answered, whatever happens. */
  #run(message: Message, renew: () => void): void {
    const run = this.#answerTo(message).then((publish) => {
      if (!this.#stopping.signal.aborted) renew();
      publish();
    }).catch((error) => {
      this.#options.report.warn(`cannot answer "${message.subject}": ${messageOf(error)}`);
    }).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** Runs one schedule and returns what publishes its outcome. */
  async #answerTo(message: Message): Promise<() => void> {
    try {
      const shard = this.#runner.decode(this.#decodeSchedule(message));
      const sets = await this.#setsOf(shard.schedule);
      await this.#nextTurn();
      return await this.#runShard(shard, { sets, reply: message.reply });
    } catch (error) {
      return () => this.#refuse(message, error);
    }
  }

  /**
   * Shards start one after the other, each in a turn of its own, so that the
   * result of one is on its way before the next one computes.
   */
  #nextTurn(): Promise<void> {
    const turn = this.#turn;
    this.#turn = turn.then(() => delay(this.#options.clock, 0));
    return turn;
  }

  #decodeSchedule(message: Message): Schedule {
    const schedule = decodeMessage("SystemSchedule", message);
    const { name } = this.#options.manifest;
    if (schedule.system !== name) {
      throw new WireError(`Cannot run a shard of "${schedule.system}": this is "${name}"`);
    }
    if (schedule.epoch < this.#registration.epoch) {
      throw new WireError(`Cannot run a shard of term ${schedule.epoch}: it is over`);
    }
    return schedule;
  }

  async #runShard(
    shard: DecodedShard,
    { sets, reply }: { sets: Record<string, BroadcastSet>; reply: string | undefined },
  ): Promise<() => void> {
    const { clock } = this.#options;
    const { schedule } = shard;
    const startedAt = clock.now();
    try {
      const output = await this.#runner.run(shard, sets);
      const compute_ms = this.#countRun(clock.now() - startedAt, output.rows);
      return this.#publisherOf(this.#encodeResult(schedule, { ...output, compute_ms, reply }));
    } catch (error) {
      const compute_ms = this.#countRun(clock.now() - startedAt, 0);
      this.#totals.errors++;
      const text = error instanceof Error ? error.stack ?? error.message : String(error);
      this.#options.report.warn(`tick ${schedule.tick_id}, shard ${schedule.shard}: ${text}`);
      const outcome = { compute_ms, error: text.slice(0, ERROR_LENGTH_MAX) };
      return this.#publisherOf(this.#encodeAck(schedule, outcome));
    }
  }

  #publisherOf({ subject, data, options }: Addressed): () => void {
    return () => this.#options.bus.publish(subject, data, options);
  }

  /** What the shard changed, with `reply` for the log to say that it has it; an ack where that is nothing. */
  #encodeResult(
    schedule: Schedule,
    { chunks, commands, kept, compute_ms, reply }: ShardOutput & {
      compute_ms: number;
      reply: string | undefined;
    },
  ): Addressed {
    const hasResult = commands.length > 0 ||
      chunks.some(({ columns, patches }) => patches || Object.keys(columns).length > 0);
    if (!hasResult) return this.#encodeAck(schedule, { compute_ms, kept });
    const { bus: { payloadBytesMax }, instanceId, subjects } = this.#options;
    const value = {
      ...attemptOf(schedule),
      instance_id: instanceId,
      compute_ms,
      kept,
      chunks,
      commands,
    };
    const result = encodeMessage("ComponentShard", value, this.#headerFields(schedule));
    if (result.data.length + HEADER_BYTES_MAX <= payloadBytesMax) {
      const options = { ...result.options, ...(reply !== undefined && { reply }) };
      return { ...result, options, subject: subjects.componentChanged(schedule.system) };
    }
    throw new RangeError(
      `Cannot publish the result of shard ${schedule.shard}: ${result.data.length} bytes and headers are ` +
        `more than the server's max_payload of ${payloadBytesMax}`,
    );
  }

  #encodeAck(
    schedule: Schedule,
    outcome: Pick<MessageOf<"TickAck">, "compute_ms" | "error" | "kept">,
  ): Addressed {
    const { instanceId, subjects } = this.#options;
    const value = { ...attemptOf(schedule), instance_id: instanceId, ...outcome };
    return {
      ...encodeMessage("TickAck", value, this.#headerFields(schedule)),
      subject: subjects.tickDone,
    };
  }

  #refuse(message: Message, error: unknown): void {
    const { bus, report } = this.#options;
    this.#totals.refused++;
    const reason = messageOf(error);
    report.warn(`refused a message on "${message.subject}": ${reason}`);
    if (message.reply === undefined) return;
    const { data, options } = encodeMessage("Refusal", {
      reason: reason.slice(0, ERROR_LENGTH_MAX),
    });
    bus.publish(message.reply, data, options);
  }

  #receiveSet(message: Message): void {
    try {
      this.#broadcasts.receive(decodeMessage("ComponentSet", message));
    } catch (error) {
      this.#refuse(message, error);
    }
  }

  /** The sets that a schedule names; those that are not here yet are read from the log. */
  async #setsOf({ sets, epoch }: Schedule): Promise<Record<string, BroadcastSet>> {
    const result: Record<string, BroadcastSet> = {};
    const { clock, log, manifest } = this.#options;
    const deadline = clock.now() + manifest.deadlineMs;
    for (const name of manifest.broadcast.keys()) {
      const version = sets[name];
      if (version === undefined) {
        throw new TypeError(`Cannot run: broadcast "${name}" has no version`);
      }
      let set = this.#broadcasts.get(name, { epoch, version });
      while (set === undefined) {
        if (clock.now() > deadline || this.#stopping.signal.aborted) {
          throw new RangeError(
            `Cannot run: broadcast "${name}" of tick ${version} is not in the log`,
          );
        }
        await this.#replaySets(log);
        set = this.#broadcasts.get(name, { epoch, version });
        if (set === undefined) await delay(clock, SET_RETRY_MS, this.#stopping.signal);
      }
      result[name] = set;
    }
    return result;
  }

  async #replaySets(log: Log): Promise<void> {
    const { subjects, manifest } = this.#options;
    const filter = subjects.componentSet(manifest.name);
    for await (const entry of log.lastPerSubject(subjects.streams.sets, filter)) {
      try {
        this.#broadcasts.receive(
          decodeMessage("ComponentSet", { ...entry, noResponders: false }),
        );
      } catch (error) {
        // It was refused when it was published, and may come up with every replay.
        if (!(error instanceof WireError)) throw error;
      }
    }
  }

  #countRun(computeMs: number, rows: number): number {
    this.#busyMs += computeMs;
    this.#totals.shards++;
    this.#totals.rows += rows;
    return computeMs;
  }

  #headerFields({ epoch, tick_id, shard, attempt }: Schedule): HeaderFields {
    return { epoch, tick: tick_id, shard, attempt, instance: this.#options.instanceId };
  }
}

function attemptOf({ epoch, tick_id, system, shard, attempt }: Schedule) {
  return { epoch, tick_id, system, shard, attempt };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
