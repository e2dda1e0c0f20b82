/**
 * What the programs have in common: how they start, what they print, and how
 * they are told to stop.
 *
 * @module
 */
import { InvalidArgumentError } from "commander";
import { formatDate, systemClock, systemDateMs } from "./clock.ts";
import { limitWarnings, type Report } from "./report.ts";
import { UserError } from "./user_error.ts";

/** Runs a program; a user's mistake is printed without a stack, and exits with 1. */
export async function runProgram(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(error.message);
    Deno.exit(1);
  }
}

/** A report to stderr, each line under the name of who speaks. */
export function terminalReport(name: string): Report {
  return {
    info: (line) => console.error(`${name}: ${line}`),
    warn: (line) => console.error(`${name}: warning: ${line}`),
  };
}

/** The flag of {@linkcode tickReport}, and what it does. */
export const LOG_JSON = ["--log-json", "print each line as a JSON object, with the tick"] as const;

/** The report of a program that ticks. */
export interface TickReport extends Report {
  /** Has JSON lines say the tick that it is; they say 0 before. */
  follow(tickNumber: () => number): void;
}

/**
 * A report to stderr of a few warnings a second at most. With `logJson` each line is a
 * JSON object, for programs that collect them.
 */
export function tickReport(name: string, { logJson }: { logJson?: boolean }): TickReport {
  let tickNumber = () => 0;
  const say = (level: string) => (message: string) => {
    const time = formatDate(systemDateMs());
    console.error(JSON.stringify({ time, level, source: name, tick: tickNumber(), message }));
  };
  const report = logJson ? { info: say("info"), warn: say("warn") } : terminalReport(name);
  return {
    ...limitWarnings(report, systemClock),
    follow(current) {
      tickNumber = current;
    },
  };
}

const STOP_SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Calls `stop` at each SIGINT or SIGTERM, with how many there have been; disposing ends that. */
export function onStopSignal(stop: (count: number) => void): Disposable {
  let count = 0;
  const listener = () => stop(++count);
  for (const signal of STOP_SIGNALS) Deno.addSignalListener(signal, listener);
  return {
    [Symbol.dispose]() {
      for (const signal of STOP_SIGNALS) Deno.removeSignalListener(signal, listener);
    },
  };
}

/** Resolves when whoever holds the other end of standard input lets go of it. */
export async function stdinEnd(): Promise<void> {
  for await (const _ of Deno.stdin.readable);
}

/** Parses a flag's value as a number above 0. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError("It takes a number above 0.");
}

/** Parses a flag's value as an integer from 1. */
export function positiveInteger(text: string): number {
  const value = positiveNumber(text);
  if (Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError("It takes an integer from 1.");
}

/** Parses a flag's value as how often a NATS server syncs. */
export function syncInterval(text: string): string {
  if (text === "always" || /^[1-9]\d*(ms|s|m)$/.test(text)) return text;
  throw new InvalidArgumentError("It takes a time such as 500ms, 10s or 2m, or always.");
}

/** A seed for a run that is given none: a positive integer that `positiveInteger` takes back. */
export function drawSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] + 1;
}

/** Eight hex digits to tell one process, or what it makes, from another. */
export function drawId(): string {
  return crypto.randomUUID().slice(0, 8);
}

/** An id that nothing else has, ever. */
export function drawUniqueId(): string {
  return crypto.randomUUID();
}
