/**
 * One client of a {@linkcode MemoryNetwork}: the in-memory Bus.
 *
 * @module
 */
import {
  type Bus,
  type BusStatus,
  type Headers,
  type Message,
  type MessageHandler,
  NoRespondersError,
  type PublishOptions,
  type RequestOptions,
  RequestTimeoutError,
  type SubscribeOptions,
  type Subscription,
} from "./bus.ts";
import type { Timer } from "../clock.ts";
import { bareMessage, type MemoryLink, PING, SERVER, SUBSCRIBE } from "./memory_link.ts";
import type { Route } from "./memory_routes.ts";
import { checkPattern, checkSubject, isSubject } from "./subject.ts";

/** What a client needs of the network that it is connected to. */
export interface Hub {
  readonly payloadBytesMax: number;
  /** The server has got the message; its receivers get it in later turns. */
  publish(message: Message, from: string): void;
  addRoute(subscription: MemorySubscription): void;
  deleteRoute(subscription: MemorySubscription): void;
  createInbox(): string;
}

export type ErrorHandler = (error: Error, subject: string) => void;

export interface MemoryBusOptions {
  link: MemoryLink;
  onError: ErrorHandler;
}

const NO_HEADERS: Headers = Object.freeze({});

interface SubscriptionInit extends SubscribeOptions {
  hub: Hub;
  link: MemoryLink;
  /** Called once nothing can reach the handler any more. */
  onDone: (subscription: MemorySubscription) => void;
}

/** A subscription on both of its ends: the network's route and the client's handler. */
export class MemorySubscription implements Route, Subscription {
  readonly subject: string;
  readonly queue: string | undefined;
  readonly link: MemoryLink;
  readonly #init: SubscriptionInit;
  readonly #handle: MessageHandler;
  readonly #max: number;
  /** Messages that the server has sent on their way, and those that have arrived. */
  #sent = 0;
  #received = 0;
  #pending = 0;
  #state: "open" | "draining" | "done" = "open";
  #onDone: (() => void)[] = [];

  constructor(subject: string, handle: MessageHandler, init: SubscriptionInit) {
    this.subject = subject;
    this.queue = init.queue;
    this.link = init.link;
    this.#init = init;
    this.#handle = handle;
    this.#max = init.max ?? Infinity;
    this.#route();
  }

