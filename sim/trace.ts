/**
 * What happened in a simulation: counted, hashed, and told line by line to whom
 * it may concern. Equal hashes mean that the same things happened in the same
 * order, at the same times.
 *
 * @module
 */
import type { Fault } from "../lib/bus/memory_link.ts";
import type { Clock } from "../lib/clock.ts";

export interface TraceOptions {
  readonly clock: Clock;
  readonly onLine: ((line: string) => void) | undefined;
}

interface TracedDelivery {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly bytes: number;
  readonly fault: Fault | undefined;
}

const FNV_PRIME = 0x01000193;

export class Trace {
  readonly counts: Record<string, number> = {};
  readonly #clock: Clock;
  readonly #onLine: TraceOptions["onLine"];
  #low = 0x811c9dc5;
  #high = 0x1000193;
  #events = 0;

  constructor({ clock, onLine }: TraceOptions) {
    this.#clock = clock;
    this.#onLine = onLine;
  }

  /** Timers and turns so far. */
  get events(): number {
    return this.#events;
  }

  get digest(): string {
    const hex = (half: number) => (half >>> 0).toString(16).padStart(8, "0");
    return `${hex(this.#high)}${hex(this.#low)}`;
  }

  step(): void {
    this.#events++;
  }

  count(kind: string): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
  }

  /** Something that says what happened. */
  note(who: string, line: string): void {
    this.#hashText(line);
    this.say(who, line);
  }

  delivery({ from, to, subject, bytes, fault }: TracedDelivery): void {
    this.#hash(Math.round(this.#clock.now() * 1000));
    this.#hash(bytes);
    this.#hashText(from);
    this.#hashText(to);
    this.#hashText(subject);
    if (this.#onLine === undefined) return;
    const fate = fault?.drop
      ? "is lost"
      : `takes ${(fault?.delayMs ?? 0).toFixed(2)} ms${fault?.duplicate ? ", twice" : ""}`;
    this.say(`${from || "server"} > ${to || "server"}`, `${subject} (${bytes} B) ${fate}`);
  }

  /** What is for people only. */
  say(who: string, line: string): void {
    this.#onLine?.(`${this.#clock.now().toFixed(2).padStart(10)}  ${who}: ${line}`);
  }

  #hashText(text: string): void {
    for (let i = 0; i < text.length; i++) this.#hash(text.charCodeAt(i));
  }

  /** FNV-1a over words, in two halves of different order. */
  #hash(word: number): void {
    this.#low = Math.imul(this.#low ^ (word | 0), FNV_PRIME);
    this.#high = Math.imul(this.#high, FNV_PRIME) ^ (word | 0);
  }
}
