/**
 * The past: builds the world again as it was after a tick, and answers the same
 * queries about it as the coordinator does about the present, under a prefix of its
 * own. Also begins other worlds from there.
 *
 * @module
 */
import { snapshotOf } from "../../coordinator/replay.ts";
import type { Replica } from "../../coordinator/replica.ts";
import { SnapshotCommands, type SnapshotPorts } from "../../coordinator/snapshot_commands.ts";
import { Timeline } from "../../coordinator/timeline.ts";
import type { Message, Subscription } from "../../lib/bus/bus.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Report } from "../../lib/report.ts";
import { SnapshotStore } from "../../lib/snapshot/snapshot_store.ts";
import { UserError } from "../../lib/user_error.ts";
import { decodeMessage, type Encoded, encodeMessage } from "../../lib/wire/codec.ts";
import type { MessageOf, MessageType } from "../../lib/wire/messages.ts";
import { answerRequest } from "../../lib/wire/request.ts";
import { SerialQueue } from "../../lib/wire/serial_queue.ts";
import { createSubjects } from "../../lib/wire/subjects.ts";
import { PastView } from "./past_view.ts";

/** Views at a time; each holds a world. */
const VIEWS_MAX = 4;
/** A view that nobody has asked anything for so long is closed. */
const IDLE_MS = 60_000;
/** One that was asked something since is being looked at. */
const LOOKED_AT_MS = 15_000;
const SWEEP_MS = 5_000;
/** Requests that wait for a replay. */
const WAITING_MAX = 8;
/** Editors of one world share what is asked. */
const QUEUE = "editor";

export interface PastServiceOptions extends SnapshotPorts {
  /** Of this editor: one token of a subject. */
  readonly id: string;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  now(): number;
  readonly report: Report;
}

type Handler<T extends MessageType> = (value: MessageOf<T>) => Promise<Encoded>;

export class PastService implements Disposable {
  readonly #options: PastServiceOptions;
  readonly #views = new Map<string, PastView>();
  readonly #subscriptions: Subscription[] = [];
  /** What the last view to be closed was built from: the next one may go on from there. */
  #spare: Replica | undefined;
  /** Replays are made one after the other. */
  readonly #replays = new SerialQueue({
    lengthMax: WAITING_MAX,
    busy: "Cannot go back now: others wait for their ticks; try again later",
  });
  #opened = 0;
  #sweep = { cancel() {} };

  constructor(options: PastServiceOptions) {
    this.#options = options;
  }

  /** Begins to answer. */
  start(): void {
    const { pastOpen, pastFork } = this.#options.subjects;
    this.#serve(pastOpen, "PastOpen", (value) => this.#open(value));
    this.#serve(pastFork, "PastFork", (value) => this.#fork(value));
    this.#sweepLater();
  }

  [Symbol.dispose](): void {
    this.#sweep.cancel();
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    for (const view of this.#views.values()) view[Symbol.dispose]();
    this.#views.clear();
  }

  #serve<T extends MessageType>(subject: string, type: T, handle: Handler<T>): void {
    const answer = (message: Message) => {
      const value = decodeMessage(type, message);
      return this.#replays.run(() => handle(value));
    };
    this.#subscriptions.push(
      this.#options.bus.subscribe(
        subject,
        (message) => void answerRequest(message, () => answer(message), this.#options),
        { queue: QUEUE },
      ),
    );
  }

  async #open({ tick_id }: MessageOf<"PastOpen">) {
    if (this.#views.size >= VIEWS_MAX) this.#makeRoom(tick_id);
    const { ranges, replica } = await this.#replay(tick_id);
    const { bus, clock, id, report, subjects } = this.#options;
    const prefix = subjects.pastView(`${id}-${++this.#opened}`);
    const close = () => this.#closeView(prefix);
    const view = new PastView({ bus, clock, report, prefix, replica, close });
    this.#views.set(prefix, view);
    return encodeMessage("PastOpenReply", {
      prefix,
      tick_id: replica.state.tick,
      oldest_tick: ranges[0]?.first ?? tick_id,
      newest_tick: ranges.at(-1)?.last ?? tick_id,
    });
  }

  async #fork({ tick_id, prefix }: MessageOf<"PastFork">) {
    const { bus, log, now, subjects } = this.#options;
    const target = createSubjects(prefix);
    const { replica } = await this.#replay(tick_id);
    const note = `tick ${replica.state.tick} of ${subjects.prefix}`;
    const snapshot = snapshotOf(replica, { createdAt: now(), note });
    const { payloadBytesMax } = bus;
    const store = new SnapshotStore({ log, subjects: target, payloadBytesMax });
    await new SnapshotCommands({ bus, log, store, subjects: target }).begin(snapshot);
    this.#spare = replica;
    return encodeMessage("PastForkReply", {
      prefix: target.prefix,
      tick_id: replica.state.tick,
      command: `deno task coord --prefix ${target.prefix}`,
    });
  }

  /** The world as of a tick; from the spare on where that is nearer than any snapshot. */
  async #replay(tick: number): Promise<{ ranges: Timeline["ranges"]; replica: Replica }> {
    const timeline = await Timeline.open(this.#options);
    const spare = this.#spare;
    this.#spare = undefined;
    const started = await timeline.start(tick);
    const isSpareNearer = spare !== undefined && spare.state.tick <= tick &&
      spare.state.tick > started.state.tick;
    const replica = isSpareNearer ? spare : started;
    for await (const _ of timeline.advance(replica, tick));
    return { ranges: timeline.ranges, replica };
  }

  #sweepLater(): void {
    const { clock } = this.#options;
    this.#sweep = clock.after(SWEEP_MS, () => {
      for (const [prefix, view] of this.#views) {
        if (clock.now() - view.usedAt > IDLE_MS) this.#closeView(prefix);
      }
      this.#sweepLater();
    });
  }

  /** @throws {UserError} when all views are being looked at: none is taken from anybody. */
  #makeRoom(tick: number): void {
    const [[prefix, { usedAt }]] = [...this.#views].toSorted(([, a], [, b]) => a.usedAt - b.usedAt);
    if (this.#options.clock.now() - usedAt <= LOOKED_AT_MS) {
      throw new UserError(
        `Cannot look at tick ${tick}: ${VIEWS_MAX} views of the past are being looked at, ` +
          "which is the most",
      );
    }
    this.#closeView(prefix);
  }

  #closeView(prefix: string): void {
    const view = this.#views.get(prefix);
    if (view === undefined) return;
    view[Symbol.dispose]();
    this.#spare = view.replica;
    this.#views.delete(prefix);
  }
}
