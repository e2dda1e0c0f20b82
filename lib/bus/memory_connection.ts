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
import type { Clock, Timer } from "../clock.ts";
import type { Route } from "./memory_routes.ts";
import { checkPattern, checkSubject, isSubject } from "./subject.ts";

/** What a client needs of the network that it is connected to. */
export interface Hub {
  readonly payloadBytesMax: number;
  readonly clock: Clock;
  /** Takes the message now; its receivers get it in later turns. */
  publish(message: Message, from: string): void;
  addRoute(subscription: MemorySubscription): void;
  deleteRoute(subscription: MemorySubscription): void;
  /** Runs `task` behind everything that is on its way now. */
  enqueue(task: () => void): void;
  createInbox(): string;
}

export type ErrorHandler = (error: Error, subject: string) => void;

export interface MemoryBusOptions {
  name: string;
  onError: ErrorHandler;
}

const NO_HEADERS: Headers = Object.freeze({});

interface SubscriptionInit extends SubscribeOptions {
  hub: Hub;
  owner: string;
  /** Called once nothing can reach the handler any more. */
  onDone: (subscription: MemorySubscription) => void;
}

/** A subscription on both of its ends: the network's route and the client's handler. */
export class MemorySubscription implements Route, Subscription {
  readonly subject: string;
  readonly queue: string | undefined;
  /** The client's name. */
  readonly owner: string;
  readonly #init: SubscriptionInit;
  readonly #handle: MessageHandler;
  #remaining: number;
  #pending = 0;
  #state: "routed" | "draining" | "done" = "routed";
  #onDone: (() => void)[] = [];

  constructor(subject: string, handle: MessageHandler, init: SubscriptionInit) {
    this.subject = subject;
    this.queue = init.queue;
    this.owner = init.owner;
    this.#init = init;
    this.#handle = handle;
    this.#remaining = init.max ?? Infinity;
    init.hub.addRoute(this);
  }

  /** The network has picked this subscription for a message and sends it `copies` times. */
  expect(copies: number): void {
    this.#pending += copies;
    this.#remaining--;
    if (this.#remaining <= 0) this.#stopRouting();
  }

  /** A message has arrived. */
  deliver(message: Message): void {
    this.#pending--;
    if (this.#state !== "done") this.#handle(message);
    if (this.#state === "draining" && this.#pending === 0) this.unsubscribe();
  }

  unsubscribe(): void {
    if (this.#state === "done") return;
    this.#init.hub.deleteRoute(this);
    this.#state = "done";
    this.#init.onDone(this);
    for (const resolve of this.#onDone) resolve();
  }

  drain(): Promise<void> {
    this.#stopRouting();
    if (this.#state === "done") return Promise.resolve();
    return new Promise((resolve) => this.#onDone.push(resolve));
  }

  #stopRouting(): void {
    if (this.#state !== "routed") return;
    this.#init.hub.deleteRoute(this);
    this.#state = "draining";
    if (this.#pending === 0) this.unsubscribe();
  }
}

interface PendingRequest {
  readonly timer: Timer;
  readonly reject: (error: Error) => void;
}

/** The in-memory {@linkcode Bus}. Payloads are passed by reference. */
export class MemoryBus implements Bus {
  readonly #hub: Hub;
  readonly #name: string;
  readonly #onError: ErrorHandler;
  readonly #subscriptions = new Set<MemorySubscription>();
  readonly #requests = new Set<PendingRequest>();
  readonly #statusHandlers: ((status: BusStatus) => void)[] = [];
  #state: "open" | "closed" | "killed" = "open";
  #closing: Promise<void> | undefined;

  constructor(hub: Hub, options: MemoryBusOptions) {
    this.#hub = hub;
    this.#name = options.name;
    this.#onError = options.onError;
  }

  get payloadBytesMax(): number {
    return this.#hub.payloadBytesMax;
  }

  /** After a kill nothing that this client does has an effect, and nothing it awaits settles. */
  get killed(): boolean {
    return this.#state === "killed";
  }

  publish(subject: string, data: Uint8Array, options: PublishOptions = {}): void {
    this.checkPublish(subject, data);
    if (this.#state === "killed") return;
    const { reply } = options;
    const message = {
      subject,
      data,
      headers: options.headers ?? NO_HEADERS,
      reply: reply !== undefined && isSubject(reply) ? reply : undefined,
      noResponders: false,
    };
    this.#hub.publish(message, this.#name);
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
    if (this.#state === "killed") return { unsubscribe() {}, drain: () => Promise.resolve() };
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
      owner: this.#name,
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
    if (this.#state === "killed") return answer;
    const timer = this.#hub.clock.after(timeoutMs, () => {
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
    return new Promise((resolve) => {
      if (this.#state !== "killed") this.#hub.enqueue(resolve);
    });
  }

  onStatus(handler: (status: BusStatus) => void): void {
    this.#statusHandlers.push(handler);
  }

  close(): Promise<void> {
    if (this.#state === "killed") return Promise.resolve();
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Ends the client as a crash would: its subscriptions vanish, and nothing is handled or sent. */
  kill(): void {
    if (this.#state !== "open") return;
    this.#state = "killed";
    this.#dropAll((request) => request.timer.cancel());
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.drain()));
    await this.flush();
    if (this.#state !== "open") return;
    this.#state = "closed";
    this.#dropAll(({ timer, reject }) => {
      timer.cancel();
      reject(new Error(`Cannot await an answer on "${this.#name}": the connection was closed`));
    });
    for (const handler of this.#statusHandlers) handler("closed");
  }

  #dropAll(dropRequest: (request: PendingRequest) => void): void {
    for (const subscription of [...this.#subscriptions]) subscription.unsubscribe();
    for (const request of this.#requests) dropRequest(request);
    this.#requests.clear();
  }

  #checkOpen(action: string, subject: string): void {
    if (this.#state !== "closed") return;
    throw new Error(`Cannot ${action} "${subject}": the connection "${this.#name}" is closed`);
  }
}
