/**
 * A simulated process: a connection and a clock of its own, which die with it.
 *
 * @module
 */
import type { Bus } from "../lib/bus/bus.ts";
import type { Log } from "../lib/bus/log.ts";
import type { MemoryConnection, MemoryNetwork } from "../lib/bus/memory_bus.ts";
import type { Clock } from "../lib/clock.ts";
import type { Report } from "../lib/report.ts";
import { ProcessClock } from "./process_clock.ts";

export interface ProcessOptions {
  readonly name: string;
  readonly network: MemoryNetwork;
  readonly clock: Clock;
  say(name: string, line: string): void;
  /** A handler threw: a bug wherever it happens. */
  onError(name: string, error: Error): void;
}

export class SimulatedProcess {
  readonly name: string;
  readonly clock: ProcessClock;
  readonly report: Report;
  readonly #connection: MemoryConnection;
  #isAlive = true;
  #isPaused = false;

  constructor({ name, network, clock, say, onError }: ProcessOptions) {
    this.name = name;
    this.clock = new ProcessClock(clock);
    this.report = {
      info: (line) => say(name, line),
      warn: (line) => say(name, `warning: ${line}`),
    };
    this.#connection = network.connect(name, { onError: (error) => onError(name, error) });
  }

  get bus(): Bus {
    return this.#connection.bus;
  }

  get log(): Log {
    return this.#connection.log;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  kill(): void {
    this.#isAlive = false;
    this.#connection.kill();
    this.clock.kill();
  }

  /** Stands still, as after SIGSTOP. */
  pause(): void {
    this.#isPaused = true;
    this.#connection.pause();
    this.clock.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#connection.resume();
    this.clock.resume();
  }

  disconnect(): void {
    this.#connection.disconnect();
  }

  reconnect(): void {
    this.#connection.reconnect();
  }
}
