/**
 * Succession: how a coordinator comes to lead a world. It makes the world's state
 * from what is stored, or a new world where nothing is, and appends the beginning
 * of its term to the log, behind the newest entry that it knows. The log takes it
 * only if nothing has been committed since: then the state is complete, and
 * whoever led before is refused from then on.
 *
 * @module
 */
import type { Bus } from "../lib/bus/bus.ts";
import { type AppendOptions, type LogEntry, WrongLastSequenceError } from "../lib/bus/log.ts";
import { delay } from "../lib/clock.ts";
import type { Manifests, WorldManifest } from "../lib/manifest/manifest.ts";
import type { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import type { Migration } from "../lib/snapshot/migration.ts";
import { schemaDigest, summarizeDifferences } from "../lib/snapshot/schema_difference.ts";
import { SnapshotError } from "../lib/snapshot/snapshot_error.ts";
import { restoreWorld } from "../lib/snapshot/world_image.ts";
import { UserError } from "../lib/user_error.ts";
import { encodeMessage } from "../lib/wire/codec.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { Follower, type FollowerPorts, RETRY_MS } from "./follower.ts";
import { Lease, LeaseWatch } from "./lease.ts";
import { rebaseWhereNeeded, saveState } from "./rebase.ts";
import { openComponents, openSets, type StreamOptions } from "./streams.ts";
import { initialState, type WorldState } from "./world_state.ts";

export interface SuccessionOptions extends StreamOptions, FollowerPorts {
  readonly bus: Bus;
  readonly store: Pick<SnapshotStore, "newest" | "load" | "list" | "open" | "save" | "freeId">;
  readonly manifests: Manifests;
  /** The entities that a new world begins with. */
  readonly world?: WorldManifest | undefined;
  /** Whether values may be lost that the components have no place for any more; they may not by default. */
  readonly isLossAllowed?: boolean;
  /** Milliseconds since 1970, for people who look at snapshots. */
  readonly dateMs: () => number;
}

/** A term that has begun: what a leader goes on from. */
export interface Term {
  /** Above those of all terms before on the same streams; from 1. */
  readonly epoch: number;
  readonly state: WorldState;
  /** Sequence of its beginning, after which its commits are appended. */
  readonly sequence: number;
  /** It begins when others can find the new leader, if not before. */
  readonly lease: Lease;
  /** What the log may grow to, in bytes. */
  readonly logBytesMax: number;
}

/** What a term would begin with. */
interface Candidate {
  readonly state: WorldState;
  readonly isNew: boolean;
  /** The newest entry on the commits' subject, which the state has seen. */
  readonly newest: LogEntry | undefined;
}

/** Beginnings that may be refused because others come first. */
const CLAIMS_MAX = 8;
/** A leader that is heard for this many lapses is alive. */
const LAPSES_MAX = 2;

export class Succession implements Disposable {
  readonly #options: SuccessionOptions;
  readonly #watch: LeaseWatch;
  readonly #follower: Follower;
  #epochMin = 1;
  #logBytesMax = 0;
  /** Sequence of the newest term that another began while this one was about to. */
  #termSeen = 0;

  constructor(options: SuccessionOptions) {
    this.#options = options;
    this.#watch = new LeaseWatch(options);
    this.#follower = new Follower(options, options.manifests.schema);
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }

  /**
   * Begins a term as soon as the state is complete.
   * @param takeover whether to follow a leader that is alive, too
   * @throws {UserError} when another coordinator leads, or the world cannot be resumed.
   */
  async begin({ takeover }: { takeover: boolean }): Promise<Term> {
    await this.#open();
    for (let claims = 0; claims < CLAIMS_MAX; claims++) {
      const candidate = await this.#candidate();
      const isTaken = takeover && !candidate.isNew;
      if (candidate.newest && !isTaken) await this.#refuseWhereLed();
      if (await this.#rebase()) continue;
      const term = await (isTaken ? this.#takeOver(candidate) : this.#claim(candidate));
      if (term !== undefined) return term;
    }
    const { prefix } = this.#options.subjects;
    throw new UserError(
      `Cannot lead the world under the prefix "${prefix}": other coordinators begin before this one`,
    );
  }

  /**
   * Stays behind whoever leads, with a state that follows the log, and begins a
   * term when the lease has lapsed; undefined when `signal` is aborted before.
   * @throws {UserError} when there is none to follow, and the world cannot be resumed.
   */
  async standBy(signal: AbortSignal): Promise<Term | undefined> {
    await this.#open();
    while (!signal.aborted) {
      try {
        await this.#keepUp(signal);
        // Until it had ended it may have come upon a beginning, which renewed the lease.
        const isUnled = this.#watch.isLapsed && !signal.aborted;
        const term = isUnled ? await this.#claimUnled() : undefined;
        if (term !== undefined) return term;
      } catch (error) {
        if (!isTransient(error)) throw error;
        this.#options.report.warn(error.message);
        await delay(this.#options.clock, RETRY_MS, signal);
      }
      // Somebody was faster, or nobody can lead now.
      this.#watch.renew();
    }
    return undefined;
  }

  /** Follows the log until the lease has lapsed. */
  async #keepUp(signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    // Whoever begins a term will speak. What is older says nothing of now.
    const following = this.#follower.follow(either, () => this.#watch.renew());
    try {
      await Promise.race([following, this.#lapse(either)]);
    } finally {
      stop.abort();
      await following;
    }
  }

  async #lapse(signal: AbortSignal): Promise<void> {
    do {
      await this.#watch.lapsed(signal);
      // What this process has been sent but not got to, as after a pause of its own.
      await this.#options.bus.flush();
    } while (!this.#watch.isLapsed && !signal.aborted);
  }

  /** Instances that outlive a coordinator hold what is of its epoch, so it must not come again. */
  async #open(): Promise<void> {
    const { store, replicas } = this.#options;
    const components = await openComponents(this.#options);
    const sets = await openSets(this.#options);
    await store.open({ replicas });
    this.#logBytesMax = components.bytesMax;
    this.#epochMin = Math.max(components.lastSequence, sets.lastSequence) + 1;
  }

  async #candidate(): Promise<Candidate> {
    const { manifests: { schema }, world } = this.#options;
    const newest = await this.#follower.catchUp();
    const { replica } = this.#follower;
    const state = replica?.state ?? initialState(schema, world);
    return { state, isNew: replica === undefined, newest };
  }

  /** Makes the log fit to go on; true where it was not. That takes a while, in which another one may have begun. */
  async #rebase(): Promise<boolean> {
    const { replica } = this.#follower;
    return replica !== undefined && await rebaseWhereNeeded(this.#options, replica);
  }

  async #refuseWhereLed(): Promise<void> {
    const { subjects } = this.#options;
    if (await this.#watch.lapses(LAPSES_MAX)) return;
    throw new UserError(
      `Cannot lead the world under the prefix "${subjects.prefix}": another coordinator does, and ` +
        `is at tick ${this.#watch.newest?.tick_id}. End it first, pass --takeover to take its place ` +
        "now, --standby to follow it when it ends, or another --prefix",
    );
  }

  /** Begins the term, unless the log has a newer one than before: whoever began that has time to lead. */
  async #claimUnled(): Promise<Term | undefined> {
    const known = Math.max(this.#follower.seen, this.#termSeen);
    const candidate = await this.#candidate();
    const { sequence = 0, headers } = candidate.newest ?? {};
    const isNew = headers?.["msg-type"] === "TermStart" && sequence > known;
    if (isNew) this.#termSeen = sequence;
    // To catch up takes a while, too.
    if (isNew || await this.#rebase() || !this.#watch.isLapsed) return undefined;
    return await this.#claim(candidate);
  }

  /** Begins the term, unless somebody has come before. */
  async #claim(candidate: Candidate): Promise<Term | undefined> {
    const expectedLastSequence = candidate.newest?.sequence ?? 0;
    try {
      const migration = this.#migration();
      const term = await this.#append(candidate, { expectedLastSequence });
      if (candidate.isNew) await this.#save(term, "initial");
      else this.#reportResumed(term);
      if (migration) await this.#migrate(term, migration);
      return term;
    } catch (error) {
      if (!(error instanceof WrongLastSequenceError)) throw error;
      return undefined;
    }
  }

  /**
   * Begins the term wherever the log is, and completes the state then; undefined
   * where another one's beginning, of the same epoch, had come in between, or where
   * it takes another replica to go on.
   */
  async #takeOver(candidate: Candidate): Promise<Term | undefined> {
    // Who cannot go on with it must not end whoever leads.
    this.#migration();
    const term = await this.#append(candidate, {});
    term.lease.begin();
    try {
      await this.#follower.catchUp();
      const { replica } = this.#follower;
      if (replica?.state === term.state && replica.termSequence === term.sequence) {
        this.#reportResumed(term);
        const migration = this.#migration();
        if (migration) await this.#migrate(term, migration);
        return term;
      }
    } catch (error) {
      term.lease.end();
      throw error;
    }
    term.lease.end();
    return undefined;
  }

  async #append(
    { state, newest }: Candidate,
    expected: Pick<AppendOptions, "expectedLastSequence">,
  ): Promise<Term> {
    const { log, subjects, manifests: { schema } } = this.#options;
    const { tick } = state;
    const { replica } = this.#follower;
    const newestEpoch = Math.max(Number(newest?.headers["epoch"] ?? 0), replica?.epoch ?? 0);
    const epoch = Math.max(this.#epochMin, newestEpoch + 1);
    const value = { epoch, tick_id: tick, components: schemaDigest(schema) };
    const { data, options } = encodeMessage("TermStart", value, { epoch, tick });
    const sequence = await log.append(subjects.commit, data, { ...options, ...expected });
    const lease = new Lease(this.#options, { epoch, tick: () => state.tick });
    return { epoch, state, sequence, lease, logBytesMax: this.#logBytesMax };
  }

  #reportResumed({ epoch, state }: Term): void {
    this.#options.report.info(`resumed the world at tick ${state.tick}, in term ${epoch}`);
  }

  /** @throws {SnapshotError} when values would be lost that may not be. */
  #migration(): Migration | undefined {
    const { isLossAllowed = false } = this.#options;
    return this.#follower.migration({ isLossAllowed });
  }

  /** The log so far is of the other schema, so recoveries start from a snapshot after it. */
  async #migrate(term: Term, { image, changes }: Migration): Promise<void> {
    const { manifests: { schema }, report } = this.#options;
    report.info(summarizeDifferences(changes));
    const world = restoreWorld(schema, image);
    await this.#save({ ...term, state: { ...term.state, world } }, "migrated");
    // Where that fails, the next attempt has to do it again.
    term.state.world = world;
  }

  /** Every recovery starts from a snapshot, so there is one before the first tick. */
  async #save(
    { epoch, state, sequence, lease }: Term,
    kind: "initial" | "migrated",
  ): Promise<void> {
    lease.begin();
    try {
      await saveState(this.#options, { state, epoch, sequence }, { id: `${kind}-${epoch}`, kind });
    } catch (error) {
      lease.end();
      throw error;
    }
  }
}

/** It may work another time. */
function isTransient(error: unknown): error is Error {
  // A snapshot that could not be stored.
  if (error instanceof SnapshotError && error.cause !== undefined) return isTransient(error.cause);
  return error instanceof Error && !(error instanceof UserError) &&
    !(error instanceof WireError) && !(error instanceof TypeError) &&
    !(error instanceof RangeError);
}
