/**
 * Fuzzes the log: a world is made again from entries of which one is changed,
 * missing, doubled or in another place.
 *
 * @module
 */
import { ReplayError, Replica } from "../coordinator/replica.ts";
import { initialState } from "../coordinator/world_state.ts";
import type { LogEntry } from "../lib/bus/log.ts";
import type { Draw } from "../sim/draw.ts";
import { SUBJECTS } from "../sim/simulation.ts";
import type { Corpus } from "./corpus.ts";
import { mutateMessage } from "./mutation.ts";
import type { Session, Target, Verdict } from "./target.ts";

export const logTarget: Target = {
  name: "log",
  share: 2,
  open: (corpus) => new LogSession(corpus),
};

class LogSession implements Session {
  readonly #corpus: Corpus;

  constructor(corpus: Corpus) {
    this.#corpus = corpus;
  }

  feed(draw: Draw, note: (input: Uint8Array) => void): Verdict {
    const { log, scenario: { manifests, world } } = this.#corpus;
    const at = draw.below(log.length);
    const data = mutateMessage(log[at].data, draw, log);
    note(data);
    const replica = new Replica({
      state: initialState(manifests.schema, world),
      epoch: 0,
      commitSubject: SUBJECTS.commit,
      sequence: 0,
    });
    try {
      for (const entry of change(log, draw, { at, data })) replica.apply(entry);
      return "taken";
    } catch (error) {
      if (error instanceof ReplayError) return "refused";
      throw error;
    }
  }
}

function change(
  log: readonly LogEntry[],
  draw: Draw,
  { at, data }: { at: number; data: Uint8Array },
): readonly LogEntry[] {
  const entry = log[at];
  switch (draw.below(8)) {
    case 0:
      return log.toSpliced(at, 1);
    case 1:
      return log.toSpliced(draw.below(log.length), 0, entry);
    case 2:
      return log.toSpliced(at, 1).toSpliced(draw.below(log.length), 0, entry);
    default:
      return log.with(at, { ...entry, data });
  }
}