  /** The network has picked this subscription for a message and sends it `copies` times. */
  expect(copies: number): void {
    this.#pending += copies;
    if (++this.#sent >= this.#max) this.#init.hub.deleteRoute(this);
  }

  /** A message has arrived. */
  deliver(message: Message): void {
    if (this.#state === "done") return;
    this.#pending--;
    this.#received++;
    this.#handle(message);
    const isDrained = this.#state === "draining" && this.#pending <= 0;
    if (isDrained || this.#received >= this.#max) this.unsubscribe();
  }

  /** The connection broke: what was on its way has been lost. */
  disconnected(): void {
    this.#init.hub.deleteRoute(this);
    this.#pending = 0;
    if (this.#state === "draining") this.unsubscribe();
  }

  /** The client subscribes again, for the messages that it has not got yet. */
  reconnected(): void {
    this.#sent = this.#received;
    this.#route();
  }

  unsubscribe(): void {
    if (this.#state === "done") return;
    this.#init.hub.deleteRoute(this);
    this.#state = "done";
    this.#init.onDone(this);
    for (const resolve of this.#onDone) resolve();
  }

  drain(): Promise<void> {
    if (this.#state === "open") {
      this.#init.hub.deleteRoute(this);
      this.#state = "draining";
      if (this.#pending <= 0) this.unsubscribe();
    }
    if (this.#state === "done") return Promise.resolve();
    return new Promise((resolve) => this.#onDone.push(resolve));
  }

  #route(): void {
    this.link.send(bareMessage(SUBSCRIBE), () => {
      if (this.#state === "open" && this.link.isUp) this.#init.hub.addRoute(this);
    });
  }
}

interface PendingRequest {
  readonly timer: Timer;
  readonly reject: (error: Error) => void;
}

/** The in-memory {@linkcode Bus}. Payloads are passed by reference. */
export class MemoryBus implements Bus {
  readonly #hub: Hub;
  readonly #link: MemoryLink;
  readonly #onError: ErrorHandler;
  readonly #subscriptions = new Set<MemorySubscription>();
  readonly #requests = new Set<PendingRequest>();
  readonly #flushes = new Set<(error: Error) => void>();
  readonly #statusHandlers: ((status: BusStatus) => void)[] = [];
  #isClosed = false;
  #closing: Promise<void> | undefined;

  constructor(hub: Hub, { link, onError }: MemoryBusOptions) {
    this.#hub = hub;
    this.#link = link;
    this.#onError = onError;
  }

  get payloadBytesMax(): number {
    return this.#hub.payloadBytesMax;
  }

  publish(subject: string, data: Uint8Array, options: PublishOptions = {}): void {
    this.checkPublish(subject, data);
    const { reply } = options;
    const message = {
      subject,
      data,
      headers: options.headers ?? NO_HEADERS,
      reply: reply !== undefined && isSubject(reply) ? reply : undefined,
      noResponders: false,
    };
    this.#link.send(message, () => this.#hub.publish(message, this.#link.name));
  }

  /** Refuses, as `publish` does, what cannot be published. */
  checkPublish(subject: string, data: Uint8Array): void {
    checkSubject(subject);
    if (data.length > this.payloadBytesMax) {
      throw new RangeError(
        `Cannot publish to "${subject}": ${data.length} bytes are more than the bus's ` +
          `${this.payloadBytesMax}`,
      );
    }
    this.#checkOpen("publish to", subject);
  }

  subscribe(
    subject: string,
    handler: MessageHandler,
    options: SubscribeOptions = {},
  ): Subscription {
    checkPattern(subject);
    if (this.#link.isKilled) return { unsubscribe() {}, drain: () => Promise.resolve() };
    this.#checkOpen("subscribe to", subject);
    const guarded = (message: Message) => {
      try {
        handler(message);
      } catch (error) {
        this.#onError(error instanceof Error ? error : new Error(String(error)), message.subject);
      }
    };
    const subscription = new MemorySubscription(subject, guarded, {
      ...options,
      hub: this.#hub,
      link: this.#link,
      onDone: (done) => this.#subscriptions.delete(done),
    });
    this.#subscriptions.add(subscription);
    return subscription;
  }

  async request(subject: string, data: Uint8Array, options: RequestOptions): Promise<Message> {
    const { timeoutMs, headers } = options;
    const reply = this.createInbox();
    const { promise: answer, resolve, reject } = Promise.withResolvers<Message>();
    const subscription = this.subscribe(reply, resolve, { max: 1 });
    if (this.#link.isKilled) return answer;
    const timer = this.#link.after(timeoutMs, () => {
      reject(new RequestTimeoutError(`No answer to a request to "${subject}" in ${timeoutMs} ms`));
    });
    const request = { timer, reject };
    this.#requests.add(request);
    try {
      this.publish(subject, data, { reply, ...(headers === undefined ? {} : { headers }) });
      const message = await answer;
      if (message.noResponders) throw new NoRespondersError(`Nobody subscribes to "${subject}"`);
      return message;
    } finally {
      timer.cancel();
      subscription.unsubscribe();
      this.#requests.delete(request);
    }
  }

  createInbox(): string {
    return this.#hub.createInbox();
  }

  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#link.isKilled) return;
      const fail = (error: Error) => reject(error);
      this.#flushes.add(fail);
      const done = () => {
        this.#flushes.delete(fail);
        resolve();
      };
      const ping = bareMessage(PING);
      if (this.#link.isUp) this.#link.send(ping, () => this.#link.deliver(ping, SERVER, done));
      else this.#failFlushes();
    });
  }

  onStatus(handler: (status: BusStatus) => void): void {
    this.#statusHandlers.push(handler);
  }

  close(): Promise<void> {
    if (this.#link.isKilled) return Promise.resolve();
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Ends the client as a crash would: its subscriptions vanish, and nothing is handled or sent. */
  kill(): void {
    if (this.#isClosed || this.#link.isKilled) return;
    this.#link.kill();
    this.#dropAll();
  }

  /** The connection breaks; what is published until it is back is lost. */
  disconnect(): void {
    if (!this.#link.isUp) return;
    this.#link.disconnect();
    for (const subscription of [...this.#subscriptions]) subscription.disconnected();
    this.#failFlushes();
    this.#setStatus("disconnected");
  }

  reconnect(): void {
    if (this.#link.isUp || this.#link.isKilled || this.#isClosed) return;
    this.#link.reconnect();
    for (const subscription of this.#subscriptions) subscription.reconnected();
    this.#setStatus("reconnected");
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.drain()));
    await this.flush().catch(() => undefined);
    if (this.#link.isKilled) return;
    this.#isClosed = true;
    for (const { timer, reject } of this.#requests) {
      timer.cancel();
      reject(
        new Error(`Cannot await an answer on "${this.#link.name}": the connection was closed`),
      );
    }
    this.#dropAll();
    this.#setStatus("closed");
  }

  #setStatus(status: BusStatus): void {
    for (const handler of this.#statusHandlers) handler(status);
  }

  #failFlushes(): void {
    for (const fail of this.#flushes) {
      fail(new Error(`Cannot flush "${this.#link.name}": it is disconnected`));
    }
    this.#flushes.clear();
  }

  #dropAll(): void {
    for (const subscription of [...this.#subscriptions]) subscription.unsubscribe();
    this.#requests.clear();
  }

  #checkOpen(action: string, subject: string): void {
    if (!this.#isClosed) return;
    throw new Error(`Cannot ${action} "${subject}": the connection "${this.#link.name}" is closed`);
  }
}
