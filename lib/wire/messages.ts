/**
 * Every message of the protocol: the shape of its MessagePack payload, checked
 * in both directions by one schema. `docs/protocol.md` describes the same
 * messages for readers; keys that are not listed here are ignored.
 *
 * @module
 */
import * as z from "zod";
import type { ValueType } from "@std/msgpack";
import { condition, sort } from "./condition.ts";
import { SERVICE_MESSAGES } from "./service_messages.ts";
import { SNAPSHOT_MESSAGES } from "./snapshot_messages.ts";
import {
  anyValue,
  bytes,
  columns,
  componentValues,
  count,
  countFromOne,
  digest,
  entityReference,
  fieldValues,
  instanceId,
  name,
  notNegative,
  number,
  positive,
  refusedCommand,
  subject,
  text,
  u64,
} from "./values.ts";
import { WORLD_MESSAGES } from "./world_messages.ts";

/** One command of a buffer; see `lib/ecs/command.ts`. */
const command = z.discriminatedUnion("op", [
  z.object({ op: z.literal("spawn"), components: componentValues }),
  z.object({ op: z.literal("despawn"), entity: entityReference }),
  z.object({
    op: z.enum(["add", "set"]),
    entity: entityReference,
    component: name,
    value: fieldValues,
  }),
  z.object({ op: z.literal("remove"), entity: entityReference, component: name }),
]);

/** New values of some rows of a column that the receiver has. */
const patch = z.object({
  /** Places within the chunk, ascending, as u32s. */
  rows: bytes,
  /** The values, as a column of that many rows. */
  values: z.union([bytes, z.array(anyValue)]),
});

/** Rows of one archetype. */
const chunk = z.object({
  archetype: digest,
  /** The first row; 0 where `rows` lists them. */
  first: count,
  count,
  /** The rows' numbers as u32s, where they are not `first` to `first + count`. */
  rows: bytes.optional(),
  /** The rows' entities as u64s, where the query reads `Entity`. */
  entities: bytes.optional(),
  /** All components of the archetype, by name, where they were asked for. */
  components: z.array(name).optional(),
  columns,
  /** By `Component.field`. A column in neither `columns` nor `patches` is as it was. */
  patches: z.record(name, patch).optional(),
});

/** What identifies one attempt at one shard. */
const attempt = {
  epoch: u64,
  tick_id: u64,
  system: name,
  shard: count,
  attempt: count,
};

/** What ends an attempt, whatever came of it. */
const outcome = {
  ...attempt,
  instance_id: instanceId,
  /** How long the script ran. */
  compute_ms: notNegative,
  /** True when the instance keeps the schedule's range as it now is. */
  kept: z.boolean().optional(),
};

const query = z.object({
  read: z.array(name).optional(),
  write: z.array(name).optional(),
  optional: z.array(name).optional(),
  with: z.array(name).optional(),
  without: z.array(name).optional(),
  changed: z.array(name).optional(),
});

