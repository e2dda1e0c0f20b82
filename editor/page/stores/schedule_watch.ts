/**
 * The schedule as it was built, and the times of the last ticks.
 *
 * @module
 */
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { MessageOf } from "../../../lib/wire/messages.ts";
import type { TickTrace } from "../../model/trace_layout.ts";
import { repeat } from "../browser.ts";
import type { Session } from "./session.ts";

const GRAPH_MS = 3000;
const TRACE_MS = 500;
/** As many as the coordinator keeps. */
const TICKS_MAX = 120;

export class ScheduleWatch {
  readonly graph: Signal<MessageOf<"GraphReply"> | undefined> = signal(undefined);
  readonly ticks: Signal<readonly TickTrace[]> = signal([]);
  /** The tick whose lanes are shown; undefined: the newest. */
  readonly chosen: Signal<TickTrace | undefined> = signal(undefined);
  readonly shown: ReadonlySignal<TickTrace | undefined>;
  /** Whether somebody looks. */
  readonly isOpen: Signal<boolean> = signal(false);
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
    this.shown = computed(() => this.chosen.value ?? this.ticks.value.at(-1));
  }

  start(): void {
    repeat(GRAPH_MS, () => this.#refreshGraph());
    repeat(TRACE_MS, () => this.#refreshTrace());
  }

  async #refreshGraph(): Promise<void> {
    if (!this.isOpen.value || this.#session.status.value === undefined) return;
    const graph = await this.#session.request(this.#session.subjects.queryGraph, {
      type: "GraphRequest",
      value: {},
      replyType: "GraphReply",
    });
    // What is the same stays the same object, so that nothing is drawn again.
    if (JSON.stringify(graph) !== JSON.stringify(this.graph.value)) this.graph.value = graph;
  }

  async #refreshTrace(): Promise<void> {
    if (!this.isOpen.value || this.#session.status.value === undefined) return;
    const last = this.ticks.value.at(-1)?.tick_id;
    const newest = this.#session.status.value.tick_id;
    // What lies further back than that is not kept any more.
    const isContinued = last !== undefined && last <= newest && newest - last < TICKS_MAX / 2;
    if (isContinued && last === newest) return;
    const reply = await this.#session.request(this.#session.subjects.queryTrace, {
      type: "TraceRequest",
      value: isContinued ? { from_tick: last + 1 } : { ticks: TICKS_MAX - 1 },
      replyType: "TraceReply",
    });
    const kept = isContinued ? this.ticks.value : [];
    this.ticks.value = [...kept, ...reply.ticks].slice(-TICKS_MAX);
  }
}
