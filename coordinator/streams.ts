/**
 * The streams that keep a world: what systems changed with the commits that
 * accept it, and the newest broadcast sets.
 *
 * @module
 */
import type { Log, StreamInfo } from "../lib/bus/log.ts";
import type { Subjects } from "../lib/wire/subjects.ts";

/** How large the components' stream may get. */
const COMPONENTS_BYTES_MAX = 4 * 1024 ** 3;
const SETS_BYTES_MAX = 1024 ** 3;

export interface StreamOptions {
  readonly log: Log;
  readonly subjects: Subjects;
  /** Copies in a cluster. */
  readonly replicas: number;
}

/**
 * Creates the components' stream, or takes up the one that is there. When it is
 * full it refuses what is new: a world whose log has a hole cannot be resumed.
 */
export function openComponents({ log, subjects, replicas }: StreamOptions): Promise<StreamInfo> {
  return log.open({
    name: subjects.streams.components,
    subjects: [subjects.componentChanged(), subjects.commit],
    storage: "file",
    bytesMax: COMPONENTS_BYTES_MAX,
    discard: "new",
    replicas,
  });
}

/** Creates the sets' stream, which is gone after its server's end, or takes up the one that is there. */
export function openSets({ log, subjects, replicas }: StreamOptions): Promise<StreamInfo> {
  return log.open({
    name: subjects.streams.sets,
    subjects: [subjects.componentSet("*")],
    storage: "memory",
    bytesMax: SETS_BYTES_MAX,
    messagesPerSubjectMax: 1,
    replicas,
  });
}
