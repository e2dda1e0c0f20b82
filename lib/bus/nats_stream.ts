/**
 * Streams as JetStream's API has them.
 *
 * @module
 */
import {
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  type StreamInfo as NatsStreamInfo,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import type { StreamConfig, StreamInfo } from "./log.ts";

/**
 * How long a stream remembers the ids of what was appended. After a restart it reads
 * everything of that time to learn them anew.
 */
const IDS_REMEMBERED_MS = 10_000;
/** How often the size of a new stream is halved for a server that has not got the room. */
const HALVINGS_MAX = 6;

export function toStreamSettings(config: StreamConfig) {
  return {
    subjects: [...config.subjects],
    storage: config.storage === "file" ? StorageType.File : StorageType.Memory,
    retention: RetentionPolicy.Limits,
    discard: config.discard === "new" ? DiscardPolicy.New : DiscardPolicy.Old,
    max_bytes: config.bytesMax,
    max_msgs_per_subject: config.messagesPerSubjectMax ?? -1,
    duplicate_window: nanos(IDS_REMEMBERED_MS),
    num_replicas: config.replicas,
  };
}

/** Halves, down to the smallest that is of use. */
export function sizesFrom(bytesMax: number): number[] {
  return Array.from({ length: HALVINGS_MAX + 1 }, (_, i) => Math.floor(bytesMax / 2 ** i));
}

export function toStreamInfo({ config, state }: NatsStreamInfo): StreamInfo {
  return {
    messages: state.messages,
    bytes: state.bytes,
    bytesMax: config.max_bytes,
    firstSequence: state.messages === 0 ? state.last_seq + 1 : state.first_seq,
    lastSequence: state.last_seq,
  };
}
