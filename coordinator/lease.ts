/**
 * The lease: a coordinator that leads says so again and again. Whoever has not
 * heard it for a while takes it for dead and may follow it. The lease is a hint
 * about when to try; that only one leads is the log's business.
 *
 * @module
 */
import type { Bus, Subscription } from "../lib/bus/bus.ts";
import { type Clock, delay, type Timer } from "../lib/clock.ts";
import { decodeMessage, encodeMessage } from "../lib/wire/codec.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { WireError } from "../lib/wire/wire_error.ts";

/** How often a leader speaks. */
const BEAT_MS = 100;
/** The silence after which it is taken for dead: some beats, since a long tick delays them. */
const LAPSE_MS = 500;

interface LeasePorts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
}

/** A leader's own lease. */
export class Lease {
  readonly #ports: LeasePorts;
  readonly #epoch: number;
  readonly #tick: () => number;
  #timer: Timer | undefined;
  #isOver = false;

  /** @param tick the newest tick */
  constructor(ports: LeasePorts, { epoch, tick }: { epoch: number; tick: () => number }) {
    this.#ports = ports;
    this.#epoch = epoch;
    this.#tick = tick;
  }

  /** Speaks from now on, at once for the first time. */
  begin(): void {
    if (this.#timer === undefined && !this.#isOver) this.#beat();
  }

  end(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  #beat(): void {
    const { bus, clock, subjects } = this.#ports;
    const value = { epoch: this.#epoch, tick_id: this.#tick() };
    const { data, options } = encodeMessage("Lease", value, { epoch: value.epoch });
    bus.publish(subjects.lease, data, options);
    this.#timer = clock.after(BEAT_MS, () => this.#beat());
  }
}

/** Listens for a leader, until it is disposed of. */
export class LeaseWatch implements Disposable {
  readonly #clock: Clock;
  readonly #subscription: Subscription;
  #heardAt: number;
  #newest: MessageOf<"Lease"> | undefined;

  constructor({ bus, clock, subjects }: LeasePorts) {
    this.#clock = clock;
    this.#heardAt = clock.now();
    this.#subscription = bus.subscribe(subjects.lease, (message) => {
      try {
        this.#hear(decodeMessage("Lease", message));
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
      }
    });
    // Nothing could be heard before, so nothing follows from it.
    bus.onStatus((status) => status === "reconnected" && this.renew());
  }

  /** The newest beat that has been heard. */
  get newest(): MessageOf<"Lease"> | undefined {
    return this.#newest;
  }

  /** True when nothing has been heard for long enough, the time before the watch began apart. */
  get isLapsed(): boolean {
    return this.#clock.now() - this.#heardAt >= LAPSE_MS;
  }

  /** Resolves when the lease has lapsed, at once where it has already; or when `signal` is aborted. */
  async lapsed(signal: AbortSignal): Promise<void> {
    while (!this.isLapsed && !signal.aborted) {
      await delay(this.#clock, this.#heardAt + LAPSE_MS - this.#clock.now(), signal);
    }
  }

  /** Waits for the lease to lapse; false when it has not after the time of `lapsesMax` lapses. */
  async lapses(lapsesMax: number): Promise<boolean> {
    const patience = new AbortController();
    const timer = this.#clock.after(lapsesMax * LAPSE_MS, () => patience.abort());
    await this.lapsed(patience.signal);
    timer.cancel();
    return this.isLapsed;
  }

  /** Somebody has been seen to lead. */
  renew(): void {
    this.#heardAt = this.#clock.now();
  }

  [Symbol.dispose](): void {
    this.#subscription.unsubscribe();
  }

  #hear(beat: MessageOf<"Lease">): void {
    // A leader that another one has followed may not know it yet.
    if (this.#newest && beat.epoch < this.#newest.epoch) return;
    this.#newest = beat;
    this.renew();
  }
}
