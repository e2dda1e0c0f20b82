/**
 * What the errors of JetStream mean.
 *
 * @module
 */
import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";
import {
  StreamFullError,
  StreamNotFoundError,
  UnavailableError,
  WrongLastSequenceError,
} from "./log.ts";
import { isNoResponders, isPayloadTooLarge, isTimeout } from "./nats_errors.ts";

/** JetStream's: the last is another one, and, of newer servers, another one is being stored. */
const WRONG_LAST_CODES = [JetStreamApiCodes.StreamWrongLastSequence, 10164];
/** JetStream's: no suitable peers for placement, as while a cluster comes up. */
const NO_PEERS_CODES = [10005];
/** The status of what may be answered later. */
const UNAVAILABLE_STATUS = 503;
/** JetStream's: no resources, no storage, and a store that takes no more. */
const NO_ROOM_CODES = [10023, 10047, 10077];

/** What an append that failed is to be told by. */
export function explainAppend(
  cause: unknown,
  { failure, expectedLastSequence, timeoutMs }: {
    failure: string;
    expectedLastSequence: number | undefined;
    timeoutMs: number;
  },
): Error {
  if (cause instanceof UnavailableError) return cause;
  if (isApiError(cause, WRONG_LAST_CODES)) {
    const message = `${failure} behind sequence ${expectedLastSequence}: ${cause.message}`;
    return new WrongLastSequenceError(message, { cause });
  }
  if (isNoRoom(cause)) {
    return new StreamFullError(`${failure}: ${cause.message}`, { cause });
  }
  if (isPayloadTooLarge(cause)) return new RangeError(`${failure}: ${cause.message}`, { cause });
  if (isNoResponders(cause)) return new Error(`${failure}: no stream captures it`, { cause });
  if (isTimeout(cause)) {
    return new UnavailableError(`${failure}: no answer in ${timeoutMs} ms`, { cause });
  }
  return explain(cause, failure);
}

/** Whether a later try may fare better. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof UnavailableError || isTimeout(error) || isNoResponders(error)) return true;
  return error instanceof JetStreamApiError &&
    (error.status === UNAVAILABLE_STATUS || NO_PEERS_CODES.includes(error.code));
}

/** Whether there is no room for what was to be stored. */
export function isNoRoom(error: unknown): error is JetStreamApiError {
  return isApiError(error, NO_ROOM_CODES);
}

export function isStreamMissing(error: unknown): boolean {
  return isApiError(error, [JetStreamApiCodes.StreamNotFound]);
}

function isApiError(error: unknown, codes: readonly number[]): error is JetStreamApiError {
  return error instanceof JetStreamApiError && codes.includes(error.code);
}

/** What any other request that failed is to be told by. */
export function explain(cause: unknown, failure: string): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new (isStreamMissing(cause) ? StreamNotFoundError : Error)(`${failure}: ${reason}`, {
    cause,
  });
}
