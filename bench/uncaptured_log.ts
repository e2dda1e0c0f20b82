/**
 * A log that keeps no commits and no results: nothing is captured, and an
 * append is done at once. The broadcast sets and snapshots stay, without them
 * nothing runs.
 *
 * @module
 */
import type { Bus } from "../lib/bus/bus.ts";
import type { Log } from "../lib/bus/log.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { overlay } from "./overlay.ts";

const EMPTY = { messages: 0, bytes: 0, bytesMax: 2 ** 32, firstSequence: 1, lastSequence: 0 };

interface Connection {
  readonly bus: Bus;
  readonly log: Log;
}

export function uncaptured({ bus, log }: Connection, subjects: Subjects): Connection {
  const { components } = subjects.streams;
  let sequence = 0;
  return {
    // No stream answers that it has a result, so nobody is to wait for it.
    bus: overlay(bus, {
      subscribe: (subject, handle, options) =>
        subject === subjects.componentChanged()
          ? bus.subscribe(subject, (message) => {
            handle(overlay(message, { reply: "" }));
          }, options)
          : bus.subscribe(subject, handle, options),
    }),
    log: overlay(log, {
      open: (config) => config.name === components ? Promise.resolve(EMPTY) : log.open(config),
      append: (subject, data, options) =>
        subject === subjects.commit || subject.startsWith(subjects.componentChanged(""))
          ? Promise.resolve(++sequence)
          : log.append(subject, data, options),
      async *lastPerSubject(stream, filter) {
        if (stream !== components) yield* log.lastPerSubject(stream, filter);
      },
      async *read(stream, options) {
        if (stream !== components) yield* log.read(stream, options);
      },
    }),
  };
}
