/**
 * Recovery makes a world's state again from what is stored: the newest whole
 * snapshot, then every committed tick after it.
 *
 * @module
 */
import type { Log, LogEntry } from "../lib/bus/log.ts";
import type { Clock } from "../lib/clock.ts";
import type { Schema } from "../lib/ecs/component.ts";
import type { Report } from "../lib/report.ts";
import { replaySchema, schemaDigest } from "../lib/snapshot/schema_difference.ts";
import { SnapshotError } from "../lib/snapshot/snapshot_error.ts";
import type { SnapshotMeta } from "../lib/snapshot/snapshot_manifest.ts";
import type { Snapshot, SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { fitImage, type Migration } from "../lib/snapshot/migration.ts";
import { captureWorld, restoreWorld } from "../lib/snapshot/world_image.ts";
import { UserError } from "../lib/user_error.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { CommandAnswers } from "./command_answers.ts";
import { ReplayError, Replica, SnapshotNeededError } from "./replica.ts";
import type { WorldState } from "./world_state.ts";

export interface RecoveryPorts {
  readonly log: Log;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly store: Pick<SnapshotStore, "newest" | "load">;
  readonly report: Report;
}

/** How often a long replay says how far it is. */
const PROGRESS_MS = 1000;

/** A replica, and the snapshot that it began with. */
export interface Recovered {
  readonly replica: Replica;
  readonly meta: SnapshotMeta;
  /** The components of the snapshot; the replica's are the given ones only where they are the same. */
  readonly schema: Schema;
}

/**
 * A replica as of the newest whole snapshot that the log leads on from; undefined
 * where there is none. `onSkipped` is told of each newer one, and why; `strays` are
 * not to be gone on from. It has the snapshot's components, defaults included, since
 * the log after it was written in them, whatever those of `schema` are now.
 */
export async function loadNewest(
  { log, store, subjects, onSkipped, strays }: RecoveryPorts & {
    onSkipped(id: string, reason: string): void;
    readonly strays: ReadonlySet<string>;
  },
  schema: Schema,
): Promise<Recovered | undefined> {
  const { firstSequence } = await log.info(subjects.streams.components);
  const snapshot = await store.newest({
    firstSequence,
    onSkipped,
    strays,
  });
  if (snapshot === undefined) return undefined;
  const before = snapshot.image.schema;
  const replica = replicaOf(snapshot, { schema: replaySchema(before, schema), subjects });
  return { replica, meta: snapshot.meta, schema: before };
}

/**
 * What the replica's world is in the components of `schema`.
 * @throws {SnapshotError} when values would be lost that may not be.
 */
export function migrationOf(
  { replica, schema: before }: Recovered,
  schema: Schema,
  { isLossAllowed }: { isLossAllowed: boolean },
): Migration {
  const { world, tick } = replica.state;
  // A component that has come since the snapshot is new, although the replica knows it.
  const image = { ...captureWorld(world), schema: before };
  return fitImage(image, schema, { isLossAllowed, what: `tick ${tick}` });
}

/**
 * A replica as of a snapshot, whose arrays it takes.
 * @throws {UserError} when it does not fit the schema.
 */
export function replicaOf(
  snapshot: Snapshot,
  { schema, subjects }: { schema: Schema; subjects: Subjects },
): Replica {
  const { epoch, sequence } = snapshot.meta;
  const state = stateOf(snapshot, schema);
  const components = schemaDigest(snapshot.image.schema);
  return new Replica({ state, epoch, sequence, components, commitSubject: subjects.commit });
}

function stateOf({ meta, image }: Snapshot, schema: Schema): WorldState {
  try {
    return {
      world: restoreWorld(schema, image),
      tick: meta.tick,
      digest: meta.digest,
      lastRuns: new Map(Object.entries(meta.lastRuns)),
      answers: new CommandAnswers(meta.answers),
    };
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new UserError(`Cannot resume from snapshot "${meta.id}": ${cause.message}`, { cause });
  }
}

/**
 * Gives the replica an entry, and the snapshot that it needs for it; true when a tick was applied.
 * @throws {ReplayError} when it does not lead where its commits say.
 * @throws {SnapshotError} when the snapshot that the log refers to is gone or damaged.
 */
export async function feed(
  replica: Replica,
  entry: LogEntry,
  store: Pick<SnapshotStore, "load">,
): Promise<boolean> {
  try {
    return replica.apply(entry);
  } catch (error) {
    if (!(error instanceof SnapshotNeededError)) throw error;
    return replica.apply(entry, (await store.load(error.id)).image);
  }
}

/**
 * Feeds the replica all that the log has stored from sequence `from` on, and
 * returns the sequence of the last entry, or `from - 1` where there was none.
 * @throws {ReplayError} when it does not lead where its commits say.
 */
export async function replay(
  { log, clock, subjects, store, report }: RecoveryPorts,
  replica: Replica,
  from: number,
): Promise<number> {
  const { components } = subjects.streams;
  const { lastSequence } = await log.info(components);
  let last = from - 1;
  let saidAt = clock.now();
  for await (const entry of log.read(components, { from })) {
    await feed(replica, entry, store);
    last = entry.sequence;
    if (clock.now() - saidAt < PROGRESS_MS) continue;
    saidAt = clock.now();
    const percent = Math.floor(100 * (last - from + 1) / (lastSequence - from + 1));
    report.info(`replaying the log: tick ${replica.state.tick}, ${percent} %`);
  }
  return last;
}

/**
 * Makes sure that a world without a snapshot to go on from may begin: terms may have
 * begun, and ended before its beginning was stored; but no tick, and there is no
 * snapshot that might be its state.
 * @param skipped why each stored snapshot cannot be gone on from, by id
 * @throws {SnapshotError} when it may not.
 */
export async function checkIsNew(
  { log, subjects: { prefix, commit, streams } }: Pick<RecoveryPorts, "log" | "subjects">,
  skipped: ReadonlyMap<string, string>,
): Promise<void> {
  let hasTicks = false;
  for await (const { headers } of log.read(streams.components, { filter: commit })) {
    if (headers["msg-type"] !== "TickCommit") continue;
    hasTicks = true;
    break;
  }
  if (!hasTicks && skipped.size === 0) return;
  const reasons = [...skipped].map(([id, reason]) => `\n  "${id}": ${reason}`).join("");
  throw new SnapshotError(
    `Cannot resume the world under the prefix "${prefix}": ` +
      `${hasTicks ? "its log has ticks, but " : ""}${streams.snapshots} has no whole snapshot ` +
      `to go on from${reasons}\nBegin another world under another prefix, from a snapshot that ` +
      "is whole (`deno task replay --to <tick> --fork <prefix>`) or a file (`deno task snapshot " +
      "import <file> --begin --prefix <prefix>`); or remove the streams " +
      `${streams.components} and ${streams.snapshots}, and it begins anew`,
  );
}

/** The refusal of a world whose log does not lead from a snapshot to where its commits say. */
export function unresumable(
  cause: ReplayError | SnapshotError,
  { prefix, recovered }: { prefix: string; recovered: Recovered },
): UserError {
  const { meta, replica } = recovered;
  const reached = cause instanceof ReplayError ? cause.reached : replica.state.tick;
  return new UserError(
    `Cannot resume the world under the prefix "${prefix}": its log leads from snapshot ` +
      `"${meta.id}" to tick ${reached} and no further, so it is damaged, or of another ` +
      `version of Orrery\n  ${cause.message}\n` +
      `\`deno task replay --prefix ${prefix} --to ${reached} --fork NAME\` begins another ` +
      "world with that tick, and `deno task coord --prefix NAME` goes on with it. " +
      `\`deno task snapshot list --prefix ${prefix}\` shows what else is kept. ` +
      'See "Snapshots and time travel" in README.md',
    { cause },
  );
}
