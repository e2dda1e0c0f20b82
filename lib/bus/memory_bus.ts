/**
 * The bus and the log in memory: {@linkcode MemoryNetwork} stands in for the
 * NATS server, and each {@linkcode MemoryConnection} for a process's client.
 *
 * Messages are delivered in turns, in the order in which they were published.
 * Payloads are passed by reference: whoever publishes one hands it over and
 * must never write to it afterwards, nor may its receivers.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { type Clock, systemClock } from "../clock.ts";
import type { Bus, Message } from "./bus.ts";
import { type Log, StreamFullError } from "./log.ts";
import {
  bareMessage,
  copiesOf,
  type Faults,
  LOG_REQUEST,
  MemoryLink,
  SERVER,
  STREAMS,
} from "./memory_link.ts";
import {
  type ErrorHandler,
  type Hub,
  MemoryBus,
  type MemorySubscription,
} from "./memory_connection.ts";
import { MemoryLog, MemoryStore, type StoredHandler } from "./memory_log.ts";
import type { MemoryStream } from "./memory_stream.ts";
import { RouteTable } from "./memory_routes.ts";
import { encodeReceipt } from "./receipt.ts";

export interface MemoryNetworkOptions {
  /** Picks members of queue groups: numbers from 0 to below 1. */
  random: () => number;
  payloadBytesMax?: number;
  /** Times requests and delayed deliveries. */
  clock?: Clock;
  /** Runs one turn, later and never at once; by default as a macrotask. */
  defer?: (deliver: () => void) => void;
  /** What goes wrong with which delivery; nothing by default. */
  faults?: Faults;
  onStored?: StoredHandler;
}

/** One client of the network. */
export interface MemoryConnection {
  readonly bus: Bus;
  readonly log: Log;
  /**
   * Ends the client as a crash of its process would. Its subscriptions vanish,
   * nothing more is handled, what it still calls has no effect, and what it
   * awaits never settles. What it published before is still delivered.
   */
  kill(): void;
  /** Breaks the connection: what is on its way to the client, and what it publishes, is lost. */
  disconnect(): void;
  /** Connects anew, with all of its subscriptions. */
  reconnect(): void;
  /** Holds what arrives at the client, as when its process is stopped. */
  pause(): void;
  resume(): void;
}

const PAYLOAD_BYTES_MAX_DEFAULT = 8 * 1024 * 1024;

/** Deliveries in one turn; the rest waits for the next, so that timers get theirs. */
const TURN_DELIVERIES_MAX = 256;

/** The in-memory stand-in for a NATS server. */
export class MemoryNetwork {
  readonly #random: () => number;
  readonly #faults: Faults | undefined;
  readonly #clock: Clock;
  readonly #turns: TurnQueue;
  readonly #routes = new RouteTable<MemorySubscription>();
  readonly #store: MemoryStore;
  readonly #hub: Hub;
  #inboxes = 0;

  constructor(options: MemoryNetworkOptions) {
    this.#random = options.random;
    this.#faults = options.faults;
    this.#store = new MemoryStore(options.onStored);
    this.#clock = options.clock ?? systemClock;
    this.#turns = new TurnQueue(options.defer ?? ((deliver) => void setImmediate(deliver)));
    this.#hub = {
      payloadBytesMax: options.payloadBytesMax ?? PAYLOAD_BYTES_MAX_DEFAULT,
      publish: (message, from) => this.#publish(message, from),
      addRoute: (subscription) => this.#routes.add(subscription),
      deleteRoute: (subscription) => this.#routes.delete(subscription),
      createInbox: () => `_INBOX.${++this.#inboxes}`,
    };
  }

  connect(name: string, options: { onError: ErrorHandler }): MemoryConnection {
    const link = new MemoryLink({
      name,
      clock: this.#clock,
      faults: this.#faults,
      enqueue: (task) => this.#turns.push(task),
    });
    const bus = new MemoryBus(this.#hub, { link, onError: options.onError });
    const log = new MemoryLog({
      store: this.#store,
      link,
      request: bareMessage(LOG_REQUEST),
      check: (subject, data) => bus.checkPublish(subject, data),
      route: (message) => void this.#route(message, name),
      capture: (message, store) => this.#capture(message, { from: name, store }),
    });
    return {
      bus,
      log,
      kill: () => bus.kill(),
      disconnect: () => bus.disconnect(),
      reconnect: () => bus.reconnect(),
      pause: () => link.pause(),
      resume: () => link.resume(),
    };
  }

  /** What streams in memory hold is lost, as when the server is restarted. */
  forgetMemory(): void {
    this.#store.forgetMemory();
  }

  /**
   * A stream loses what came after a sequence, as when its server's power goes.
   * @throws {StreamNotFoundError} when there is no such stream.
   */
  cutStream(name: string, after: number): void {
    this.#store.get(name, "cut").cut(after);
  }

  #publish(message: Message, from: string): void {
    const receivers = this.#route(message, from);
    const { reply } = message;
    const stream = this.#store.find(message.subject);
    if (stream !== undefined) {
      const store = () => {
        const receipt = storeMessage(stream, message);
        if (reply !== undefined) this.#route({ ...bareMessage(reply), data: receipt }, SERVER);
      };
      this.#capture(message, { from, store });
    } else if (reply !== undefined && receivers === 0) {
      this.#route(bareMessage(reply, true), SERVER);
    }
  }

  /** Takes the message to the streams. */
  #capture(message: Message, { from, store }: { from: string; store: () => void }): void {
    const fault = this.#faults?.({ from, to: STREAMS, message });
    for (let copies = copiesOf(fault); copies > 0; copies--) {
      if (fault?.delayMs) this.#clock.after(fault.delayMs, store);
      else store();
    }
  }

  /** Sends the message on its way and returns how many subscriptions it goes to. */
  #route(message: Message, from: string): number {
    const receivers = this.#routes.select(message.subject, this.#random);
    for (const receiver of receivers) {
      const copies = receiver.link.deliver(message, from, () => receiver.deliver(message));
      // What is lost within the network does not count.
      if (copies > 0) receiver.expect(copies);
    }
    return receivers.length;
  }
}

/** Stores a plain publish, or does not where the stream is full, and returns the receipt. */
function storeMessage(stream: MemoryStream, message: Message): Uint8Array {
  try {
    return encodeReceipt({ stream: stream.name, sequence: stream.append(message) });
  } catch (error) {
    if (!(error instanceof StreamFullError)) throw error;
    return encodeReceipt({ stream: stream.name, sequence: 0, reason: error.message });
  }
}

/** Runs tasks in order, a bounded number per turn. */
class TurnQueue {
  readonly #defer: (deliver: () => void) => void;
  readonly #tasks: (() => void)[] = [];
  #next = 0;
  #scheduled = false;

  constructor(defer: (deliver: () => void) => void) {
    this.#defer = defer;
  }

  push(task: () => void): void {
    this.#tasks.push(task);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#defer(() => this.#run());
  }

  /** Runs what was there when the turn began; what these tasks push is for the next one. */
  #run(): void {
    this.#scheduled = false;
    const end = Math.min(this.#next + TURN_DELIVERIES_MAX, this.#tasks.length);
    while (this.#next < end) this.#tasks[this.#next++]?.();
    if (this.#next < this.#tasks.length) return this.#schedule();
    this.#tasks.length = 0;
    this.#next = 0;
  }
}
