/**
 * The link to the NATS server, as those see it whose work ends when it goes down:
 * what was under way then may have happened or not, and no answer will come.
 *
 * @module
 */
import type { NatsConnection } from "@nats-io/nats-core";
import { UnavailableError } from "./log.ts";

export class NatsLink {
  readonly #handlers = new Set<() => void>();
  #isUp = true;

  constructor(connection: NatsConnection) {
    this.#watch(connection);
  }

  /**
   * Settles as what `work` returns does, or rejects as soon as the link goes down.
   * @throws {UnavailableError} when it is down; then `work` is not called.
   */
  async during<T>(failure: string, work: () => Promise<T>): Promise<T> {
    const down = Promise.withResolvers<never>();
    const reject = () => down.reject(new UnavailableError(`${failure}: no connection to NATS`));
    if (!this.#isUp) reject();
    const unsubscribe = this.onChange(reject);
    try {
      return await Promise.race([down.promise, ...(this.#isUp ? [work()] : [])]);
    } finally {
      unsubscribe();
    }
  }

  /** Calls `handler` whenever the link goes down or comes up; returns what ends that. */
  onChange(handler: () => void): () => void {
    this.#handlers.add(handler);
    return () => void this.#handlers.delete(handler);
  }

  async #watch(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === "disconnect") this.#set(false);
      else if (type === "reconnect") this.#set(true);
    }
    this.#set(false);
  }

  #set(isUp: boolean): void {
    this.#isUp = isUp;
    for (const handler of [...this.#handlers]) handler();
  }
}
