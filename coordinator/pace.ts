/**
 * The pace of a world: when its next tick begins. That is what the pacer says,
 * unless the gate is shut, or the world is held while something is done to it.
 *
 * @module
 */
import { type Clock, delay } from "../lib/clock.ts";
import { Gate } from "./gate.ts";
import { Pacer } from "./pacer.ts";

export class Pace {
  readonly #clock: Clock;
  readonly #gate = new Gate();
  readonly #pacer: Pacer;
  readonly #stopping = new AbortController();
  /** Aborted when the wait for the next tick is for nothing. */
  #waiting = new AbortController();
  #held: Promise<unknown> | undefined;
  #dt: number;

  constructor(clock: Clock, { hz, isUnpaced }: { hz: number; isUnpaced: boolean }) {
    this.#clock = clock;
    this.#dt = 1 / hz;
    this.#pacer = new Pacer(isUnpaced ? Infinity : hz, clock.now());
  }

  /** Simulated time of a tick, in seconds. */
  get dt(): number {
    return this.#dt;
  }

  /** Milliseconds between ticks; 0 without waiting. */
  get periodMs(): number {
    return this.#pacer.periodMs;
  }

  /** False while paused. */
  get isRunning(): boolean {
    return this.#gate.isOpen;
  }

  get isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** True while no tick may begin. */
  get isHeld(): boolean {
    return this.#held !== undefined;
  }

  /** The next tick is due at once. */
  restart(): void {
    this.#pacer.restart(this.#clock.now());
  }

  /** Waits for the next tick's time; false when there is reason to ask again. */
  async next(): Promise<boolean> {
    if (!this.#gate.isOpen) {
      await this.#gate.pass();
      this.restart();
    }
    const waitMs = this.#pacer.next(this.#clock.now());
    this.#waiting = new AbortController();
    if (waitMs > 0) await delay(this.#clock, waitMs, this.#waiting.signal);
    if (this.#waiting.signal.aborted) return false;
    while (this.#held) await this.#held;
    return !this.isStopped;
  }

  pause(): void {
    this.#gate.pause();
    this.#waiting.abort();
  }

  resume(): void {
    this.#gate.open();
  }

  /** Lets `ticks` ticks through, and pauses. */
  step(ticks: number): void {
    this.#gate.step(ticks);
    this.#waiting.abort();
  }

  setRate(hz: number): void {
    this.#dt = 1 / hz;
    this.#pacer.restart(this.#clock.now(), hz);
    this.#waiting.abort();
  }

  /** Lets no tick begin before `work` settles, paused or not. Call it between ticks. */
  hold(work: Promise<unknown>): void {
    const held = Promise.allSettled([this.#held, work]).then(() => {
      if (this.#held === held) this.#held = undefined;
    });
    this.#held = held;
  }

  /** No tick begins any more. */
  stop(): void {
    this.#stopping.abort();
    this.#waiting.abort();
    this.#gate.open();
  }
}
