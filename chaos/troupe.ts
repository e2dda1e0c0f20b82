/**
 * The processes of a run: a NATS server, two coordinators of which one leads and
 * the other stands by, and the instances that the manifests ask for.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { denoRunArguments } from "../lib/deno_run.ts";
import type { Manifests } from "../lib/manifest/manifest.ts";
import type { Cast } from "./fault.ts";
import { type Part, type Player, ProgramPlayer, ServerPlayer } from "./player.ts";
import { Program } from "./program.ts";
import type { Final } from "./undisturbed.ts";

export interface TroupeOptions {
  readonly manifests: Manifests;
  /** Where the server keeps its streams. */
  readonly dataDir: string;
  /** How fast the world runs, and what else the coordinators are told. */
  readonly coordinatorFlags: readonly string[];
  /** Whether a second coordinator stands by. */
  readonly hasStandby: boolean;
  readonly report: (line: string) => void;
}

const COORDINATOR = fileURLToPath(new URL("../coordinator/main.ts", import.meta.url));
const RUNTIME = fileURLToPath(new URL("../lib/runtime/main.ts", import.meta.url));
const REGISTERED = /registered with the coordinator/;
/** What a coordinator ends with that starts while there is no server. */
const NO_SERVER = /Cannot connect to NATS/;
/** With what a coordinator ends that another one has followed. */
const FENCED_CODE = 3;

/** An instance that comes and goes. */
export interface Guest {
  /** Makes it end: killed, or as Ctrl-C would. */
  leave(isKilled: boolean): Promise<void>;
}

export class Troupe implements AsyncDisposable {
  readonly #options: TroupeOptions;
  readonly #server: ServerPlayer;
  readonly #players = new Map<string, Player>();
  readonly #instances = new Map<string, string[]>();
  /** A process ended that nobody had killed. */
  readonly #failure = Promise.withResolvers<never>();
  readonly #coordinators: ProgramPlayer[] = [];
  #fenced = 0;

  private constructor(options: TroupeOptions, server: ServerPlayer) {
    this.#options = options;
    this.#server = server;
    this.#players.set(server.name, server);
    this.#failure.promise.catch(() => {});
  }

  /** Starts all of them, and resolves when they are up. */
  static async start(options: TroupeOptions): Promise<Troupe> {
    const server = await ServerPlayer.start(options.dataDir, options.report);
    const troupe = new Troupe(options, server);
    try {
      await troupe.#startPrograms();
      return troupe;
    } catch (error) {
      await troupe[Symbol.asyncDispose]();
      throw error;
    }
  }

  get url(): string {
    return this.#server.url;
  }

  /** Rejects when a process ends that nobody had killed. */
  get failure(): Promise<never> {
    return this.#failure.promise;
  }

  /** Coordinators that ended because another one had followed them. */
  get fenced(): number {
    return this.#fenced;
  }

  get cast(): Cast {
    // The newest term is the leader's.
    const [leader, standby] = this.#coordinators.toSorted((a, b) => termOf(b) - termOf(a));
    return {
      server: this.#server.name,
      leader: leader.name,
      standby: standby?.name,
      instances: this.#instances,
    };
  }