/** Every message by its `msg-type`. */
export const MESSAGES = {
  /** coordinator → all: a tick begins. `dt` in seconds. */
  TickStart: z.object({ epoch: u64, tick_id: u64, dt: number }),

  /** coordinator → one instance: run the script over these rows. */
  SystemSchedule: z.object({
    ...attempt,
    dt: number,
    /** The version of each broadcast set that the rows are to be run with. */
    sets: z.record(name, u64),
    /** Identifies the rows; an instance may keep their columns under it. */
    range: digest.optional(),
    /** What is left out of the chunks is as in the range that was kept in this tick. */
    base: u64.optional(),
    chunks: z.array(chunk),
  }),

  /** instance → coordinator: the written columns and the commands of one shard. */
  ComponentShard: z.object({
    ...outcome,
    chunks: z.array(chunk),
    commands: z.array(command),
  }),

  /** instance → coordinator: a shard is done and changed nothing, or its script threw. */
  TickAck: z.object({
    ...outcome,
    /** The error and its stack, when the script threw. */
    error: text.optional(),
  }),

  /** coordinator → every instance of a system: a part of a broadcast's result set. */
  ComponentSet: z.object({
    epoch: u64,
    system: name,
    set: name,
    /** The tick that the set was taken in. */
    version: u64,
    part: count,
    parts: countFromOne,
    count,
    entities: bytes.optional(),
    columns,
  }),

  /** coordinator → log: a term begins behind this tick; whoever commits in an older one is refused. */
  TermStart: z.object({
    epoch: u64,
    tick_id: u64,
    /** Digest of the components that its ticks are written in. */
    components: digest.optional(),
  }),

  /** coordinator → all, again and again: it lives. */
  Lease: z.object({ epoch: u64, tick_id: u64 }),

  /** coordinator → log: a tick is decided. */
  TickCommit: z.object({
    epoch: u64,
    tick_id: u64,
    dt: number,
    /** The snapshot that the world became in this tick, in which nothing else happened. */
    restored: instanceId.optional(),
    /** The payloads of the `EntityCommand`s applied before the systems ran, in order. */
    buffers: z.array(bytes),
    /** Every system, in the graph's order. */
    systems: z.array(z.object({
      system: name,
      /** Shards that no instance took. */
      missed: count,
      /** The accepted attempt of each shard; null for a shard that is lost. */
      shards: z.array(z.nullable(z.object({
        attempt: count,
        instance_id: name,
        /** True when the log has a `ComponentShard` of this attempt, which is part of the tick. */
        changed: z.boolean(),
      }))),
    })),
    /** Chained over the ticks: equal digests, equal worlds. */
    digest,
  }),

  /** instance → coordinator (request). */
  SystemDescriptor: z.object({
    protocol: count,
    name,
    instance_id: instanceId,
    /** The canonical text of the system's queries and layouts. */
    query: text,
    /** The digest of `query`, in hex. */
    schema_hash: name,
    credits: countFromOne,
    /** True when it listens for probes for as long as it is connected. */
    probes: z.boolean().optional(),
  }),
  RegisterReply: z.object({
    accepted: z.boolean(),
    reason: text.optional(),
    epoch: u64,
    tick_id: u64,
    heartbeat_ms: positive,
  }),

  /** instance → coordinator (request). */
  Unregister: z.object({ instance_id: instanceId, system: name }),
  /** `known` false: there was no such instance. */
  UnregisterReply: z.object({ known: z.boolean() }),

  /** instance → coordinator (request). */
  Heartbeat: z.object({
    instance_id: instanceId,
    system: name,
    /** Share of the time since the last heartbeat that the script ran, 0 to 1. */
    load: notNegative,
    shards: count,
    rows: notNegative,
    errors: count,
    refused: count,
  }),
  /** `known` false: the coordinator has not got this instance; register again. */
  HeartbeatReply: z.object({ known: z.boolean() }),

  /** coordinator → one instance: nothing but a reason for the server to say that it is gone. */
  Probe: z.object({}),

  /** any → coordinator (request). */
  EntityCommand: z.object({
    /** A buffer of the same id that was applied lately is answered as then, and not applied again. */
    id: name.optional(),
    commands: z.array(command),
  }),
  EntityCommandReply: z.object({
    tick_id: u64,
    spawned: z.array(u64),
    refused: z.array(refusedCommand),
  }),

  /** coordinator → all. */
  EntityCreated: z.object({ tick_id: u64, entity: u64, archetype: digest }),
  EntityDestroyed: z.object({ tick_id: u64, entity: u64 }),

  /** any → coordinator (request). */
  Control: z.object({
    op: z.enum(["status", "pause", "resume", "step", "rate", "snapshot", "restore"]),
    /** For `step`. */
    ticks: countFromOne.optional(),
    /** For `rate`. */
    hz: positive.optional(),
    /** For `restore`: which. */
    snapshot: instanceId.optional(),
    /** For `restore`: whether values that the components no longer have a place for may be lost. */
    migrate: z.boolean().optional(),
    /** For `snapshot`: what to write on it. */
    note: text.optional(),
  }),
  ControlReply: z.object({
    epoch: u64,
    tick_id: u64,
    running: z.boolean(),
    /** The snapshot that was stored, or that the world became. */
    snapshot: instanceId.optional(),
    hz: number,
    entities: number,
    overruns: number,
    refused: number,
    systems: z.record(
      name,
      z.object({
        instances: count,
        load: number,
        shards: number,
        rows: number,
        errors: number,
        late: number,
        skipped: number,
      }),
    ),
  }),

  /** any → coordinator (request). */
  QueryRequest: z.object({
    query,
    /** Only rows for which this is true. */
    where: condition.optional(),
    /** In which order; with it, pages are told apart by `offset`. */
    sort: sort.optional(),
    /** Rows per page at the most. */
    limit: countFromOne.optional(),
    /** `next` of the page before. */
    cursor: name.optional(),
    /** Rows to leave out, in place of a cursor. */
    offset: count.optional(),
    /** Whether to say how many rows there are in all. */
    count: z.boolean().optional(),
    /** Only these, as u64s. */
    entities: bytes.optional(),
    /** Whether each chunk is to list all components of its archetype. */
    components: z.boolean().optional(),
  }),
  QueryResponse: z.object({
    tick_id: u64,
    /** With `entities`; `first` and `archetype` as in the coordinator's tables. */
    chunks: z.array(chunk),
    /** Where rows are sorted: the entities of all chunks in their order, as u64s. */
    order: bytes.optional(),
    /** How many rows there are on all pages. */
    total: count.optional(),
    /** Where the next page starts; absent on the last. */
    next: name.optional(),
  }),

  /** any → coordinator (request): push what changes to `deliver` until the lease ends. */
  QueryWatch: z.object({
    query,
    where: condition.optional(),
    deliver: subject,
    lease_ms: positive,
    /** No more often than this. */
    every_ms: notNegative.optional(),
    /** No more rows than this at a time. */
    max_rows: countFromOne.optional(),
    /** Whether each chunk is to list all components of its archetype. */
    components: z.boolean().optional(),
    /** Whether a watch that is open already begins anew. */
    restart: z.boolean().optional(),
  }),
  QueryWatchReply: z.object({ watch_id: name, lease_ms: number }),
  /** coordinator → whoever watches: what changed since the last one. */
  QueryDelta: z.object({
    watch_id: name,
    /** Deltas before it, since the last that reset: who has not got them all lacks something. */
    sequence: u64,
    tick_id: u64,
    /** Rows that came or changed, with `entities`. */
    chunks: z.array(chunk),
    /** Entities that match no more, as u64s. */
    gone: bytes,
    /** True when what the receiver has of this watch is void. */
    reset: z.boolean(),
    /** True when more is yet to come, after the next ticks. */
    more: z.boolean(),
  }),

  /** any → all. */
  Event: z.object({ topic: name, tick_id: u64, source: name, data: anyValue }),

  ...WORLD_MESSAGES,

  ...SNAPSHOT_MESSAGES,

  ...SERVICE_MESSAGES,

  /** The answer to a request or schedule that was refused. */
  Refusal: z.object({
    reason: text,
    /** True when the same message may be taken later. */
    retry: z.boolean().optional(),
  }),
} as const;

export type MessageType = keyof typeof MESSAGES;

/** The decoded form of a message. */
export type MessageOf<T extends MessageType> = z.output<(typeof MESSAGES)[T]>;

/** Rows of one archetype, as messages carry them. */
export type Chunk = z.output<typeof chunk>;

/** One command, as messages carry it. */
export type WireCommand = z.output<typeof command>;

/** A query by names, as messages carry it. */
export type WireQuery = z.output<typeof query>;

/** New values of some rows, as messages carry them. */
export type Patch = z.output<typeof patch>;

/** A column, as messages carry it. */
export type WireColumn = Uint8Array | ValueType[];
