/**
 * What the coordinator tells of its world and of itself: what there is, in which
 * order systems run, where the time of the last ticks went, and how instances fare.
 *
 * @module
 */
import * as z from "zod";
import { anyValue, count, countFromOne, name, notNegative, number, text, u64 } from "./values.ts";

/** An error of a system's instance, as it was reported. */
const lastError = z.object({
  tick_id: u64,
  shard: count,
  instance_id: name,
  /** The error and its stack. */
  text,
});

/** Times are in milliseconds since the tick's start. */
const shardTrace = z.object({
  shard: count,
  rows: count,
  /** Whose result was taken; absent where the shard is lost. */
  instance_id: name.optional(),
  attempts: count,
  /** When it waited for nothing but a credit; absent where it never came to that. */
  ready_ms: number.optional(),
  /** When its last attempt was sent. */
  sent_ms: number.optional(),
  done_ms: number.optional(),
  /** How long the script ran. */
  compute_ms: notNegative,
});

const systemTrace = z.object({
  system: name,
  started_ms: number,
  ended_ms: number,
  /** Shards that no instance took. */
  missed: count,
  /** How many shards there were; the first of them are listed. */
  shard_count: count,
  shards: z.array(shardTrace),
});

export const WORLD_MESSAGES = {
  /** any → coordinator (request). */
  SchemaRequest: z.object({}),
  SchemaReply: z.object({
    /** The world's name in its manifest. */
    world: name.optional(),
    components: z.array(z.object({
      name,
      description: text.optional(),
      fields: z.array(z.object({
        name,
        type: name,
        default: anyValue,
        /** What its numbers count, such as `m/s`. */
        unit: name.optional(),
        description: text.optional(),
      })),
    })),
    /** How many components and fields have a unit or description that there was no room for. */
    annotations_left_out: countFromOne.optional(),
    /** Those that have rows, the largest first. */
    archetypes: z.array(z.object({ components: z.array(name), count })),
    /** How many have rows, if not all of them are listed. */
    archetype_count: count,
  }),

  /** any → coordinator (request). */
  GraphRequest: z.object({}),
  GraphReply: z.object({
    /** In the order in which they would run one after the other. */
    systems: z.array(z.object({
      name,
      queue: name,
      deadline_ms: notNegative,
      on_miss: z.enum(["skip", "hold"]),
      reads: z.array(name),
      writes: z.array(name),
      /** The systems that it waits for, without those that these wait for. */
      after: z.array(name),
      /** Those that it follows row by row. */
      rowwise: z.array(name),
      /** Systems on the longest way here. */
      level: count,
    })),
    ambiguities: z.array(z.object({ first: name, second: name, fields: z.array(name) })),
  }),

  /** any → coordinator (request). */
  TraceRequest: z.object({
    /** The first tick; by default, as many of the newest as `ticks` says. */
    from_tick: u64.optional(),
    /** How many at the most; all by default. */
    ticks: countFromOne.optional(),
  }),
  TraceReply: z.object({
    /** Oldest first; fewer than asked for where they do not fit into a message. */
    ticks: z.array(z.object({
      tick_id: u64,
      /** On the coordinator's clock, in milliseconds. */
      started_ms: number,
      /** 0 where ticks run as fast as they can. */
      period_ms: notNegative,
      duration_ms: notNegative,
      /** From the tick's end until it was stored; absent before. */
      commit_ms: notNegative.optional(),
      /** True when it took longer than its period. */
      late: z.boolean(),
      /** What it waited for the longest, where it was late. */
      why: text.optional(),
      systems: z.array(systemTrace),
    })),
  }),

  /** any → coordinator (request). */
  SystemsRequest: z.object({}),
  SystemsReply: z.object({
    tick_id: u64,
    systems: z.record(
      name,
      z.object({
        instances: z.array(z.object({
          instance_id: name,
          since_tick: u64,
          load: notNegative,
          /** Counted by the instance since it began. */
          shards: notNegative,
          rows: notNegative,
          errors: notNegative,
          refused: notNegative,
          credits: countFromOne,
          /** Since its last sign of life. */
          silent_ms: notNegative,
        })),
        errors: notNegative,
        late: notNegative,
        skipped: notNegative,
        /** Ticks in which it ran. */
        ticks: notNegative,
        /** Of schedules that were sent, each time, and of results that were taken. */
        bytes_sent: notNegative,
        bytes_received: notNegative,
        /** How long its scripts ran, over all instances: the mean of the last ticks. */
        compute_ms_per_tick: notNegative,
        last_error: lastError.optional(),
      }),
    ),
    /** The 50th and 99th percentile of the last ticks' durations, in milliseconds. */
    tick_ms_p50: notNegative,
    tick_ms_p99: notNegative,
  }),
} as const;
