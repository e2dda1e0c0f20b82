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
import type { Migration } from "../lib/snapshot/migration.ts";
import { schemaDigest } from "../lib/snapshot/schema_difference.ts";
import { SnapshotError } from "../lib/snapshot/snapshot_error.ts";
import { compareAge, isResumable } from "../lib/snapshot/snapshot_manifest.ts";
import type { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { restoreWorld } from "../lib/snapshot/world_image.ts";
import {
  checkIsNew,
  feed,
  loadNewest,
  migrationOf,
  type Recovered,
  type RecoveryPorts,
  replay,
  unresumable,
} from "./recovery.ts";
import { ComponentsChangedError, ReplayError, type Replica } from "./replica.ts";

export interface FollowerPorts extends RecoveryPorts {
  readonly store: Pick<SnapshotStore, "newest" | "load" | "list">;
}

/** How soon to try again what did not work. */
export const RETRY_MS = 100;

export class Follower {
  readonly #ports: FollowerPorts;
  readonly #schema: Schema;
  #recovered: Recovered | undefined;
  /** Why each snapshot was skipped that is newer than what the replica began with, by id. */
  #skipped: ReadonlyMap<string, string> = new Map();
  /** Ids of snapshots that the log does not go on from. */
  readonly #strays = new Set<string>();
  #seen = 0;

  /** @param schema the components of now */
  constructor(ports: FollowerPorts, schema: Schema) {
    this.#ports = ports;
    this.#schema = schema;
  }

  /** Undefined until there is a snapshot to begin with. */
  get replica(): Replica | undefined {
    return this.#recovered?.replica;
  }

  /**
   * What the replica's world is in the components of now; undefined where it is that already.
   * @throws {SnapshotError} when values would be lost that may not be.
   */
  migration(options: { isLossAllowed: boolean }): Migration | undefined {
    const recovered = this.#recovered;
    if (recovered === undefined || recovered.replica.state.world.schema === this.#schema) {
      return undefined;
    }
    return migrationOf(recovered, this.#schema, options);
  }

  /** Sequence up to which the replica has seen the log. */
  get seen(): number {
    return this.#seen;
  }

  /** Follows the log until `signal` is aborted, and calls `onTerm` where a term begins. */
  async follow(signal: AbortSignal, onTerm: () => void): Promise<void> {
    const { log, clock, store, subjects, report } = this.#ports;
    while (!signal.aborted) {
      const recovered = await this.#load();
      if (recovered === undefined) {
        await delay(clock, RETRY_MS, signal);
        continue;
      }
      try {
        const from = this.#seen + 1;
        for await (const entry of log.follow(subjects.streams.components, { from, signal })) {
          await feed(recovered.replica, entry, store);
          this.#seen = entry.sequence;
          if (entry.headers["msg-type"] === "TermStart") onTerm();
        }
      } catch (error) {
        if (!leadsNowhere(error)) throw error;
        this.#noteStray(error);
        report.warn(`${error.message}; following anew from the newest snapshot`);
        this.#recovered = undefined;
        await delay(clock, RETRY_MS, signal);
      }
    }
  }

  /**
   * Takes all that the log has stored, and returns its newest term or commit. A
   * replica that has followed the log may have missed what was let go of, or led
   * elsewhere, or be of components that a leader has changed; then it begins anew,
   * as it does where a leader lets go of what it reads for a newer snapshot. Without
   * a whole snapshot behind a change to the components of now, it repeats the change.
   * @throws {UserError} when the world cannot be resumed.
   */
  async catchUp(): Promise<LogEntry | undefined> {
    const { report } = this.#ports;
    let isTried = false;
    while (true) {
      isTried ||= this.#recovered === undefined;
      try {
        return await this.#takeStored();
      } catch (error) {
        if (!leadsNowhere(error)) throw error;
        if (!isTried || this.#noteStray(error) || await this.#hasNewer()) {
          report.warn(`${error.message}; going on from the newest snapshot`);
          this.#recovered = undefined;
        } else if (this.#migrate(error)) {
          report.warn(`${error.message}, and the snapshot of that is not whole; going on in these`);
        } else {
          throw this.#refusal(error);
        }
      }
    }
  }

  async #takeStored(): Promise<LogEntry | undefined> {
    const recovered = await this.#load();
    let newest = await this.#newestEntry();
    if (recovered === undefined) {
      await checkIsNew(this.#ports, this.#skipped);
      return newest;
    }
    const { replica } = recovered;
    while (newest !== undefined && newest.sequence > this.#seen) {
      this.#seen = await replay(this.#ports, replica, this.#seen + 1);
      newest = await this.#newestEntry();
    }
    if (Number(newest?.headers["epoch"] ?? 0) > replica.epoch) {
      const { tick: reached } = replica.state;
      const reason = "the log lost its end, and somebody else went on from what was left";
      throw new ReplayError(reached + 1, { reached, reason });
    }
    return newest;
  }

  /**
   * Notes the replica's snapshot where the log does not go on from it, and returns whether
   * it does not: a leader whose place was taken before its first tick may have stored what
   * the world became in its components.
   */
  #noteStray(error: ReplayError | SnapshotError): boolean {
    const meta = this.#recovered?.meta;
    const isStray = error instanceof ComponentsChangedError && meta?.kind === "migrated" &&
      meta.tick === error.reached;
    if (isStray) this.#strays.add(meta.id);
    return isStray;
  }

  /** Does what the leader did that changed the components to those of now; false where it was something else. */
  #migrate(error: ReplayError | SnapshotError): boolean {
    const components = schemaDigest(this.#schema);
    if (!(error instanceof ComponentsChangedError) || error.components !== components) return false;
    const recovered = this.#recovered;
    const migration = this.migration({ isLossAllowed: true });
    if (recovered === undefined || migration === undefined) return false;
    recovered.replica.migrate(restoreWorld(this.#schema, migration.image), components);
    this.#recovered = { ...recovered, schema: this.#schema };
    return true;
  }

  /** Whether there is a snapshot since the one that the replica began with. */
  async #hasNewer(): Promise<boolean> {
    const begun = this.#recovered?.meta;
    const infos = await this.#ports.store.list();
    return infos.some(({ meta }) =>
      isResumable(meta) && !this.#skipped.has(meta.id) &&
      (begun === undefined || compareAge(begun, meta) < 0)
    );
  }

  /** What is said where there is nothing else to begin with. */
  #refusal(error: ReplayError | SnapshotError): Error {
    if (this.#recovered === undefined) return error;
    const { subjects: { prefix } } = this.#ports;
    return unresumable(error, { prefix, recovered: this.#recovered });
  }

  /** The replica, as of the newest snapshot where there was none before. */
  async #load(): Promise<Recovered | undefined> {
    if (this.#recovered === undefined) {
      const { report } = this.#ports;
      const before = this.#skipped;
      const skipped = new Map<string, string>();
      const onSkipped = (id: string, reason: string) => {
        skipped.set(id, reason);
        // A standby looks again and again.
        if (before.get(id) !== reason) report.warn(`skipping snapshot "${id}": ${reason}`);
      };
      this.#recovered = await loadNewest(
        { ...this.#ports, onSkipped, strays: this.#strays },
        this.#schema,
      );
      this.#skipped = skipped;
      this.#seen = this.#recovered?.replica.sequence ?? 0;
    }
    return this.#recovered;
  }

  /** The newest term or commit in the log. */
  #newestEntry(): Promise<LogEntry | undefined> {
    const { log, subjects } = this.#ports;
    return log.last(subjects.streams.components, subjects.commit);
  }
}

/** What the log has does not go on from a state, or not any more. */
function leadsNowhere(error: unknown): error is ReplayError | SnapshotError {
  return error instanceof ReplayError || error instanceof SnapshotError;
}
