/**
 * A client's link to the {@linkcode MemoryNetwork}, both ways, and all that can
 * go wrong with it: messages get lost, late or twice, the connection breaks, the
 * process behind it stands still or dies.
 *
 * @module
 */
import type { Clock, Timer } from "../clock.ts";
import type { Headers, Message } from "./bus.ts";

/** The server, as an end of a delivery. */
export const SERVER = "";
/** The streams, as the receiver of what they capture. */
export const STREAMS = "$JS";
/** Subjects of what a client tells the server, or asks it, beside publishing. */
export const SUBSCRIBE = "$SUB";
export const PING = "$PING";
export const LOG_REQUEST = "$JS.API";

/** A message on its way: from a client to the server, or from there to a subscription. */
export interface Delivery {
  /** The publisher's name; what the server says by itself comes from {@linkcode SERVER}. */
  readonly from: string;
  /** The receiver's name, {@linkcode SERVER} or {@linkcode STREAMS}. */
  readonly to: string;
  readonly message: Message;
}

/** What goes wrong with a delivery. A delayed one is overtaken by those behind it. */
export interface Fault {
  readonly drop?: boolean;
  readonly delayMs?: number;
  readonly duplicate?: boolean;
}

/** Asked for each delivery; undefined lets it pass. */
export type Faults = (delivery: Delivery) => Fault | undefined;

export interface LinkOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly faults: Faults | undefined;
  /** Runs `task` in a later turn of the network. */
  enqueue(task: () => void): void;
}

export class MemoryLink {
  readonly name: string;
  readonly #options: LinkOptions;
  /** Counts the connections; what was on its way over an earlier one is lost. */
  #generation = 0;
  #state: "up" | "down" | "killed" = "up";
  #isPaused = false;
  readonly #held: (() => void)[] = [];
  readonly #timers = new Set<Timer>();

  constructor(options: LinkOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#state === "up";
  }

  get isKilled(): boolean {
    return this.#state === "killed";
  }

  /** Takes `message` to the server, where `arrive` runs for each copy. */
  send(message: Message, arrive: () => void): void {
    if (!this.isUp) return;
    const { faults, clock } = this.#options;
    const fault = faults?.({ from: this.name, to: SERVER, message });
    for (let copies = copiesOf(fault); copies > 0; copies--) {
      if (fault?.delayMs) clock.after(fault.delayMs, arrive);
      else arrive();
    }
  }

  /**
   * Takes `message` from the server to this client, where `arrive` runs for each
   * copy in turns of their own; returns how many there will be.
   */
  deliver(message: Message, from: string, arrive: () => void): number {
    if (!this.isUp) return 0;
    const { faults, clock, enqueue } = this.#options;
    const fault = faults?.({ from, to: this.name, message });
    const copies = copiesOf(fault);
    const generation = this.#generation;
    const receive = () => this.#receive(generation, arrive);
    for (let copy = 0; copy < copies; copy++) {
      if (fault?.delayMs) clock.after(fault.delayMs, () => enqueue(receive));
      else enqueue(receive);
    }
    return copies;
  }

  /** What is on its way to this client is lost, and nothing comes or goes any more. */
  disconnect(): void {
    if (!this.isUp) return;
    this.#state = "down";
    this.#generation++;
    this.#held.length = 0;
  }

  reconnect(): void {
    if (this.#state === "down") this.#state = "up";
  }

  kill(): void {
    this.#state = "killed";
    this.#generation++;
    this.#held.length = 0;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  /** Calls back in a while, unless the client is dead by then. */
  after(delayMs: number, callback: () => void): Timer {
    const timer = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(timer);
      callback();
    });
    this.#timers.add(timer);
    return {
      cancel: () => {
        this.#timers.delete(timer);
        timer.cancel();
      },
    };
  }

  /** Holds what arrives until {@linkcode resume}, as a stopped process does. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    for (const arrive of this.#held.splice(0)) this.#options.enqueue(arrive);
  }

  #receive(generation: number, arrive: () => void): void {
    if (generation !== this.#generation) return;
    if (this.#isPaused) this.#held.push(() => this.#receive(generation, arrive));
    else arrive();
  }
}

export function copiesOf(fault: Fault | undefined): number {
  if (fault?.drop) return 0;
  return fault?.duplicate ? 2 : 1;
}

const NO_HEADERS: Headers = Object.freeze({});
const NO_DATA = new Uint8Array(0);

/** A message without content, for what is no publication. */
export function bareMessage(subject: string, noResponders = false): Message {
  return { subject, data: NO_DATA, headers: NO_HEADERS, reply: undefined, noResponders };
}
