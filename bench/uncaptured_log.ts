/**
 * A log that keeps no commits and no results: nothing is captured, and an
 * append is done at once. The broadcast sets stay, without them nothing runs.
 *
 * @module
 */
import type { Log } from "../lib/bus/log.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { overlay } from "./overlay.ts";

const EMPTY = { messages: 0, bytes: 0, firstSequence: 1, lastSequence: 0 };

export function uncaptured(log: Log, { streams: { components } }: Subjects): Log {
  let sequence = 0;
  return overlay(log, {
    open: (config) => config.name === components ? Promise.resolve(EMPTY) : log.open(config),
    append: () => Promise.resolve(++sequence),
    async *lastPerSubject(stream, filter) {
      if (stream !== components) yield* log.lastPerSubject(stream, filter);
    },
  });
}
