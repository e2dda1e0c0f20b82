/**
 * Starts the instances that the manifests ask for as processes of their own, and
 * sees to it that they end with the program.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import type { Clock } from "../lib/clock.ts";
import { denoRunArguments } from "../lib/deno_run.ts";
import type { Manifests } from "../lib/manifest/manifest.ts";
import type { Report } from "../lib/report.ts";

export interface SupervisorOptions {
  readonly manifests: Manifests;
  readonly nats: string;
  readonly prefix: string;
  readonly clock: Clock;
  readonly report: Report;
}

/** How long an instance may take to finish what it has. */
const STOP_MS = 5000;

const RUNTIME = fileURLToPath(new URL("../lib/runtime/main.ts", import.meta.url));

export class Supervisor implements AsyncDisposable {
  readonly #options: SupervisorOptions;
  readonly #children = new Map<Deno.ChildProcess, string>();
  #isStopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Starts every system's instances. */
  start(): void {
    for (const { name, instances } of this.#options.manifests.systems) {
      for (let i = 0; i < instances; i++) this.#spawn(name);
    }
  }

  /** Asks all of them to stop, and ends those that do not. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    await Promise.all([...this.#children.keys()].map((child) => this.#stop(child)));
  }

  /** The child stops by itself when its standard input ends, so also when this process dies. */
  #spawn(system: string): void {
    const { manifests, nats, prefix } = this.#options;
    const flags = ["--manifests", manifests.folder, "--nats", nats, "--prefix", prefix];
    const child = new Deno.Command(Deno.execPath(), {
      args: denoRunArguments(RUNTIME, [system, ...flags, "--stop-with-stdin"]),
      stdin: "piped",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
    this.#children.set(child, system);
    child.status.then(({ code, signal }) => {
      this.#children.delete(child);
      if (this.#isStopping) return;
      this.#options.report.warn(
        `an instance of ${system} ended with ${signal ?? `code ${code}`}; its shards go to others`,
      );
    });
  }

  async #stop(child: Deno.ChildProcess): Promise<void> {
    const timer = this.#options.clock.after(STOP_MS, () => child.kill("SIGKILL"));
    // Where it has ended already, there is nothing to close.
    await child.stdin.close().catch(() => undefined);
    await child.status;
    timer.cancel();
  }
}
