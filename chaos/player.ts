/**
 * A player is one process of a run: it can be killed or stopped at any time, and
 * started again in the same part.
 *
 * @module
 */
import { type NatsServer, startNatsServer } from "../lib/nats_server/nats_server.ts";
import type { Program } from "./program.ts";

export type Part = "server" | "coordinator" | "instance";

export interface Player extends AsyncDisposable {
  /** Such as `drift 1`. */
  readonly name: string;
  readonly part: Part;
  readonly pid: number;
  kill(signal: Deno.Signal): void;
  /** Starts it again once it has ended, and resolves when it is up. */
  restart(): Promise<void>;
  /** What it has printed of late, for messages. */
  readonly tail: string;
}

export interface ProgramPlayerOptions {
  readonly name: string;
  readonly part: Part;
  readonly start: () => Program;
  /** The line that says it is up. */
  readonly ready: RegExp;
  /** What it says when it ends because it cannot start yet: it is then started again. */
  readonly retry?: RegExp;
  /** Called when it ends without having been killed. */
  readonly onExit?: (code: number, player: ProgramPlayer) => void;
}

/** A player that is one of the repository's programs. */
export class ProgramPlayer implements Player {
  readonly name: string;
  readonly part: Part;
  readonly #options: ProgramPlayerOptions;
  #program: Program;
  #isKilled = false;
  #restarting: Promise<void> = Promise.resolve();

  constructor(options: ProgramPlayerOptions) {
    this.name = options.name;
    this.part = options.part;
    this.#options = options;
    this.#program = this.#start();
  }

  get program(): Program {
    return this.#program;
  }

  get pid(): number {
    return this.#program.pid;
  }

  get tail(): string {
    return this.#program.tail;
  }

  kill(signal: Deno.Signal): void {
    if (signal === "SIGKILL") this.#isKilled = true;
    this.#program.kill(signal);
  }

  async ready(): Promise<void> {
    await this.#program.line(this.#options.ready);
  }

  /** Ends it as Ctrl-C would. */
  async end(): Promise<void> {
    this.#isKilled = true;
    this.#program.kill("SIGINT");
    await this.#program.code();
  }

  /** True when it has ended because it could not start yet. */
  get isEarly(): boolean {
    return this.#options.retry?.test(this.tail) === true;
  }

  /** It may be restarted by who killed it and by who saw it end, at the same time. */
  restart(): Promise<void> {
    this.#restarting = this.#restarting.then(() => this.#restart());
    return this.#restarting;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isKilled = true;
    await this.#program[Symbol.asyncDispose]();
  }

  async #restart(): Promise<void> {
    if (!this.#program.isRunning || this.#isKilled) {
      await this.#program.status;
      this.#program = this.#start();
    }
    try {
      await this.ready();
    } catch (error) {
      // Whoever has killed it meanwhile restarts it as well.
      if (this.#isKilled) return;
      if (!this.isEarly) throw error;
      await this.#restart();
    }
  }

  #start(): Program {
    const program = this.#options.start();
    this.#isKilled = false;
    program.status.then(({ code }) => {
      if (!this.#isKilled && program === this.#program) this.#options.onExit?.(code, this);
    });
    return program;
  }
}

/** A NATS server that comes back on the same port, with the same data. */
export class ServerPlayer implements Player {
  readonly name = "nats-server";
  readonly part = "server";
  readonly #dataDir: string;
  #server: NatsServer;

  private constructor(server: NatsServer) {
    this.#server = server;
    this.#dataDir = server.dataDir;
  }

  /** @param dataDir where its streams are kept from one start to the next */
  static async start(dataDir: string, progress: (line: string) => void): Promise<ServerPlayer> {
    return new ServerPlayer(await startNatsServer({ progress, dataDir }));
  }

  get url(): string {
    return this.#server.url;
  }

  get pid(): number {
    return this.#server.pid;
  }

  get tail(): string {
    return `--- ${this.name} at ${this.url}, process ${this.pid}`;
  }

  kill(signal: Deno.Signal): void {
    Deno.kill(this.pid, signal);
  }

  async restart(): Promise<void> {
    const { port, exited } = this.#server;
    await exited;
    this.#server = await startNatsServer({ progress: () => {}, dataDir: this.#dataDir, port });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // One that is stopped would not hear that it is to end.
    try {
      this.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    await this.#server.stop();
  }
}
