/**
 * A follower keeps up with a world that it does not lead. It has a replica, which
 * begins with the newest snapshot that the log leads on from, and takes what the
 * log has stored since. A standby follows for as long as another coordinator leads;
 * whoever is about to lead catches up first, and goes on from the replica.
 *
 * @module
 */
import type { LogEntry } from "../lib/bus/log.ts";
import { delay } from "../lib/clock.ts";
import type { Schema } from "../lib/ecs/component.ts";
import { SnapshotError } from "../lib/snapshot/snapshot_error.ts";
import { checkIsNew, feed, loadNewest, type RecoveryPorts, replay } from "./recovery.ts";
import { ReplayError, type Replica } from "./replica.ts";

/** How soon to try again what did not work. */
export const RETRY_MS = 100;

export class Follower {
  readonly #ports: RecoveryPorts;
  readonly #schema: Schema;
  #replica: Replica | undefined;
  /** Why each snapshot was skipped that is newer than what the replica began with, by id. */
  #skipped: ReadonlyMap<string, string> = new Map();
  #seen = 0;

  /** @param schema the components of now */
  constructor(ports: RecoveryPorts, schema: Schema) {
    this.#ports = ports;
    this.#schema = schema;
  }

  /** Undefined until there is a snapshot to begin with. */
  get replica(): Replica | undefined {
    return this.#replica;
  }

  /** Sequence up to which the replica has seen the log. */
  get seen(): number {
    return this.#seen;
  }

  /** Follows the log until `signal` is aborted, and calls `onTerm` where a term begins. */
  async follow(signal: AbortSignal, onTerm: () => void): Promise<void> {
    const { log, clock, store, subjects, report } = this.#ports;
    while (!signal.aborted) {
      const replica = await this.#load();
      if (replica === undefined) {
        await delay(clock, RETRY_MS, signal);
        continue;
      }
      try {
        const from = this.#seen + 1;
        for await (const entry of log.follow(subjects.streams.components, { from, signal })) {
          await feed(replica, entry, store);
          this.#seen = entry.sequence;
          if (entry.headers["msg-type"] === "TermStart") onTerm();
        }
      } catch (error) {
        if (!leadsNowhere(error)) throw error;
        report.warn(`${error.message}; following anew from the newest snapshot`);
        this.#replica = undefined;
        await delay(clock, RETRY_MS, signal);
      }
    }
  }

  /**
   * Takes all that the log has stored, and returns its newest term or commit. A
   * replica that has followed the log may have missed what was let go of, or led
   * elsewhere; then it begins anew.
   * @throws {ReplayError} when the log does not lead where it says.
   * @throws {SnapshotError} when a snapshot that the log refers to is gone or damaged.
   * @throws {UserError} when there is a world, but no snapshot to begin with.
   */
  async catchUp(): Promise<LogEntry | undefined> {
    const isFresh = this.#replica === undefined;
    try {
      return await this.#takeStored();
    } catch (error) {
      if (isFresh || !leadsNowhere(error)) throw error;
      this.#ports.report.warn(`${error.message}; going on from the newest snapshot`);
      this.#replica = undefined;
      return await this.#takeStored();
    }
  }

  async #takeStored(): Promise<LogEntry | undefined> {
    const replica = await this.#load();
    let newest = await this.newestEntry();
    if (replica === undefined) {
      await checkIsNew(this.#ports, this.#skipped);
      return newest;
    }
    while (newest !== undefined && newest.sequence > this.#seen) {
      this.#seen = await replay(this.#ports, replica, this.#seen + 1);
      newest = await this.newestEntry();
    }
    if (Number(newest?.headers["epoch"] ?? 0) > replica.epoch) {
      throw new ReplayError(
        `Cannot go on at tick ${replica.state.tick}: the log lost its end, and somebody else went ` +
          "on from what was left",
      );
    }
    return newest;
  }

  /** The replica, as of the newest snapshot where there was none before. */
  async #load(): Promise<Replica | undefined> {
    if (this.#replica === undefined) {
      const { report } = this.#ports;
      const before = this.#skipped;
      const skipped = new Map<string, string>();
      const onSkipped = (id: string, reason: string) => {
        skipped.set(id, reason);
        // A standby looks again and again.
        if (before.get(id) !== reason) report.warn(`skipping snapshot "${id}": ${reason}`);
      };
      this.#replica = await loadNewest({ ...this.#ports, onSkipped }, this.#schema);
      this.#skipped = skipped;
      this.#seen = this.#replica?.sequence ?? 0;
    }
    return this.#replica;
  }

  /** The newest term or commit in the log. */
  newestEntry(): Promise<LogEntry | undefined> {
    const { log, subjects } = this.#ports;
    return log.last(subjects.streams.components, subjects.commit);
  }
}

/** What the log has does not go on from a state, or not any more. */
function leadsNowhere(error: unknown): error is ReplayError | SnapshotError {
  return error instanceof ReplayError || error instanceof SnapshotError;
}
