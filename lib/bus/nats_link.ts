/**
 * How a NATS client's connection stands, and what that means for work that waits
 * for the server: an answer that was on its way when the connection broke will
 * never come.
 *
 * @module
 */
import type { NatsConnection } from "@nats-io/nats-core";
import type { BusStatus } from "./bus.ts";

/** The connection broke while something was waited for, or had before. */
export class BrokenLinkError extends Error {
  override readonly name = "BrokenLinkError";
}

export class NatsLink {
  readonly #statusHandlers: ((status: BusStatus) => void)[] = [];
  /** Reject what waits for an answer. */
  readonly #waiting = new Set<(error: Error) => void>();
  #isConnected = true;
  #isClosed = false;

  constructor(connection: NatsConnection, options: { onError: (error: Error) => void }) {
    this.#watch(connection, options);
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** True when the connection will not come back. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Calls `handler` on every change of status until the connection is closed. */
  onStatus(handler: (status: BusStatus) => void): void {
    this.#statusHandlers.push(handler);
  }

  /**
   * Resolves as `work` does. Rejects as soon as the connection breaks, and at once
   * while it is broken; what was asked for may have been done all the same.
   */
  async whileConnected<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#isConnected) throw brokenError();
    const { promise: broken, reject } = Promise.withResolvers<never>();
    this.#waiting.add(reject);
    try {
      return await Promise.race([work(), broken]);
    } finally {
      this.#waiting.delete(reject);
    }
  }

  async #watch(
    connection: NatsConnection,
    { onError }: { onError: (error: Error) => void },
  ): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === "disconnect") this.#set("disconnected");
      else if (status.type === "reconnect") this.#set("reconnected");
      else if (status.type === "error") onError(status.error);
    }
    this.#set("closed");
  }

  #set(status: BusStatus): void {
    this.#isConnected = status === "reconnected";
    this.#isClosed = status === "closed";
    if (!this.#isConnected) { for (const reject of this.#waiting) reject(brokenError()); }
    for (const handler of this.#statusHandlers) handler(status);
  }
}

function brokenError(): BrokenLinkError {
  return new BrokenLinkError("the connection to the NATS server is broken");
}
