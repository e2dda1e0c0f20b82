/**
 * Rebasing stores the state that the log has led to as a snapshot, and lets go of
 * the log up to there. It is what a coordinator that is about to lead does where
 * the log is nearly full, so that there is room for what comes, and where the log
 * has lost its end, so that nothing new gets the place of what is gone.
 *
 * @module
 */
import type { Log } from "../lib/bus/log.ts";
import type { Report } from "../lib/report.ts";
import { SnapshotError } from "../lib/snapshot/snapshot_error.ts";
import type { SnapshotMeta } from "../lib/snapshot/snapshot_manifest.ts";
import type { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { viewWorld } from "../lib/snapshot/world_image.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { metaOfState, type WorldState } from "./world_state.ts";

export interface RebasePorts {
  readonly log: Log;
  readonly subjects: Subjects;
  readonly store: Pick<SnapshotStore, "save" | "freeId">;
  readonly report: Report;
  /** Milliseconds since 1970. */
  readonly dateMs: () => number;
}

/** A state, and up to where the log has led to it. */
export interface Based {
  readonly state: WorldState;
  readonly epoch: number;
  readonly sequence: number;
}

/** Share of the log's largest size beyond which there is reason to keep less of it. */
export const LOG_SHARE_MAX = 0.75;

/** Rebases the log where it ends before what is known of it, or is nearly full; true where it did. */
export async function rebaseWhereNeeded(ports: RebasePorts, based: Based): Promise<boolean> {
  const { log, subjects: { streams: { components } }, report } = ports;
  const { bytes, bytesMax, lastSequence } = await log.info(components);
  if (lastSequence < based.sequence) {
    report.warn(
      `the log ends at sequence ${lastSequence}, but led to tick ${based.state.tick} at ` +
        `${based.sequence}: it has lost its end, as when its server's power goes; going on from ` +
        "that tick, which is whole",
    );
    await saveAuto(ports, based);
    await log.purge(components, { before: based.sequence + 1 });
    return true;
  }
  if (bytes <= bytesMax * LOG_SHARE_MAX) return false;
  let id: string;
  try {
    id = await saveAuto(ports, based);
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    report.warn(
      `the log is nearly full, and a snapshot to go on from without it fails: ${error.message}`,
    );
    return false;
  }
  const { sequence } = based;
  await letGoBefore({ id, sequence }, {
    log,
    report,
    stream: { name: components, bytesMax },
    bytes,
  });
  return true;
}

/** Cuts a log that takes so many bytes to what a snapshot can be gone on from with. */
export async function letGoBefore(
  { id, sequence }: Pick<SnapshotMeta, "id" | "sequence">,
  { log, report, stream, bytes }: Pick<RebasePorts, "log" | "report"> & {
    readonly stream: { readonly name: string; readonly bytesMax: number };
    readonly bytes: number;
  },
): Promise<void> {
  report.warn(
    `the log takes ${bytes} of ${stream.bytesMax} bytes; only what comes after snapshot "${id}" is ` +
      "kept",
  );
  await log.purge(stream.name, { before: sequence });
}

async function saveAuto(ports: RebasePorts, based: Based): Promise<string> {
  const id = await ports.store.freeId(`t${based.state.tick}`);
  await saveState(ports, based, { id, kind: "auto" });
  return id;
}

/** Stores a state as a snapshot. */
export async function saveState(
  { store, dateMs }: Pick<RebasePorts, "store" | "dateMs">,
  { state, epoch, sequence }: Based,
  what: Pick<SnapshotMeta, "id" | "kind">,
): Promise<void> {
  const meta = { ...metaOfState(state), ...what, epoch, sequence, createdAt: dateMs() };
  await store.save(viewWorld(state.world), meta);
}
