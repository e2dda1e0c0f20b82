/**
 * A change that is made little by little, as by dragging: what it has come to is carried
 * out while it goes on, and in the end counts as one.
 *
 * @module
 */
import type { Clock, Timer } from "../../lib/clock.ts";

/** From one value that is sent to the next, at the least. */
const EVERY_MS = 100;

export interface GesturePorts<T> {
  readonly clock: Clock;
  /** Whether a change counts soon; while none does, nothing is sent before the end. */
  isLive(): boolean;
  /** Carries out the change to a value; resolves when it counts. */
  send(value: T): Promise<unknown>;
  /** Takes back whatever was sent. */
  takeBack(): Promise<unknown>;
}

/** What a change is a part of. */
export interface GestureMark {
  /** Whether it has ended, so that what is sent now is the last of it. */
  readonly isOver: boolean;
}

export class Gesture<T> implements GestureMark {
  readonly #ports: GesturePorts<T>;
  /** The newest value, until it is sent; those before it are left out. */
  #next: { readonly value: T } | undefined;
  /** One at a time. */
  #sending: Promise<unknown> | undefined;
  #sentAt = -Infinity;
  #timer: Timer | undefined;
  #isOver = false;

  constructor(ports: GesturePorts<T>) {
    this.#ports = ports;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Has no effect once it is over. */
  set(value: T): void {
    if (this.#isOver) return;
    this.#next = { value };
    this.#sendWhenDue();
  }

  /** Sends what is left, and resolves when it counts. */
  async end(): Promise<void> {
    this.#stop();
    await this.#sending;
    this.#send();
    await this.#sending;
  }

  /** Resolves when all is as it was before. */
  async cancel(): Promise<void> {
    this.#stop();
    this.#next = undefined;
    await this.#sending;
    if (this.#sentAt > -Infinity) await this.#ports.takeBack();
  }

  #stop(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  #sendWhenDue(): void {
    if (this.#isOver || this.#next === undefined || this.#sending || this.#timer) return;
    const { clock } = this.#ports;
    const waitMs = this.#ports.isLive() ? this.#sentAt + EVERY_MS - clock.now() : EVERY_MS;
    if (waitMs <= 0) {
      this.#send();
      return;
    }
    this.#timer = clock.after(waitMs, () => {
      this.#timer = undefined;
      this.#sendWhenDue();
    });
  }

  async #send(): Promise<void> {
    const next = this.#next;
    if (next === undefined) return;
    this.#next = undefined;
    this.#sentAt = this.#ports.clock.now();
    // Who sends it says what goes wrong.
    this.#sending = this.#ports.send(next.value).catch(() => {});
    await this.#sending;
    this.#sending = undefined;
    this.#sendWhenDue();
  }
}
