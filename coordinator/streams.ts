/**
 * The streams that keep a world: what systems changed with the commits that
 * accept it, and the newest broadcast sets.
 *
 * @module
 */
import type { Log } from "../lib/bus/log.ts";
import { UserError } from "../lib/user_error.ts";
import type { Subjects } from "../lib/wire/subjects.ts";

const COMPONENTS_BYTES_MAX = 4 * 1024 ** 3;
const SETS_BYTES_MAX = 1024 ** 3;

export interface OpenedStreams {
  /** Number of this coordinator's term, above those of all before on the same streams; from 1. */
  readonly epoch: number;
  /** Sequence of the newest commit; 0: there is none. */
  readonly lastCommit: number;
}

/**
 * Creates the streams, or takes up those that are there.
 * @throws {UserError} when they hold a world already.
 */
export async function openStreams(
  { log, subjects, replicas }: { log: Log; subjects: Subjects; replicas: number },
): Promise<OpenedStreams> {
  const { components, sets } = subjects.streams;
  const changes = await log.open({
    name: components,
    subjects: [subjects.componentChanged(), subjects.commit],
    storage: "file",
    bytesMax: COMPONENTS_BYTES_MAX,
    replicas,
  });
  const broadcasts = await log.open({
    name: sets,
    subjects: [subjects.componentSet("*")],
    storage: "memory",
    bytesMax: SETS_BYTES_MAX,
    messagesPerSubjectMax: 1,
    replicas,
  });
  for await (const { headers } of log.lastPerSubject(components, subjects.commit)) {
    throw new UserError(
      `Cannot start a world under the prefix "${subjects.prefix}": its log holds one already, at ` +
        `tick ${headers["tick-id"]}. Pass another --prefix, or remove the stream ${components}`,
    );
  }
  // Instances that outlive a coordinator hold broadcast sets of its epoch, so it must not come again.
  return { epoch: Math.max(changes.lastSequence, broadcasts.lastSequence) + 1, lastCommit: 0 };
}
