/**
 * A tick as a trace: one span for each system, in it one for each attempt at a
 * shard, which the instance that runs it goes on with.
 *
 * @module
 */
import type { Headers } from "../lib/bus/bus.ts";
import { TraceSpan } from "../lib/telemetry.ts";
import type { AttemptKey } from "./schedule_inbox.ts";

/** A schedule that is sent. */
export interface SentSchedule {
  readonly subject: string;
  readonly bytes: number;
}

/** Part of what a system did in a tick. */
interface EndedRun {
  readonly plan: { readonly manifest: { readonly name: string } };
  readonly endedAt: number;
}

const NOTHING: Headers = Object.freeze({});

export class TickSpans {
  /** Undefined where no trace is recorded. */
  readonly #root: TraceSpan | undefined;
  readonly #systems = new Map<string, TraceSpan>();
  readonly #attempts = new Map<string, TraceSpan>();

  constructor({ tick, epoch }: { tick: number; epoch: number }) {
    const root = TraceSpan.root("tick", {
      attributes: { "orrery.tick": tick, "orrery.epoch": epoch },
    });
    if (root.isRecording) this.#root = root;
  }

  /** An attempt is sent: returns the headers by which the instance goes on with it. */
  send(key: AttemptKey, { subject, bytes }: SentSchedule): Headers {
    if (this.#root === undefined) return NOTHING;
    const { tick, system, shard, attempt } = key;
    const span = this.#system(system, this.#root).child(`shard ${system}`, {
      side: "asks",
      attributes: {
        "orrery.tick": tick,
        "orrery.system": system,
        "orrery.shard": shard,
        "orrery.attempt": attempt,
        "messaging.system": "nats",
        "messaging.operation.type": "send",
        "messaging.destination.name": subject,
        "messaging.message.body.size": bytes,
      },
    });
    this.#attempts.set(nameOf(key), span);
    return span.headers;
  }

  /** An attempt has come back. */
  receive(
    key: AttemptKey,
    { instance, error }: { instance?: string | undefined; error?: string | undefined },
  ): void {
    const name = nameOf(key);
    const span = this.#attempts.get(name);
    if (span === undefined) return;
    this.#attempts.delete(name);
    if (instance !== undefined) span.set({ "orrery.instance": instance });
    if (error !== undefined) span.fail(error);
    span.end();
  }

  /** The systems are done, and the tick is on its way to the log; returns what ends with that. */
  end(runs: readonly EndedRun[]): { stored(): void } {
    for (const span of this.#attempts.values()) {
      span.fail("no answer in this tick");
      span.end();
    }
    for (const { plan, endedAt } of runs) this.#systems.get(plan.manifest.name)?.end(endedAt);
    const commit = this.#root?.child("commit");
    this.#root?.end();
    return { stored: () => commit?.end() };
  }

  /** The tick is given up. */
  abandon(): void {
    const spans = [...this.#attempts.values(), ...this.#systems.values(), this.#root];
    for (const span of spans) {
      span?.fail("abandoned");
      span?.end();
    }
  }

  #system(name: string, root: TraceSpan): TraceSpan {
    let span = this.#systems.get(name);
    if (span === undefined) {
      span = root.child(`system ${name}`, { attributes: { "orrery.system": name } });
      this.#systems.set(name, span);
    }
    return span;
  }
}

function nameOf({ system, shard, attempt }: AttemptKey): string {
  return `${system} ${shard} ${attempt}`;
}
