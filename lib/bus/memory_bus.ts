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
import type { Bus, Headers, Message } from "./bus.ts";
import { type Log, StreamFullError } from "./log.ts";
import {
  type ErrorHandler,
  type Hub,
  MemoryBus,
  type MemorySubscription,
} from "./memory_connection.ts";
import { MemoryLog, MemoryStore, type MemoryStream } from "./memory_log.ts";
import { RouteTable } from "./memory_routes.ts";
import { encodeReceipt } from "./receipt.ts";

/** A message on its way to one subscription. */
export interface Delivery {
  /** Names of the clients; the network's own notices come from "". */
  readonly from: string;
  readonly to: string;
  readonly message: Message;
}

/** What goes wrong with a delivery. A delayed one is overtaken by those behind it. */
export interface Fault {
  readonly drop?: boolean;
  readonly delayMs?: number;
  readonly duplicate?: boolean;
}

export interface MemoryNetworkOptions {
  /** Picks members of queue groups: numbers from 0 to below 1. */
  random: () => number;
  payloadBytesMax?: number;
  /** Times requests and delayed deliveries. */
  clock?: Clock;
  /** Runs one turn, later and never at once; by default as a macrotask. */
  defer?: (deliver: () => void) => void;
  /** Asked for each delivery; undefined lets it pass. */
  faults?: (delivery: Delivery) => Fault | undefined;
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
}

const PAYLOAD_BYTES_MAX_DEFAULT = 8 * 1024 * 1024;

/** Deliveries in one turn; the rest waits for the next, so that timers get theirs. */
const TURN_DELIVERIES_MAX = 256;

const NO_HEADERS: Headers = Object.freeze({});
const NO_DATA = new Uint8Array(0);

/** The in-memory stand-in for a NATS server. */
export class MemoryNetwork {
  readonly #random: () => number;
  readonly #faults: ((delivery: Delivery) => Fault | undefined) | undefined;
  readonly #clock: Clock;
  readonly #turns: TurnQueue;
  readonly #routes = new RouteTable<MemorySubscription>();
  readonly #store = new MemoryStore();
  readonly #hub: Hub;
  #inboxes = 0;

  constructor(options: MemoryNetworkOptions) {
    this.#random = options.random;
    this.#faults = options.faults;
    this.#clock = options.clock ?? systemClock;
    this.#turns = new TurnQueue(options.defer ?? ((deliver) => void setImmediate(deliver)));
    this.#hub = {
      payloadBytesMax: options.payloadBytesMax ?? PAYLOAD_BYTES_MAX_DEFAULT,
      clock: this.#clock,
      publish: (message, from) => this.#publish(message, from),
      addRoute: (subscription) => this.#routes.add(subscription),
      deleteRoute: (subscription) => this.#routes.delete(subscription),
      enqueue: (task) => this.#turns.push(task),
      createInbox: () => `_INBOX.${++this.#inboxes}`,
    };
  }

  connect(name: string, options: { onError: ErrorHandler }): MemoryConnection {
    const bus = new MemoryBus(this.#hub, { name, onError: options.onError });
    const log = new MemoryLog({
      store: this.#store,
      isAlive: () => !bus.killed,
      enqueue: (task) => this.#turns.push(task),
      publishPast: (subject, data, headers) => {
        bus.checkPublish(subject, data);
        if (bus.killed) return undefined;
        const message = { subject, data, headers, reply: undefined, noResponders: false };
        this.#route(message, name);
        return message;
      },
    });
    return { bus, log, kill: () => bus.kill() };
  }

  #publish(message: Message, from: string): void {
    const receivers = this.#route(message, from);
    const stream = this.#store.find(message.subject);
    const receipt = stream && capture(stream, message);
    const { reply } = message;
    if (reply === undefined) return;
    if (receipt !== undefined) this.#route(notice(reply, receipt), "");
    else if (receivers === 0) this.#route({ ...notice(reply, NO_DATA), noResponders: true }, "");
  }

  /** Sends the message on its way and returns how many subscriptions it goes to. */
  #route(message: Message, from: string): number {
    const receivers = this.#routes.select(message.subject, this.#random);
    for (const receiver of receivers) this.#send(message, { from, receiver });
    return receivers.length;
  }

  #send(
    message: Message,
    { from, receiver }: { from: string; receiver: MemorySubscription },
  ): void {
    const fault = this.#faults?.({ from, to: receiver.owner, message });
    const copies = fault?.drop ? 0 : fault?.duplicate ? 2 : 1;
    const delayMs = fault?.delayMs ?? 0;
    receiver.expect(copies);
    const deliver = () => receiver.deliver(message);
    for (let copy = 0; copy < copies; copy++) {
      if (delayMs > 0) this.#clock.after(delayMs, () => this.#turns.push(deliver));
      else this.#turns.push(deliver);
    }
  }
}

/** Stores a plain publish, or does not where the stream is full, and returns the receipt. */
function capture(stream: MemoryStream, message: Message): Uint8Array {
  try {
    return encodeReceipt({ stream: stream.name, sequence: stream.append(message) });
  } catch (error) {
    if (!(error instanceof StreamFullError)) throw error;
    return encodeReceipt({ stream: stream.name, sequence: 0, reason: error.message });
  }
}

/** A message of the network's own. */
function notice(subject: string, data: Uint8Array): Message {
  return { subject, data, headers: NO_HEADERS, reply: undefined, noResponders: false };
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
