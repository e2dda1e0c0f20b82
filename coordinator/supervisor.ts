/**
 * Starts the instances that the manifests ask for as processes of their own, starts
 * and ends more of them when told to, and sees to it that they end with the program.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import type { Clock } from "../lib/clock.ts";
import { denoRunArguments } from "../lib/deno_run.ts";
import type { Manifests } from "../lib/manifest/manifest.ts";
import { suggestion } from "../lib/manifest/nearest.ts";
import type { Report } from "../lib/report.ts";
import { UserError } from "../lib/user_error.ts";

export interface SupervisorOptions {
  readonly manifests: Manifests;
  /** What the processes' environment says besides: the way to NATS. */
  readonly env: Readonly<Record<string, string>>;
  readonly prefix: string;
  readonly clock: Clock;
  readonly report: Report;
  /** An id for an instance of a system, which no other has. */
  nameInstance(system: string): string;
}

/** An instance's process. */
export interface SupervisedProcess {
  readonly system: string;
  readonly pid: number;
  readonly instanceId: string;
  /** How long it has been running, in milliseconds. */
  readonly sinceMs: number;
}

/** What is known of a child. */
interface Started {
  readonly system: string;
  readonly instanceId: string;
  readonly startedAt: number;
  /** Whether it was asked to end, so that its end is no surprise. */
  isEnding: boolean;
}

/** Processes at a time. */
const PROCESSES_MAX = 64;
/** How long an instance may take to finish what it has. */
const STOP_MS = 5000;

const RUNTIME = fileURLToPath(new URL("../lib/runtime/main.ts", import.meta.url));

export class Supervisor implements AsyncDisposable {
  readonly #options: SupervisorOptions;
  readonly #children = new Map<Deno.ChildProcess, Started>();
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

  /** The processes that run, oldest first. */
  list(): SupervisedProcess[] {
    const now = this.#options.clock.now();
    return Array.from(this.#children, ([{ pid }, { system, instanceId, startedAt }]) => ({
      system,
      pid,
      instanceId,
      sinceMs: now - startedAt,
    }));
  }

  /** @throws {UserError} when there is no such system, or too many processes. */
  startInstance(system: string): void {
    const names = this.#options.manifests.systems.map(({ name }) => name);
    if (!names.includes(system)) {
      throw new UserError(
        `Cannot start an instance of "${system}": there is no such system${
          suggestion(system, names)
        }`,
      );
    }
    if (this.#children.size >= PROCESSES_MAX) {
      throw new UserError(
        `Cannot start an instance of "${system}": ${PROCESSES_MAX} run, which is the most`,
      );
    }
    this.#spawn(system);
  }

  /**
   * Has a process end, after it has finished what it has.
   * @throws {UserError} when there is no such process.
   */
  async stopProcess(pid: number): Promise<void> {
    const child = this.#childOf(pid);
    this.#expectEnd(child);
    await this.#stop(child);
  }

  /**
   * Ends a process at once.
   * @throws {UserError} when there is no such process.
   */
  async killProcess(pid: number): Promise<void> {
    const child = this.#childOf(pid);
    this.#expectEnd(child);
    child.kill("SIGKILL");
    await child.status;
  }

  #childOf(pid: number): Deno.ChildProcess {
    const child = [...this.#children.keys()].find((child) => child.pid === pid);
    if (child !== undefined) return child;
    throw new UserError(`Cannot end process ${pid}: it is none of those supervised here`);
  }

  #expectEnd(child: Deno.ChildProcess): void {
    const started = this.#children.get(child);
    if (started) started.isEnding = true;
  }

  /** The child stops by itself when its standard input ends, so also when this process dies. */
  #spawn(system: string): void {
    const { manifests, env, prefix, clock, nameInstance } = this.#options;
    const instanceId = nameInstance(system);
    const flags = ["--manifests", manifests.folder, "--prefix", prefix];
    flags.push("--instance", instanceId);
    const child = new Deno.Command(Deno.execPath(), {
      args: denoRunArguments(RUNTIME, [system, ...flags, "--stop-with-stdin"]),
      env: { ...env },
      stdin: "piped",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
    const started = { system, instanceId, startedAt: clock.now(), isEnding: false };
    this.#children.set(child, started);
    child.status.then(({ code, signal }) => {
      this.#children.delete(child);
      if (this.#isStopping || started.isEnding) return;
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
