/**
 * The coordinator's own events, by topic: what `data` holds. Topics below
 * `system.`, `tick.`, `snapshot.`, `world.`, `control.` and `log.` are its; the
 * data of all other topics may be anything.
 *
 * @module
 */
import * as z from "zod";
import { count, name, notNegative, number, positive, text, u64 } from "./values.ts";

const member = z.object({ system: name, instance: name });
const turnout = z.object({ system: name, missed: count });
const trouble = z.object({ reason: text });

export const EVENTS = {
  "system.up": member,
  "system.down": member,
  /** It starts to be skipped, since no instance took `missed` of its shards. */
  "system.skipped": turnout,
  "system.resumed": turnout,
  /** A script threw; `error` has its stack. */
  "system.error": z.object({ system: name, instance: name, shard: count, error: text }),
  /** A tick took longer than its period; told once a second at the most, `count` since last told. */
  "tick.overrun": z.object({ duration_ms: number, period_ms: number, count }),
  "snapshot.saved": z.object({ snapshot: name, kind: name, tick: u64, entities: notNegative }),
  "snapshot.failed": z.object({ kind: name, reason: text }),
  "world.restored": z.object({ snapshot: name }),
  "control.paused": z.object({}),
  "control.resumed": z.object({}),
  /** It runs `ticks` ticks, and pauses. */
  "control.stepped": z.object({ ticks: count }),
  "control.rate": z.object({ hz: positive }),
  /** The log takes no ticks at the moment. */
  "log.down": trouble,
  "log.full": trouble,
  "log.ready": z.object({}),
} as const;

export type EventTopic = keyof typeof EVENTS;

/** What an event of this topic carries. */
export type EventData<T extends EventTopic> = z.output<(typeof EVENTS)[T]>;

/** What `data` is, if the topic is the coordinator's and the data is as it should be. */
export function parseEventData<T extends EventTopic>(
  topic: T,
  data: unknown,
): EventData<T> | undefined {
  const result = EVENTS[topic].safeParse(data);
  return result.success ? result.data as EventData<T> : undefined;
}

export function isEventTopic(topic: string): topic is EventTopic {
  return Object.hasOwn(EVENTS, topic);
}
