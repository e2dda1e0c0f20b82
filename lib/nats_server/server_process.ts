/**
 * A nats-server under its guard, which is started again when it dies where that is wanted.
 *
 * @module
 */
import { type Clock, delay } from "../clock.ts";
import { UserError } from "../user_error.ts";
import { GUARD_SCRIPT, START_ORDER } from "./guard.ts";
import { type ListenPorts, ServerLog, type ServerRun } from "./server_log.ts";

export interface ServerExit {
  readonly code: number;
  /** Its last lines. */
  readonly logTail: string;
}

export interface ServerProcessOptions {
  readonly clock: Clock;
  /** Called when no server runs any more, nor will. */
  onEnd(): void;
  /** Told that one has died, and that another is started; absent: it stays dead. */
  readonly onDeath: ((line: string) => void) | undefined;
}

/** A large store takes its time to recover. */
const READY_TIMEOUT_MS = 60_000;
/** A server that dies this soon after it was ready has lived in vain, */
const LIFE_MIN_MS = 10_000;
/** and after so many in a row no other is started. */
const SHORT_LIVES_MAX = 5;
/** What has killed one may still be under way. */
const REVIVE_MS = 200;

export class ServerProcess {
  /** Resolves when the server has ended for good, and its guard too. */
  readonly exited: Promise<ServerExit>;
  readonly #options: ServerProcessOptions;
  readonly #guard: Deno.ChildProcess;
  readonly #orders: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #log: ServerLog;
  readonly #stopping = new AbortController();
  #run: ServerRun;

  /** @param guarded what the guard is run with */
  constructor(guarded: readonly string[], options: ServerProcessOptions) {
    this.#options = options;
    this.#guard = new Deno.Command("sh", {
      args: ["-c", GUARD_SCRIPT, "nats-server-guard", ...guarded],
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
      // A Ctrl-C in the terminal is for us alone: the server stops after we have drained.
      detached: true,
    }).spawn();
    this.#orders = this.#guard.stdin.getWriter();
    this.#log = new ServerLog(this.#guard.stderr);
    this.#run = this.#start();
    this.exited = this.#live();
  }

  get ports(): ListenPorts {
    return this.#log.ports;
  }

  get pid(): number {
    return this.#log.pid ?? 0;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.ports.port}`;
  }

  /** @throws {UserError} when the first server does not come up. */
  async waitReady(): Promise<void> {
    const waiting = new AbortController();
    const outcome = await Promise.race([
      this.#run.ready.then(() => "ready"),
      this.exited.then(({ code }) => `it exited with code ${code}`),
      delay(this.#options.clock, READY_TIMEOUT_MS, waiting.signal).then(() =>
        `not ready in ${READY_TIMEOUT_MS} ms`
      ),
    ]);
    waiting.abort();
    if (outcome === "ready") return;
    await this.stop();
    throw new UserError(`Cannot start nats-server: ${outcome}\n${this.#log.tail}`);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#dismiss();
    await this.exited;
  }

  /** A guard that is gone takes no orders; its end shows in the output's. */
  #start(): ServerRun {
    const { run } = this.#log;
    this.#orders.write(new TextEncoder().encode(START_ORDER)).catch(() => {});
    return run;
  }

  async #dismiss(): Promise<void> {
    await this.#orders.close().catch(() => {/* it is gone, or has been dismissed, already */});
  }

  /** Resolves when no server runs any more, nor will. */
  async #live(): Promise<ServerExit> {
    const { clock, onDeath, onEnd } = this.#options;
    let hasBeenUp = false;
    for (let shortLives = 0;;) {
      const { code, lifeMs } = await this.#end();
      hasBeenUp ||= lifeMs !== undefined;
      shortLives = (lifeMs ?? 0) < LIFE_MIN_MS ? shortLives + 1 : 0;
      const isHopeless = !hasBeenUp || code === undefined || shortLives >= SHORT_LIVES_MAX;
      if (onDeath === undefined || isHopeless || this.#stopping.signal.aborted) break;
      onDeath(`nats-server has ended with code ${code}; starting it again`);
      await delay(clock, REVIVE_MS, this.#stopping.signal);
      this.#run = this.#start();
    }
    await this.#dismiss();
    const { code } = await this.#guard.status;
    await this.#log.ended;
    onEnd();
    return { code, logTail: this.#log.tail };
  }

  /** How the server that runs ends, and how long it took connections, if ever. */
  async #end(): Promise<{ code: number | undefined; lifeMs: number | undefined }> {
    const { clock } = this.#options;
    let readyAt: number | undefined;
    this.#run.ready.then(() => readyAt = clock.now());
    const code = await this.#run.exited;
    return { code, lifeMs: readyAt === undefined ? undefined : clock.now() - readyAt };
  }
}
