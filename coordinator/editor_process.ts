/**
 * The editor beside a world: a process of its own, so that what it does for its pages
 * takes no time from the ticks.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import type { Clock } from "../lib/clock.ts";
import { denoRunArguments } from "../lib/deno_run.ts";
import type { Report } from "../lib/report.ts";

export interface EditorProcessOptions {
  /** What its environment says besides: the way to NATS. */
  readonly env: Readonly<Record<string, string>>;
  readonly prefix: string;
  readonly clock: Clock;
  /** Told where the editor is, once it is there. */
  readonly report: Report;
}

/** How long it may take to end. */
const STOP_MS = 3000;
/** What it says before its address is not kept. */
const OUTPUT_MAX = 64 * 1024;

const EDITOR = fileURLToPath(new URL("../editor/main.ts", import.meta.url));

export class EditorProcess implements AsyncDisposable {
  readonly #options: EditorProcessOptions;
  readonly #child: Deno.ChildProcess;
  #isStopping = false;

  /** It stops by itself when its standard input ends, so also when this process dies. */
  constructor(options: EditorProcessOptions) {
    const { env, prefix, report } = options;
    this.#options = options;
    const flags = ["--prefix", prefix, "--any-port", "--stop-with-stdin"];
    this.#child = new Deno.Command(Deno.execPath(), {
      args: denoRunArguments(EDITOR, flags),
      env: { ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#child.status.then(({ code, signal }) => {
      if (!this.#isStopping) report.warn(`the editor ended with ${signal ?? `code ${code}`}`);
    });
    this.#passOn().catch(() => {/* it has ended */});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    const timer = this.#options.clock.after(STOP_MS, () => this.#child.kill("SIGKILL"));
    // Where it has ended already, there is nothing to close.
    await this.#child.stdin.close().catch(() => undefined);
    await this.#child.status;
    timer.cancel();
  }

  /** Tells the lines that the editor prints. */
  async #passOn(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()?.slice(-OUTPUT_MAX) ?? "";
      for (const line of lines) this.#options.report.info(line);
    }
  }
}
