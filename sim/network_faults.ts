/**
 * What the network does to messages: it takes its time, and for a while it also
 * loses, doubles and reorders them, or cuts clients off. What one publisher sends
 * on one subject is never reordered, and what a client subscribes to and asks
 * the server for keeps its place among what it publishes.
 *
 * @module
 */
import type { Clock } from "../lib/clock.ts";
import {
  type Delivery,
  type Fault,
  LOG_REQUEST,
  PING,
  STREAMS,
  SUBSCRIBE,
} from "../lib/bus/memory_link.ts";
import type { Draw } from "./draw.ts";
import { toQuanta } from "./process_clock.ts";

export interface NetworkRates {
  readonly latencyMs: number;
  readonly jitterMs: number;
  /** Shares of the deliveries, 0 to 1. */
  readonly drop: number;
  readonly duplicate: number;
  readonly straggle: number;
  readonly straggleMs: number;
  /** Whether what goes from one client to another on two subjects may change places. */
  readonly isReordering: boolean;
}

export type FaultKind = "dropped" | "duplicated" | "straggled" | "held" | "lost";

export interface NetworkFaultsOptions {
  readonly clock: Clock;
  readonly draw: Draw;
  readonly rates: NetworkRates;
  count(kind: FaultKind): void;
}

export class NetworkFaults {
  readonly #options: NetworkFaultsOptions;
  readonly #arrivals = new Map<string, number>();
  /** Clients whose traffic waits, and until when. */
  readonly #heldUntil = new Map<string, number>();
  #isLogDown = false;
  #isCalm = false;

  constructor(options: NetworkFaultsOptions) {
    this.#options = options;
  }

  /** Holds all that the client sends and gets for a while. */
  hold(client: string, untilMs: number): void {
    this.#heldUntil.set(client, untilMs);
  }

  /** The streams store nothing and answer nobody. */
  setLogDown(isDown: boolean): void {
    this.#isLogDown = isDown;
  }

  /** From now on nothing goes wrong any more. */
  calm(): void {
    this.#isCalm = true;
    this.#isLogDown = false;
    this.#heldUntil.clear();
  }

  readonly decide = (delivery: Delivery): Fault | undefined => {
    const { to, message: { subject } } = delivery;
    const isLogBound = to === STREAMS || subject === LOG_REQUEST;
    if (this.#isLogDown && isLogBound) return this.#dropped("lost");
    // A stream takes what has reached the server.
    if (to === STREAMS) return undefined;
    const { draw, rates } = this.#options;
    const isDroppable = subject !== SUBSCRIBE && subject !== PING;
    if (isDroppable && !this.#isCalm && draw.chance(rates.drop)) return this.#dropped("dropped");
    const delayMs = this.#delayMs(delivery);
    const isDoubled = isDroppable && subject !== LOG_REQUEST && !this.#isCalm &&
      draw.chance(rates.duplicate);
    if (!isDoubled) return { delayMs };
    this.#options.count("duplicated");
    return { delayMs, duplicate: true };
  };

  #dropped(kind: FaultKind): Fault {
    this.#options.count(kind);
    return { drop: true };
  }

  #delayMs({ from, to, message: { subject } }: Delivery): number {
    const { clock, draw, rates } = this.#options;
    const now = clock.now();
    let at = now + rates.latencyMs + draw.unit() * rates.jitterMs;
    if (!this.#isCalm && draw.chance(rates.straggle)) {
      this.#options.count("straggled");
      at += draw.exponential(rates.straggleMs);
    }
    const heldUntil = Math.max(this.#heldUntil.get(from) ?? 0, this.#heldUntil.get(to) ?? 0);
    if (heldUntil > now) {
      this.#options.count("held");
      at = Math.max(at, heldUntil);
    }
    const link = `${from}>${to}`;
    const isFree = rates.isReordering && subject !== PING && subject !== SUBSCRIBE;
    const lane = isFree ? `${link}>${subject}` : link;
    const behind = this.#arrivals.get(isFree ? lane : link) ?? 0;
    at = Math.max(now + toQuanta(at - now), behind);
    this.#arrivals.set(lane, at);
    // What asks for an answer comes behind all that was sent before.
    if (isFree) this.#arrivals.set(link, Math.max(at, this.#arrivals.get(link) ?? 0));
    return at - now;
  }
}
