/**
 * A connection whose log keeps no commits and no results: nothing is captured,
 * and the end of a tick is stored at once. The broadcast sets stay, without them
 * nothing runs.
 *
 * @module
 */
import type { Bus, Message } from "../lib/bus/bus.ts";
import type { Log } from "../lib/bus/log.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { overlay } from "./overlay.ts";

const EMPTY = {
  messages: 0,
  bytes: 0,
  bytesMax: Infinity,
  firstSequence: 1,
  lastSequence: 0,
};

interface Connection {
  readonly bus: Bus;
  readonly log: Log;
}

export function uncaptured({ bus, log }: Connection, subjects: Subjects): Connection {
  const { streams: { components } } = subjects;
  const changed = subjects.componentChanged("");
  let sequence = 0;
  return {
    bus: overlay(bus, {
      subscribe: (subject, handler, options) =>
        bus.subscribe(
          subject,
          subject === subjects.componentChanged()
            ? (message) => handler(withoutReply(message))
            : handler,
          options,
        ),
    }),
    log: overlay(log, {
      open: (config) => config.name === components ? Promise.resolve(EMPTY) : log.open(config),
      append: (subject, data, options) =>
        subject === subjects.commit || subject.startsWith(changed)
          ? Promise.resolve(++sequence)
          : log.append(subject, data, options),
      last: (stream, subject) =>
        stream === components ? Promise.resolve(undefined) : log.last(stream, subject),
      async *read(stream, options) {
        if (stream !== components) yield* log.read(stream, options);
      },
      async *lastPerSubject(stream, filter) {
        if (stream !== components) yield* log.lastPerSubject(stream, filter);
      },
    }),
  };
}

/** No receipt is waited for, then. */
function withoutReply({ subject, data, headers, noResponders }: Message): Message {
  return { subject, data, headers, noResponders };
}