  get players(): readonly Player[] {
    return [...this.#players.values()];
  }

  /** Starts one more instance of a system, which is none of the players. */
  async invite(system: string): Promise<Guest> {
    const program = this.#program(`${system}, a guest`, RUNTIME, [system, "--stop-with-stdin"]);
    await program.line(REGISTERED);
    return {
      async leave(isKilled) {
        program.kill(isKilled ? "SIGKILL" : "SIGTERM");
        await program.code();
      },
    };
  }

  /** What all of them have printed of late. */
  get tail(): string {
    return [...this.#players.values()].map(({ tail }) => tail).join("\n");
  }

  player(name: string): Player {
    const player = this.#players.get(name);
    if (player === undefined) throw new RangeError(`There is no ${name}`);
    return player;
  }

  /** Ends the coordinators as Ctrl-C would, the leader last, and returns what it says. */
  async stopCoordinators(): Promise<Final> {
    const byTerm = this.#coordinators.toSorted((a, b) => termOf(a) - termOf(b));
    for (const player of byTerm) await player.end();
    return finalOf(byTerm[byTerm.length - 1].program);
  }

  /** Runs one more coordinator, which takes up the world, to its end. */
  async runCoordinator(ticks: number): Promise<Final> {
    const args = [...this.#options.coordinatorFlags, "--ticks", `${ticks}`];
    await using program = this.#program("the last coordinator", COORDINATOR, args);
    await program.code();
    return finalOf(program);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const programs = [...this.#players.values()].filter((player) => player !== this.#server);
    await Promise.all(programs.map((player) => player[Symbol.asyncDispose]()));
    await this.#server[Symbol.asyncDispose]();
  }

  async #startPrograms(): Promise<void> {
    const { manifests: { systems }, hasStandby } = this.#options;
    const players: ProgramPlayer[] = [];
    for (let i = 1; i <= (hasStandby ? 2 : 1); i++) {
      this.#coordinators.push(this.#addCoordinator(`coordinator ${i}`));
      await this.#coordinators[0].ready();
    }
    for (const { name, instances } of systems) {
      const names = Array.from({ length: instances }, (_, i) => `${name} ${i + 1}`);
      this.#instances.set(name, names);
      players.push(...names.map((player) => this.#addInstance(player, name)));
    }
    await Promise.all([...this.#coordinators, ...players].map((player) => player.ready()));
  }

  #addCoordinator(name: string): ProgramPlayer {
    const { coordinatorFlags, hasStandby } = this.#options;
    const args = [...coordinatorFlags, ...(hasStandby ? ["--standby"] : [])];
    return this.#add(name, "coordinator", {
      ready: /is up at|standing by/,
      retry: NO_SERVER,
      start: () => this.#program(name, COORDINATOR, args),
    });
  }

  #addInstance(name: string, system: string): ProgramPlayer {
    return this.#add(name, "instance", {
      ready: REGISTERED,
      start: () => this.#program(name, RUNTIME, [system, "--stop-with-stdin"]),
    });
  }

  #add(
    name: string,
    part: Part,
    how: { ready: RegExp; retry?: RegExp; start: () => Program },
  ): ProgramPlayer {
    const player = new ProgramPlayer({
      name,
      part,
      ...how,
      onExit: (code, player) => this.#onExit(code, player),
    });
    this.#players.set(name, player);
    return player;
  }

  #program(name: string, script: string, args: readonly string[]): Program {
    const flags = ["--manifests", this.#options.manifests.folder, "--nats", this.url];
    const all = denoRunArguments(script, [...args, ...flags]);
    return new Program(Deno.execPath(), all, { name });
  }

  /**
   * A coordinator may be fenced, or find no server where that has just been killed; it
   * is started again as any supervisor would.
   */
  #onExit(code: number, player: ProgramPlayer): void {
    const isFenced = player.part === "coordinator" && code === FENCED_CODE;
    if (isFenced) this.#fenced++;
    if (isFenced || player.isEarly) {
      player.restart().catch((error) => this.#failure.reject(error));
      return;
    }
    this.#failure.reject(
      new Error(`${player.name} ended with code ${code} by itself\n${player.tail}`),
    );
  }
}

function finalOf(program: Program): Final {
  const last = program.stdout.at(-1);
  if (last === undefined) throw new Error(`It ended without a word\n${program.output}`);
  return JSON.parse(last);
}

/** The newest term that it has led; a new world's first one goes without saying. */
function termOf({ program }: ProgramPlayer): number {
  const line = program.stderr.findLast((line) => /in term \d/.test(line));
  if (line !== undefined) return Number(/in term (\d+)/.exec(line)?.[1]);
  return program.stderr.some((line) => /is up at/.test(line)) ? 0 : -1;
}
