/**
 * The nemesis: what goes wrong with processes, connections and the server, at
 * random moments, until it is told to let go.
 *
 * @module
 */
import type { Clock, Timer } from "../lib/clock.ts";
import type { Cluster } from "./cluster.ts";
import type { Draw } from "./draw.ts";
import type { NetworkFaults } from "./network_faults.ts";
import { toQuanta } from "./process_clock.ts";

export const DEEDS = [
  "instance killed",
  "instance stopped",
  "process paused",
  "connection broken",
  "client cut off",
  "coordinator killed",
  "coordinator started beside",
  "log down",
  "server restarted",
] as const;

export type Deed = typeof DEEDS[number];

export interface NemesisRates {
  /** Between two deeds, on average. */
  readonly pauseMs: number;
  /** What it does, each as likely as the others. */
  readonly deeds: readonly Deed[];
  /** How long what it does lasts, on average. */
  readonly durationMs: number;
}

export interface NemesisOptions {
  readonly cluster: Cluster;
  readonly faults: NetworkFaults;
  readonly clock: Clock;
  readonly draw: Draw;
  readonly rates: NemesisRates;
  count(deed: Deed): void;
  say(line: string): void;
}

export class Nemesis {
  readonly #options: NemesisOptions;
  #timer: Timer | undefined;
  #isLogDown = false;
  #isServerDown = false;

  constructor(options: NemesisOptions) {
    this.#options = options;
    if (options.rates.deeds.length > 0) this.#wait();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#isLogDown = this.#isServerDown = false;
  }

  #wait(): void {
    const { clock, draw, rates } = this.#options;
    this.#timer = clock.after(toQuanta(draw.exponential(rates.pauseMs)), () => {
      this.#act(draw.pick(rates.deeds));
      this.#wait();
    });
  }

  #act(deed: Deed): void {
    const { clock, draw, rates, count, say } = this.#options;
    const durationMs = toQuanta(draw.exponential(rates.durationMs));
    const victim = this.#do(deed, durationMs);
    if (victim === undefined) return;
    count(deed);
    say(`${deed}: ${victim}, ${durationMs.toFixed(1)} ms, at ${clock.now().toFixed(1)}`);
  }

  /** Whom it has hit; undefined where there was nothing to hit. */
  #do(deed: Deed, durationMs: number): string | undefined {
    const { cluster, faults, clock, draw } = this.#options;
    const pick = <T>(items: readonly T[]) => items.length === 0 ? undefined : draw.pick(items);
    switch (deed) {
      case "instance killed": {
        const process = pick(cluster.instances);
        if (process) cluster.kill(process);
        return process?.name;
      }
      case "instance stopped": {
        const process = pick(cluster.instances);
        if (process) cluster.stop(process);
        return process?.name;
      }
      case "process paused": {
        const process = pick(cluster.processes);
        process?.pause();
        if (process) clock.after(durationMs, () => process.resume());
        return process?.name;
      }
      case "connection broken": {
        const process = pick(cluster.processes);
        process?.disconnect();
        if (process) clock.after(durationMs, () => cluster.reconnect(process));
        return process?.name;
      }
      case "client cut off": {
        const process = pick(cluster.processes);
        if (process) faults.hold(process.name, clock.now() + durationMs);
        return process?.name;
      }
      case "coordinator killed": {
        const process = pick(cluster.coordinators);
        if (process) cluster.kill(process);
        return process?.name;
      }
      case "coordinator started beside":
        return cluster.startBeside();
      case "log down":
        return this.#takeLogDown(durationMs);
      case "server restarted":
        return this.#takeServerDown(durationMs);
    }
  }

  #takeLogDown(durationMs: number): string | undefined {
    const { faults, clock } = this.#options;
    if (this.#isLogDown) return undefined;
    this.#isLogDown = true;
    faults.setLogDown(true);
    clock.after(durationMs, () => {
      this.#isLogDown = false;
      faults.setLogDown(false);
    });
    return "streams";
  }

  #takeServerDown(durationMs: number): string | undefined {
    const { cluster, clock } = this.#options;
    if (this.#isServerDown) return undefined;
    this.#isServerDown = true;
    cluster.stopServer();
    clock.after(durationMs, () => {
      this.#isServerDown = false;
      cluster.startServer();
    });
    return "server";
  }
}
