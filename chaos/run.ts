/**
 * A run: round after round, a fault is drawn and done to the running processes,
 * and the next committed tick is waited for. In the end the world is taken up from
 * its log once more, goes on for some ticks, and is compared with the same world
 * undisturbed.
 *
 * @module
 */
import { type Clock, delay } from "../lib/clock.ts";
import type { Manifests } from "../lib/manifest/manifest.ts";
import { createRandom } from "../lib/random.ts";
import { createSubjects } from "../lib/wire/subjects.ts";
import { CommitWatch } from "./commit_watch.ts";
import { drawFault, type Fault } from "./fault.ts";
import type { Outcome } from "./tally.ts";
import { Troupe } from "./troupe.ts";
import { type Final, runUndisturbed } from "./undisturbed.ts";
import { aborted, within } from "./wait.ts";

export interface RunOptions {
  readonly manifests: Manifests;
  readonly dataDir: string;
  readonly hz: number;
  readonly hasStandby: boolean;
  readonly rounds: number;
  readonly seed: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly report: (line: string) => void;
  readonly onOutcome: (outcome: Outcome) => void;
}

export interface RunResult {
  readonly final: Final;
  readonly undisturbed: Final;
  readonly fenced: number;
}

/** A fault comes within this after the round before. */
const LULL_MAX_MS = 800;
/** Nothing that is killed may keep the world from ticking for longer. */
const TICK_WAIT_MAX_MS = 60_000;
/** Ticks that a world goes on for when it has been taken up from its log in the end. */
const EPILOGUE_TICKS = 30;

export class Run {
  readonly #options: RunOptions;
  readonly #random: () => number;
  readonly #troupe: Troupe;
  readonly #watch: CommitWatch;

  private constructor(
    options: RunOptions,
    { troupe, watch }: { troupe: Troupe; watch: CommitWatch },
  ) {
    this.#options = options;
    this.#random = createRandom(options.seed);
    this.#troupe = troupe;
    this.#watch = watch;
  }

  /** Runs all rounds, and leaves nothing running, however it ends. */
  static async perform(options: RunOptions): Promise<RunResult> {
    await using troupe = await Troupe.start({
      ...options,
      coordinatorFlags: ["--hz", `${options.hz}`],
    });
    await using watch = await CommitWatch.open({
      servers: troupe.url,
      clock: options.clock,
      subjects: createSubjects(),
    });
    const run = new Run(options, { troupe, watch });
    return await Promise.race([run.#perform(), troupe.failure, aborted(options.signal)]);
  }

  async #perform(): Promise<RunResult> {
    const { rounds, report, onOutcome } = this.#options;
    await this.#nextTick(0);
    for (let round = 1; round <= rounds; round++) {
      const fault = drawFault(this.#troupe.cast, this.#random);
      await this.#pause(this.#random() * LULL_MAX_MS);
      const outcome = await this.#strike(fault);
      const tick = await this.#watch.check();
      report(
        `round ${round} of ${rounds}: ${fault.name} (${fault.victims.join(", ")}): ` +
          `next tick after ${Math.round(outcome.ms)} ms; the log has ticks 1 to ${tick}`,
      );
      onOutcome(outcome);
    }
    return await this.#finish();
  }

  /** Does it, undoes it a while later, and measures how long the next tick takes. */
  async #strike(fault: Fault): Promise<Outcome> {
    const { clock } = this.#options;
    const victims = fault.victims.map((name) => this.#troupe.player(name));
    // The tick that is running may be done but for its commit.
    const tick = this.#watch.published + 1;
    const startedAt = clock.now();
    for (const victim of victims) victim.kill(fault.signal);
    const isBack = this.#pause(fault.backAfterMs).then(async () => {
      if (fault.signal === "SIGSTOP") { for (const victim of victims) victim.kill("SIGCONT"); }
      else await this.#restart(fault);
      return clock.now() - startedAt;
    });
    const [ms, backMs] = await Promise.all([this.#nextTick(tick), isBack]);
    return { fault: fault.name, ms, backMs };
  }

  /** The server first, since the others wait for it. */
  async #restart({ victims }: Fault): Promise<void> {
    const players = victims.map((name) => this.#troupe.player(name));
    await Promise.all(
      players.filter(({ part }) => part === "server").map((player) => player.restart()),
    );
    await Promise.all(
      players.filter(({ part }) => part !== "server").map((player) => player.restart()),
    );
  }

  async #nextTick(tick: number): Promise<number> {
    const { signal } = this.#options;
    const what = () => `a tick after ${tick}\n${this.#troupe.tail}`;
    return await within(this.#watch.next(tick, signal), what, TICK_WAIT_MAX_MS);
  }

  #pause(ms: number): Promise<void> {
    const { clock, signal } = this.#options;
    return delay(clock, ms, signal);
  }

  async #finish(): Promise<RunResult> {
    const { manifests, hz, signal, report } = this.#options;
    const stopped = await this.#troupe.stopCoordinators();
    const final = await this.#troupe.runCoordinator(stopped.ticks + EPILOGUE_TICKS);
    const tick = await this.#watch.check();
    if (tick !== final.ticks) throw new Error(`The log ends at tick ${tick}, not ${final.ticks}`);
    report(`stopped at tick ${final.ticks}; running the same ticks undisturbed`);
    const undisturbed = await runUndisturbed(final.ticks, { manifests, hz, signal });
    return { final, undisturbed, fenced: this.#troupe.fenced };
  }
}
