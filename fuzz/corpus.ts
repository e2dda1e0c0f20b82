/**
 * A corpus: the real messages of a small world, recorded while it ran, to be
 * mutated. Mutations of what is valid get deeper than what is made up.
 *
 * @module
 */
import type { LogEntry } from "../lib/bus/log.ts";
import { SERVER, STREAMS } from "../lib/bus/memory_link.ts";
import { MESSAGES, type MessageType } from "../lib/wire/messages.ts";
import { createScenario, type Scenario } from "../sim/scenario.ts";
import { simulate, SUBJECTS } from "../sim/simulation.ts";

export interface Recorded {
  readonly type: MessageType;
  readonly subject: string;
  readonly data: Uint8Array;
}

export interface Corpus {
  readonly scenario: Scenario;
  /** A sample of them, by type. */
  readonly messages: ReadonlyMap<MessageType, readonly Recorded[]>;
  readonly all: readonly Recorded[];
  /** The log of components, from its beginning. */
  readonly log: readonly LogEntry[];
}

const PER_TYPE_MAX = 60;

/** Records the world that a seed of the simulation stands for; nothing goes wrong in it. */
export async function recordCorpus(seed: number): Promise<Corpus> {
  const messages = new Map<MessageType, Recorded[]>();
  const log: LogEntry[] = [];
  await simulate({
    seed,
    isCalm: true,
    hasSnapshots: false,
    onDelivery: ({ to, message: { subject, data, headers } }) => {
      const isLogged = subject === SUBJECTS.commit ||
        subject.startsWith(SUBJECTS.componentChanged("").slice(0, -1));
      if (to === STREAMS && isLogged) {
        log.push({ sequence: log.length + 1, subject, data, headers });
      }
      const type = headers["msg-type"];
      if (to !== SERVER || !isMessageType(type)) return;
      const known = messages.get(type) ?? [];
      if (known.length < PER_TYPE_MAX) known.push({ type, subject, data });
      messages.set(type, known);
    },
  });
  const all = [...messages.values()].flat();
  return { scenario: createScenario(seed), messages, all, log };
}

function isMessageType(type: string | undefined): type is MessageType {
  return type !== undefined && Object.hasOwn(MESSAGES, type);
}
