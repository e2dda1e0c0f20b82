/**
 * Shows a status line while a program runs: in place on a terminal, as plain
 * lines at a slower pace where the output is piped.
 *
 * @module
 */
import type { Clock, Timer } from "../lib/clock.ts";
import type { Report } from "../lib/report.ts";

const TERMINAL_INTERVAL_MS = 250;
const PIPED_INTERVAL_MS = 2000;
const CLEAR_LINE = "\r\x1b[K";

export class StatusDisplay implements Disposable {
  /** A report whose lines leave the status line whole. */
  readonly report: Report;
  readonly #clock: Clock;
  readonly #isTerminal = Deno.stderr.isTerminal();
  readonly #encoder = new TextEncoder();
  #timer: Timer | undefined;
  #shown = "";

  constructor(clock: Clock) {
    this.#clock = clock;
    this.report = {
      info: (line) => this.#print(line),
      warn: (line) => this.#print(`warning: ${line}`),
    };
  }

  /** Shows what `status` returns, from now on and until disposed. */
  show(status: () => string): void {
    const intervalMs = this.#isTerminal ? TERMINAL_INTERVAL_MS : PIPED_INTERVAL_MS;
    this.#timer = this.#clock.after(intervalMs, () => {
      if (this.#isTerminal) this.#draw(status());
      else console.error(status());
      this.show(status);
    });
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    if (this.#shown !== "") this.#write(CLEAR_LINE);
    this.#shown = "";
  }

  #draw(line: string): void {
    this.#shown = line.slice(0, Math.max(0, columns() - 1));
    this.#write(`${CLEAR_LINE}${this.#shown}`);
  }

  #print(line: string): void {
    if (this.#shown === "") return console.error(line);
    this.#write(`${CLEAR_LINE}${line}\n${this.#shown}`);
  }

  #write(text: string): void {
    Deno.stderr.writeSync(this.#encoder.encode(text));
  }
}

function columns(): number {
  return Deno.consoleSize().columns;
}
