/**
 * How the systems and their instances fare, now and over the last minutes, and the
 * processes behind them where somebody supervises these.
 *
 * @module
 */
import { type Signal, signal } from "@preact/signals";
import { NoRespondersError } from "../../../lib/bus/bus.ts";
import type { MessageOf } from "../../../lib/wire/messages.ts";
import { HistoryRing } from "../../model/history_ring.ts";
import { now, repeat } from "../browser.ts";
import type { Notices } from "./notices.ts";
import type { Session } from "./session.ts";

export type Systems = MessageOf<"SystemsReply">;
export type Process = MessageOf<"SupervisorReply">["processes"][number];

const SAMPLE_MS = 1000;
const SAMPLES_MAX = 300;
const MS = 1000;
/** Instances that are remembered after they have gone. */
const GONE_MAX = 20;

export class SystemWatch {
  readonly systems: Signal<Systems | undefined> = signal(undefined);
  /** Undefined where nobody supervises. */
  readonly processes: Signal<readonly Process[] | undefined> = signal(undefined);
  /** Instances that are no more, by id, with the system that they were of. */
  readonly gone: Signal<ReadonlyMap<string, string>> = signal(new Map());
  readonly tickTimes: HistoryRing = new HistoryRing({ samplesMax: SAMPLES_MAX });
  readonly computeTimes: HistoryRing = new HistoryRing({ samplesMax: SAMPLES_MAX });
  readonly sampled: Signal<number> = signal(0);
  readonly #session: Session;
  readonly #notices: Notices;

  constructor(session: Session, notices: Notices) {
    this.#session = session;
    this.#notices = notices;
  }

  start(): void {
    repeat(SAMPLE_MS, () => this.refresh());
    repeat(SAMPLE_MS, () => this.#refreshProcesses());
  }

  async refresh(): Promise<void> {
    if (this.#session.status.value === undefined) {
      this.systems.value = undefined;
      return;
    }
    const reply = await this.#session.request(this.#session.subjects.querySystems, {
      type: "SystemsRequest",
      value: {},
      replyType: "SystemsReply",
    });
    this.#noteGone(reply);
    this.systems.value = reply;
    const time = now() / MS;
    this.tickTimes.add(time, new Map([["p50", reply.tick_ms_p50], ["p99", reply.tick_ms_p99]]));
    const compute = Object.entries(reply.systems)
      .map(([name, { compute_ms_per_tick }]) => [name, compute_ms_per_tick] as const);
    this.computeTimes.add(time, new Map(compute));
    this.sampled.value++;
  }

  /** Has the supervisor start, stop or kill a process. */
  async control(value: MessageOf<"SupervisorControl">): Promise<void> {
    try {
      this.processes.value = await this.#supervise(value);
    } catch (error) {
      this.#notices.error(error);
    }
  }

  async #refreshProcesses(): Promise<void> {
    if (this.#session.link.value !== "connected") return;
    try {
      this.processes.value = await this.#supervise({ op: "list" });
    } catch (error) {
      if (error instanceof NoRespondersError) this.processes.value = undefined;
    }
  }

  async #supervise(
    value: MessageOf<"SupervisorControl">,
  ): Promise<readonly Process[]> {
    const reply = await this.#session.request(this.#session.subjects.supervisorControl, {
      type: "SupervisorControl",
      value,
      replyType: "SupervisorReply",
    });
    return reply.processes;
  }

  #noteGone({ systems }: Systems): void {
    const before = this.systems.value?.systems ?? {};
    const gone = new Map(this.gone.value);
    for (const [system, { instances }] of Object.entries(before)) {
      const left = new Set(systems[system]?.instances.map(({ instance_id }) => instance_id));
      for (const { instance_id } of instances) {
        if (!left.has(instance_id)) gone.set(instance_id, system);
      }
    }
    const newest = [...gone].slice(-GONE_MAX);
    if (gone.size !== this.gone.value.size) this.gone.value = new Map(newest);
  }
}
