/**
 * An instance that registers and offers credits, and leaves it to a test when and
 * how to answer.
 *
 * @module
 */
import type { Bus, Message, Subscription } from "../lib/bus/bus.ts";
import type { SystemManifest } from "../lib/manifest/manifest.ts";
import { signatureText, systemSignature } from "../lib/manifest/signature.ts";
import { decodeMessage, encodeMessage } from "../lib/wire/codec.ts";
import type { Chunk, MessageOf, MessageType } from "../lib/wire/messages.ts";
import { PROTOCOL_VERSION } from "../lib/wire/protocol.ts";
import { createSubjects } from "../lib/wire/subjects.ts";

type Schedule = MessageOf<"SystemSchedule">;
type Result = MessageOf<"ComponentShard">;

export const SUBJECTS = createSubjects("test");

/** A schedule that an instance has taken and not answered. */
export interface Taken {
  readonly schedule: Schedule;
  readonly instance: FakeInstance;
  readonly message: Message;
}

interface FakeInstanceOptions {
  readonly bus: Bus;
  readonly manifest: SystemManifest;
  readonly id: string;
  readonly taken: Taken[];
}

/** An instance that registers and offers credits; what it answers is the test's business. */
export class FakeInstance {
  readonly #options: FakeInstanceOptions;
  readonly #credits = new Set<Subscription>();

  constructor(options: FakeInstanceOptions) {
    this.#options = options;
  }

  join(credits: number): void {
    const { bus, manifest, id } = this.#options;
    bus.subscribe(SUBJECTS.probe(id), () => {});
    for (let i = 0; i < credits; i++) this.offerCredit();
    this.#publish(SUBJECTS.register, "SystemDescriptor", {
      protocol: PROTOCOL_VERSION,
      name: manifest.name,
      instance_id: id,
      query: signatureText(manifest),
      schema_hash: systemSignature(manifest),
      credits,
      probes: true,
    });
  }

  leave(): void {
    const { manifest, id } = this.#options;
    for (const credit of this.#credits) credit.unsubscribe();
    this.#publish(SUBJECTS.unregister, "Unregister", { instance_id: id, system: manifest.name });
  }

  offerCredit(): void {
    const { bus, manifest, taken } = this.#options;
    const credit = bus.subscribe(SUBJECTS.schedule(manifest.name), (message) => {
      this.#credits.delete(credit);
      taken.push({ schedule: decodeMessage("SystemSchedule", message), instance: this, message });
    }, { queue: manifest.queue, max: 1 });
    this.#credits.add(credit);
  }

  /** What a well-behaved instance returns: all that the system writes, and 1 more. */
  resultOf(schedule: Schedule): Result {
    const chunks = schedule.chunks.map((chunk) => this.#resultChunk(chunk));
    return { ...this.#attemptOf(schedule), compute_ms: 0, chunks, commands: [] };
  }

  finish(taken: Taken, parts: Partial<Result> = {}): void {
    const { schedule, message: { reply } } = this.#drop(taken);
    const result = { ...this.resultOf(schedule), ...parts };
    this.offerCredit();
    const { data, options } = encodeMessage("ComponentShard", result);
    this.#options.bus.publish(SUBJECTS.componentChanged(schedule.system), data, {
      ...options,
      ...(reply !== undefined && { reply }),
    });
  }

  /** Answers without a result: with an error, if one is given, or with nothing to change. */
  end(taken: Taken, error?: string): void {
    const { schedule } = this.#drop(taken);
    this.offerCredit();
    this.acknowledge(schedule, error === undefined ? {} : { error });
  }

  /** Refuses the schedule and offers its credit anew. */
  refuse(taken: Taken): void {
    const { message } = this.#drop(taken);
    this.offerCredit();
    this.#publish(message.reply ?? "", "Refusal", { reason: "not today" });
  }

  /** Keeps the schedule for good, as an instance that hangs. */
  swallow(taken: Taken): void {
    this.#drop(taken);
  }

  acknowledge(schedule: Schedule, parts: Partial<MessageOf<"TickAck">>): void {
    const ack = { ...this.#attemptOf(schedule), compute_ms: 0, ...parts };
    this.#publish(SUBJECTS.tickDone, "TickAck", ack);
  }

  #drop(taken: Taken): Taken {
    const list = this.#options.taken;
    list.splice(list.indexOf(taken), 1);
    return taken;
  }

  #attemptOf({ epoch, tick_id, system, shard, attempt }: Schedule) {
    return { epoch, tick_id, system, shard, attempt, instance_id: this.#options.id };
  }

  #resultChunk({ archetype, first, count, rows, columns }: Chunk): Chunk {
    const written = this.#options.manifest.query.write.flatMap(({ component, fields }) =>
      fields.map((field) => {
        const key = `${component.name}.${field.name}`;
        const more = floatsOf(columns[key]).map((value) => value + 1);
        return [key, new Uint8Array(more.buffer)] as const;
      })
    );
    return {
      archetype,
      first,
      count,
      columns: Object.fromEntries(written),
      ...(rows && { rows }),
    };
  }

  #publish<T extends MessageType>(subject: string, type: T, value: MessageOf<T>): void {
    const { data, options } = encodeMessage(type, value);
    this.#options.bus.publish(subject, data, options);
  }
}

/** A column of f32s. */
export function floatsOf(column: Chunk["columns"][string] | undefined): Float32Array<ArrayBuffer> {
  if (!(column instanceof Uint8Array)) throw new TypeError("Cannot read a column: it is not bin");
  return new Float32Array(new Uint8Array(column).buffer);
}
