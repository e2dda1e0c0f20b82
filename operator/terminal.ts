/**
 * What the operator's programs have in common: their flags, their connection, how
 * they print, and how they end.
 *
 * @module
 */
import { Command } from "commander";
import { drawUniqueId, onStopSignal, runProgram, terminalReport } from "../lib/cli.ts";
import { systemClock } from "../lib/clock.ts";
import { connectProgram, NATS_DEFAULT, natsOption } from "../lib/nats_connection.ts";
import { toJson } from "../lib/plain_json.ts";
import { createSubjects, PREFIX_DEFAULT } from "../lib/wire/subjects.ts";
import { Client } from "./client.ts";

export interface ServerFlags {
  readonly nats: string;
  readonly prefix: string;
  readonly json?: true;
}

/** A program that talks to a coordinator. */
export function createProgram(name: string, description: string): Command {
  return new Command(`deno task ${name}`)
    .description(description)
    .addOption(natsOption(NATS_DEFAULT))
    .option("--prefix <subject>", "prefix of all subjects", PREFIX_DEFAULT)
    .option("--json", "print JSON, one object on a line")
    .allowExcessArguments(false);
}

/** What a program works with, and how it answers. */
export interface Context {
  readonly client: Client;
  /** Aborted at Ctrl-C. */
  readonly signal: AbortSignal;
  readonly isJson: boolean;
  /** The terminal's size; undefined where the output is piped. */
  screen(): { columns: number; rows: number } | undefined;
  /** Renders a heading; as it is where the output is piped. */
  heading(text: string): string;
  /** Prints `text`, or `value` where JSON is asked for. */
  answer(text: string, value: unknown): void;
  /** Prints something that is no answer. */
  note(text: string): void;
  /** Takes the whole screen for `lines`, until the program ends. */
  draw(lines: readonly string[]): void;
}

/** Runs `act` while a connection is open, and ends cleanly, at Ctrl-C too. */
export async function withClient(
  name: string,
  { nats, prefix, json }: ServerFlags,
  act: (context: Context) => Promise<void>,
): Promise<void> {
  const report = terminalReport(name);
  const subjects = createSubjects(prefix);
  const stopping = new AbortController();
  using _signals = onStopSignal(() => stopping.abort());
  const { bus } = await connectProgram(nats, { name, report });
  using screen = new Screen();
  const stopped = new Promise<void>((resolve) => {
    stopping.signal.addEventListener("abort", () => resolve());
  });
  try {
    const acting = act({
      client: new Client({ bus, subjects, clock: systemClock, drawId: drawUniqueId }),
      signal: stopping.signal,
      isJson: json === true,
      screen: () => screen.size,
      heading: (text) => screen.isStyled ? `${BOLD}${text}${NOT_BOLD}` : text,
      answer: (text, value) => print(json ? toJson(value) : text),
      note: (text) => console.error(text),
      draw: (lines) => screen.draw(lines),
    });
    // What is under way at Ctrl-C is given up.
    acting.catch(() => {});
    await Promise.race([acting, stopped]);
  } finally {
    await bus.close();
  }
}

/** Runs a program with the arguments that it was started with. */
export async function runCommand(program: Command): Promise<void> {
  await runProgram(async () => {
    await program.parseAsync(Deno.args, { from: "user" });
  });
}

/** A reader that has seen enough closes the pipe: that is no error. */
function print(text: string): void {
  try {
    write(`${text}\n`);
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    Deno.exit(0);
  }
}

function write(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length;) {
    written += Deno.stdout.writeSync(bytes.subarray(written));
  }
}

const OTHER_SCREEN = "\x1b[?1049h\x1b[?25l";
const OWN_SCREEN = "\x1b[?25h\x1b[?1049l";
const BOLD = "\x1b[1m";
const NOT_BOLD = "\x1b[22m";
const HOME = "\x1b[H";
const REST_OF_LINE = "\x1b[K";
const REST_OF_SCREEN = "\x1b[J";

/** The terminal that a program prints to, if it is one; left as it was found. */
class Screen implements Disposable {
  readonly #isTerminal = Deno.stdout.isTerminal();
  #isTaken = false;

  get isStyled(): boolean {
    return this.#isTerminal && !Deno.noColor;
  }

  get size(): { columns: number; rows: number } | undefined {
    return this.#isTerminal ? Deno.consoleSize() : undefined;
  }

  draw(lines: readonly string[]): void {
    const { rows, columns } = this.size ?? { rows: lines.length, columns: Infinity };
    const shown = lines.slice(0, rows).map((line) => `${clip(line, columns)}${REST_OF_LINE}`)
      .join("\r\n");
    write(`${this.#isTaken ? "" : OTHER_SCREEN}${HOME}${shown}${REST_OF_SCREEN}`);
    this.#isTaken = true;
  }

  [Symbol.dispose](): void {
    if (this.#isTaken) write(OWN_SCREEN);
    this.#isTaken = false;
  }
}

/** As much of a line as there is room for; a heading stays one. */
function clip(line: string, columns: number): string {
  if (!line.startsWith(BOLD)) return line.slice(0, columns);
  return `${line.slice(0, columns + BOLD.length).replace(NOT_BOLD, "")}${NOT_BOLD}`;
}
