/**
 * A program of this repository as a child process, whose output is waited for.
 *
 * @module
 */
import { within } from "./wait.ts";

/** Lines kept of each output; the oldest go beyond this. */
const LINES_MAX = 10_000;
const TAIL_LINES_MAX = 12;

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** How the process is called when something is wrong. */
  readonly name?: string;
}

/** A child process; killed where its scope ends. */
export class Program implements AsyncDisposable {
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  readonly status: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  readonly #name: string;
  readonly #waiting = new Set<() => void>();
  #isRunning = true;
  /** It has ended, and all of its output is here. */
  #hasEnded = false;

  constructor(command: string, args: readonly string[], options: ProgramOptions = {}) {
    const { env = {}, cwd, name = args.join(" ") } = options;
    this.#name = name;
    this.#child = new Deno.Command(command, {
      args: [...args],
      env: { ...env },
      ...(cwd !== undefined && { cwd }),
      // Nothing is ever written to it: its end says that we are no more.
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      // A Ctrl-C in the terminal is for us alone.
      detached: true,
    }).spawn();
    this.#reading = Promise.all([
      this.#read(this.#child.stdout, this.stdout),
      this.#read(this.#child.stderr, this.stderr),
    ]);
    this.status = this.#end();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Everything that it has printed so far, for messages. */
  get output(): string {
    return [`--- ${this.#name}`, ...this.stdout, ...this.stderr].join("\n");
  }

  /** The last lines of that. */
  get tail(): string {
    return [`--- ${this.#name}`, ...this.stderr.slice(-TAIL_LINES_MAX)].join("\n");
  }

  /** Resolves with the first line that matches, printed before or yet to come. */
  line(pattern: RegExp): Promise<string> {
    const found = Promise.withResolvers<string>();
    const look = () => {
      const line = [...this.stdout, ...this.stderr].find((line) => pattern.test(line));
      if (line !== undefined) found.resolve(line);
      else if (this.#hasEnded) {
        found.reject(new Error(`Ended without ${pattern}\n${this.output}`));
      } else return;
      this.#waiting.delete(look);
    };
    this.#waiting.add(look);
    look();
    return within(found.promise, () => `for ${pattern}\n${this.output}`);
  }

  /** Resolves with the exit code; the output is complete then. */
  async code(): Promise<number> {
    const { code } = await within(this.status, () => `for the end\n${this.output}`);
    return code;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Sends a signal; to what has ended already, nothing. */
  kill(signal: Deno.Signal): void {
    if (this.#isRunning) this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.status;
  }

  async #read(stream: ReadableStream<Uint8Array>, lines: string[]): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const bytes of stream) {
      const parts = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = parts.pop() ?? "";
      lines.push(...parts);
      if (lines.length > LINES_MAX) lines.splice(0, lines.length - LINES_MAX);
      this.#look();
    }
    if (rest !== "") lines.push(rest);
  }

  async #end(): Promise<Deno.CommandStatus> {
    const status = await this.#child.status;
    this.#isRunning = false;
    await this.#child.stdin.close().catch(() => {/* it has read none of it */});
    await this.#reading;
    this.#hasEnded = true;
    this.#look();
    return status;
  }

  #look(): void {
    for (const look of [...this.#waiting]) look();
  }
}
