/**
 * The tally of many simulations.
 *
 * @module
 */
import { isFailure, replayCommand, type SeedFailure, type SeedOutcome } from "./seed_run.ts";

const SECOND_MS = 1000;
const FAILURES_SHOWN_MAX = 20;

export class Tally {
  readonly #failures: SeedFailure[] = [];
  readonly #faults = new Map<string, number>();
  #seeds = 0;
  #ticks = 0;
  #events = 0;
  #virtualMs = 0;
  #answered = 0;

  get seeds(): number {
    return this.#seeds;
  }

  get failures(): readonly SeedFailure[] {
    return this.#failures;
  }

  add(outcome: SeedOutcome): void {
    this.#seeds++;
    if (isFailure(outcome)) {
      this.#failures.push(outcome);
      return;
    }
    this.#ticks += outcome.ticks;
    this.#events += outcome.events;
    this.#virtualMs += outcome.virtualMs;
    this.#answered += outcome.answered;
    for (const [kind, count] of Object.entries(outcome.faults)) {
      this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + count);
    }
  }

  progress(elapsedMs: number): string {
    const perSecond = this.#seeds / Math.max(1, elapsedMs) * SECOND_MS;
    return `${this.#seeds} seeds, ${perSecond.toFixed(1)} a second, ${this.#ticks} ticks, ` +
      `${this.#failures.length} failures`;
  }

  summary(elapsedMs: number): string {
    const faults = [...this.#faults].sort(([, a], [, b]) => b - a);
    const width = Math.max(0, ...faults.map(([kind]) => kind.length));
    return [
      `${this.progress(elapsedMs)}, in ${(elapsedMs / SECOND_MS).toFixed(1)} s`,
      `${this.#events} events over ${Math.round(this.#virtualMs / SECOND_MS)} simulated seconds; ` +
      `${this.#answered} commands and queries answered`,
      ...faults.map(([kind, count]) => `  ${kind.padEnd(width)}  ${count}`),
      ...this.#failures.slice(0, FAILURES_SHOWN_MAX).map(describeFailure),
    ].join("\n");
  }
}

export function describeFailure(failed: SeedFailure): string {
  return `seed ${failed.seed} failed; run \`${replayCommand(failed)}\` to see how\n  ${
    failed.failure.replaceAll("\n", "\n  ")
  }`;
}
