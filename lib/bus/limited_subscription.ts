/**
 * A subscription for a few messages over NATS. The client, when it reconnects,
 * asks the server for all messages of each of its subscriptions and throws away
 * those beyond the limit, which are then lost: a queue member that had room for
 * one more would swallow what others could have taken. So these end with the
 * connection and begin anew, for what is left, on the next one.
 *
 * @module
 */
import type { Subscription as NatsSubscription } from "@nats-io/nats-core";
import type { Subscription } from "./bus.ts";

export interface LimitedSubscriptionOptions {
  /** Messages until it ends itself. */
  readonly max: number;
  /** Subscribes the client to `max` messages, and calls `onMessage` before each is handled. */
  readonly open: (max: number, onMessage: () => void) => NatsSubscription;
  /** Called once, when it has ended. */
  readonly onEnd: (ended: LimitedSubscription) => void;
}

export class LimitedSubscription implements Subscription {
  readonly #options: LimitedSubscriptionOptions;
  #remaining: number;
  #current: NatsSubscription | undefined;
  #hasEnded = false;

  constructor(options: LimitedSubscriptionOptions) {
    this.#options = options;
    this.#remaining = options.max;
  }

  /** Begins on a connection; not while it is broken, when it would be lost. */
  begin(): void {
    if (this.#hasEnded || this.#current !== undefined) return;
    this.#current = this.#options.open(this.#remaining, () => this.#count());
  }

  /** The connection broke. */
  suspend(): void {
    this.#current?.unsubscribe();
    this.#current = undefined;
  }

  unsubscribe(): void {
    this.suspend();
    this.#end();
  }

  async drain(): Promise<void> {
    const current = this.#current;
    if (current !== undefined && !current.isClosed()) await current.drain();
    this.#end();
  }

  #count(): void {
    this.#remaining--;
    if (this.#remaining === 0) this.#end();
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#options.onEnd(this);
  }
}
