/**
 * The messages that make up a snapshot. They lie in a stream, and in files.
 *
 * @module
 */
import * as z from "zod";
import { FIELD_TYPES } from "../ecs/field_type.ts";
import {
  anyValue,
  bytes,
  columns,
  count,
  digest,
  instanceId,
  name,
  refusedCommand,
  text,
  u64,
} from "./values.ts";

/** Why a snapshot was made. */
export const SNAPSHOT_KINDS = [
  "initial",
  "auto",
  "manual",
  "migrated",
  "restore",
  "imported",
  "fork",
] as const;

/** A component's layout, as a snapshot declares it. */
const layout = z.object({
  name,
  fields: z.array(z.object({ name, type: z.enum(FIELD_TYPES), default: anyValue })),
});

export const SNAPSHOT_MESSAGES = {
  /** coordinator → log: the last message of a snapshot, which makes it whole. */
  SnapshotManifest: z.object({
    /** Of the format; what is newer than the reader is refused. */
    version: count,
    snapshot: instanceId,
    kind: z.enum(SNAPSHOT_KINDS),
    /** Milliseconds since 1970. */
    created_ms: u64,
    epoch: u64,
    /** The tick that the world had ended. */
    tick_id: u64,
    /** The digest of that tick's commit. */
    digest,
    /** Every entry of a later tick lies behind this one in the stream of components; 0: none. */
    sequence: u64,
    /** Change tick of each system's last run that missed no shard. */
    last_runs: z.record(name, u64),
    /** The answers to the newest buffers with an id, oldest first. */
    answers: z.array(z.object({
      id: name,
      tick_id: u64,
      spawned: z.array(u64),
      refused: z.array(refusedCommand),
    })).optional(),
    /** The tick that the world became this snapshot in, where it was made for that. */
    restored_in: u64.optional(),
    note: text.optional(),
    entities: u64,
    next_entity: u64,
    change_tick: u64,
    components: z.array(layout),
    tables: z.array(z.object({
      archetype: digest,
      count,
      /** Change tick in which a row last came, went or moved. */
      changed: u64,
      components: z.array(z.object({
        name,
        /** Change tick of the newest change, of a row there or gone. */
        changed: u64,
        /** The same for each field. */
        fields: z.array(u64),
      })),
    })),
    parts: z.array(z.object({ bytes: count, digest })),
  }),

  /** coordinator → log: rows of one table, with everything that the world knows of them. */
  SnapshotPart: z.object({
    snapshot: instanceId,
    part: count,
    /** Place of the table in the manifest. */
    table: count,
    first: count,
    count,
    entities: bytes,
    columns,
    /** By component, the change tick of all of these rows where it is the same. */
    changed: z.record(name, u64),
    /** By component, each row's change tick as f64s, where they differ. */
    marks: z.record(name, bytes),
  }),
} as const;
