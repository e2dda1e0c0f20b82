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
import { errorMessage } from "../error_message.ts";
import type { Manifests, SystemManifest } from "../manifest/manifest.ts";
import type { Report } from "../report.ts";
import { getMeter, TraceSpan } from "../telemetry.ts";
import { decodeMessage, type Encoded, encodeMessage, type HeaderFields } from "../wire/codec.ts";
import type { MessageOf } from "../wire/messages.ts";
import { encodeRefusal } from "../wire/request.ts";
import type { Subjects } from "../wire/subjects.ts";
import { WireError } from "../wire/wire_error.ts";
import { Registration, type Vitals } from "./registration.ts";
import type { BroadcastSet } from "./rows.ts";
import { type DecodedShard, type ShardOutput, ShardRunner } from "./run_shard.ts";
import { SetFeed } from "./set_feed.ts";
import type { SystemDefinition } from "./system.ts";

/** Schedules on hand for each credit; the coordinator sends no more than two, but others might. */
const SCHEDULES_PER_CREDIT_MAX = 4;
const ERROR_LENGTH_MAX = 4096;
const MS_PER_S = 1000;
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
  readonly #sets: SetFeed;
  readonly #credits = new Set<Subscription>();
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #totals = { shards: 0, rows: 0, errors: 0, refused: 0 };
  #turn: Promise<void> = Promise.resolve();
  readonly #registration: Registration;
  /** The newest schedule's tick and epoch. */
  #newest = { epoch: 0, tick: 0 };
  #busyMs = 0;
  readonly #computeTime = getMeter().createHistogram("orrery.shard.compute", {
    unit: "s",
    description: "How long the script ran over a shard.",
  });

  constructor(options: InstanceOptions) {
    const { manifests, manifest, definition } = options;
    this.#options = options;
    this.#sets = new SetFeed({
      ...options,
      signal: this.#stopping.signal,
      onRefused: (message, error) => this.#refuse(message, error),
    });
    this.#runner = new ShardRunner({ schema: manifests.schema, manifest, run: definition.run });
    this.#registration = new Registration({
      ...options,
      vitals: (elapsedMs) => this.#vitals(elapsedMs),
      onTerm: () => this.#runner.forget(),
    });
  }

  /** Number of the newest tick that it has been given a part of. */
  get tick(): number {
    return this.#newest.tick;
  }

  /** Registers, however long that takes, and offers its credits. */
  async start(): Promise<void> {
    const { bus, subjects, manifest, credits, instanceId } = this.#options;
    await this.#registration.begin();
    if (this.#stopping.signal.aborted) return;
    await this.#sets.open();
    if (this.#stopping.signal.aborted) return;
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
    const span = TraceSpan.from(message.headers, `run ${this.#options.manifest.name}`, {
      side: "answers",
      attributes: { "orrery.instance": this.#options.instanceId },
    });
    const run = span.run(() => this.#answerTo(message, span)).then((publish) => {
      if (!this.#stopping.signal.aborted) renew();
      publish();
      span.end();
    }).catch((error) => {
      this.#options.report.warn(`cannot answer "${message.subject}": ${errorMessage(error)}`);
    }).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** Runs one schedule and returns what publishes its outcome. */
  async #answerTo(message: Message, span: TraceSpan): Promise<() => void> {
    try {
      this.#checkRoom();
      const schedule = this.#decodeSchedule(message);
      const { tick_id, shard: number, attempt } = schedule;
      span.set({ "orrery.tick": tick_id, "orrery.shard": number, "orrery.attempt": attempt });
      const shard = this.#runner.decode(schedule);
      const sets = await this.#sets.of(shard.schedule);
      await this.#nextTurn();
      if (this.#isObsolete(shard.schedule)) {
        return this.#publisherOf(this.#encodeAck(shard.schedule, { compute_ms: 0 }));
      }
      return await this.#runShard(shard, { sets, reply: message.reply, span });
    } catch (error) {
      span.fail(errorMessage(error));
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

  #checkRoom(): void {
    const schedulesMax = this.#options.credits * SCHEDULES_PER_CREDIT_MAX;
    if (this.#running.size < schedulesMax) return;
    throw new WireError(`Cannot take a schedule: ${schedulesMax} are waiting, which is the most`);
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
    const { epoch, tick_id: tick } = schedule;
    const isNewest = epoch > this.#newest.epoch ||
      (epoch === this.#newest.epoch && tick > this.#newest.tick);
    if (isNewest) this.#newest = { epoch, tick };
    return schedule;
  }

  /** True when its coordinator has gone on without it, so that nobody needs it any more. */
  #isObsolete({ epoch, tick_id }: Schedule): boolean {
    return epoch === this.#newest.epoch && tick_id < this.#newest.tick;
  }

  async #runShard(
    shard: DecodedShard,
    { sets, reply, span }: {
      sets: Record<string, BroadcastSet>;
      reply: string | undefined;
      span: TraceSpan;
    },
  ): Promise<() => void> {
    const { clock } = this.#options;
    const { schedule } = shard;
    const startedAt = clock.now();
    try {
      const output = await this.#runner.run(shard, sets);
      const compute_ms = this.#countRun(clock.now() - startedAt, output.rows);
      span.set({ "orrery.rows": output.rows });
      return this.#publisherOf(this.#encodeResult(schedule, { ...output, compute_ms, reply }));
    } catch (error) {
      const compute_ms = this.#countRun(clock.now() - startedAt, 0);
      this.#totals.errors++;
      span.fail(errorMessage(error));
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
    report.warn(`refused a message on "${message.subject}": ${errorMessage(error)}`);
    if (message.reply === undefined) return;
    const { data, options } = encodeRefusal(error);
    bus.publish(message.reply, data, options);
  }

  #countRun(computeMs: number, rows: number): number {
    this.#busyMs += computeMs;
    this.#computeTime.record(computeMs / MS_PER_S, {
      "orrery.system": this.#options.manifest.name,
    });
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
