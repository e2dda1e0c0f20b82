/**
 * The link to the NATS server, as those see it whose work ends when it goes down:
 * what was under way then may have happened or not, and no answer will come.
 *
 * @module
 */
import type { NatsConnection } from "@nats-io/nats-core";
import type { BusStatus } from "./bus.ts";
import { UnavailableError } from "./log.ts";
import { isRefusal } from "./nats_errors.ts";

type StatusHandler = (status: BusStatus) => void;

export class NatsLink {
  readonly #handlers = new Set<StatusHandler>();
  #isUp = true;
  #isClosed = false;
  #isRefused = false;

  constructor(connection: NatsConnection, options: { onError: (error: Error) => void }) {
    this.#watch(connection, options);
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** True when it will not come up again. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Settles as what `work` returns does, or rejects as soon as the link goes down.
   * @throws {UnavailableError} when it is down; then `work` is not called.
   */
  async during<T>(failure: string, work: () => Promise<T>): Promise<T> {
    const down = Promise.withResolvers<never>();
    const reject = () => down.reject(new UnavailableError(`${failure}: no connection to NATS`));
    if (!this.#isUp) reject();
    const unsubscribe = this.onStatus(reject);
    try {
      return await Promise.race([down.promise, ...(this.#isUp ? [work()] : [])]);
    } finally {
      unsubscribe();
    }
  }

  /** Calls `handler` whenever the link goes down or comes up; returns what ends that. */
  onStatus(handler: StatusHandler): () => void {
    this.#handlers.add(handler);
    return () => void this.#handlers.delete(handler);
  }

  async #watch(
    connection: NatsConnection,
    { onError }: { onError: (error: Error) => void },
  ): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === "disconnect") this.#set("disconnected");
      else if (status.type === "reconnect") this.#set("reconnected");
      else if (status.type === "error" && this.#isNews(status.error)) onError(status.error);
    }
    this.#set("closed");
  }

  /** A server that does not let this client in any more says so at every attempt. */
  #isNews(error: Error): boolean {
    if (!isRefusal(error)) return true;
    const wasRefused = this.#isRefused;
    this.#isRefused = true;
    return !wasRefused;
  }

  #set(status: BusStatus): void {
    // The library may say it once for each try that failed on the way.
    if (status !== "closed" && (status === "reconnected") === this.#isUp) return;
    this.#isUp = status === "reconnected";
    this.#isClosed = status === "closed";
    if (this.#isUp) this.#isRefused = false;
    for (const handler of [...this.#handlers]) handler(status);
  }
}
