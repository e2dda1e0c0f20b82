/**
 * The fence between a coordinator and whoever takes its place. The log refuses
 * commits of an older term; who has none to store looks there what the newest is:
 * before it tells anyone what the world is, and from time to time.
 *
 * @module
 */
import type { Log } from "../lib/bus/log.ts";
import type { Clock, Timer } from "../lib/clock.ts";
import type { Subjects } from "../lib/wire/subjects.ts";

/** Another coordinator has taken this one's place. */
export class FencedError extends Error {
  override readonly name = "FencedError";
}

export interface FenceOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly subjects: Subjects;
  /** Of the term that this coordinator leads. */
  readonly epoch: number;
  /** Number of the newest tick. */
  tick(): number;
  /** Sequence of the newest commit that is stored. */
  lastCommit(): number;
  /** The log has a newer term: this one is over. */
  onFenced(error: FencedError): void;
}

/** How often to look, where no commit is stored meanwhile. */
const CHECK_MS = 500;

export class Fence {
  readonly #options: FenceOptions;
  #timer: Timer | undefined;
  #isOver = false;

  constructor(options: FenceOptions) {
    this.#options = options;
  }

  /** Looks from now on, whenever no commit has been stored for a while. */
  begin(): void {
    if (this.#isOver) return;
    const { clock, lastCommit } = this.#options;
    const before = lastCommit();
    this.#timer = clock.after(CHECK_MS, async () => {
      // Where the log does not answer, the next turn asks again.
      if (lastCommit() === before) await this.check().catch(() => undefined);
      this.begin();
    });
  }

  end(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  /**
   * Resolves when the log knows of no newer term: what this coordinator had stored
   * when it asked was then the newest.
   * @throws {FencedError} when another coordinator leads.
   * @throws {Error} when the log does not answer.
   */
  async check(): Promise<void> {
    const { log, subjects: { streams, commit }, tick, lastCommit, onFenced } = this.#options;
    const newest = await log.last(streams.components, commit);
    if (newest === undefined) return;
    const { headers, sequence } = newest;
    const epoch = Number(headers["epoch"]);
    // A beginning that came too late for its epoch refuses this one's commits all the same.
    const isBeginning = headers["msg-type"] === "TermStart" && sequence > lastCommit();
    if (epoch <= this.#options.epoch && !isBeginning) return;
    const error = new FencedError(
      `Cannot go on at tick ${tick()}: another coordinator has taken this one's place, in term ${epoch}`,
    );
    onFenced(error);
    throw error;
  }
}
