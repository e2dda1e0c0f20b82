/**
 * What the NATS client's errors mean.
 *
 * @module
 */
import { errors } from "@nats-io/nats-core";
import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";
import {
  StreamFullError,
  StreamNotFoundError,
  UnavailableError,
  WrongLastSequenceError,
} from "./log.ts";

/** JetStream's: the last is another one, and, of newer servers, another one is being stored. */
const WRONG_LAST_CODES = [JetStreamApiCodes.StreamWrongLastSequence, 10164];
/** JetStream's: no suitable peers for placement, as while a cluster comes up. */
const NO_PEERS_CODES = [10005];
/** The status of what may be answered later. */
const UNAVAILABLE_STATUS = 503;
/** JetStream's: no resources, no storage, and a store that takes no more. */
export const NO_ROOM_CODES = [10023, 10047, 10077];

/** Whether `error`, or what caused it, says that nobody subscribes to the subject. */
export function isNoResponders(error: unknown): boolean {
  if (error instanceof errors.NoRespondersError) return true;
  return error instanceof Error && error.cause !== undefined && isNoResponders(error.cause);
}

/** Whether `error` says that a message is larger than the server carries. */
export function isPayloadTooLarge(error: unknown): error is Error {
  return error instanceof errors.InvalidArgumentError && error.message.includes("max_payload");
}

/** Whether `error`, or what caused it, says that no answer came in time. */
export function isTimeout(error: unknown): boolean {
  if (error instanceof errors.TimeoutError) return true;
  return error instanceof Error && error.cause !== undefined && isTimeout(error.cause);
}

/** What became of an append that failed. */
export function explainAppend(
  cause: unknown,
  failure: string,
  expectedLastSequence: number | undefined,
): Error {
  if (cause instanceof UnavailableError) return cause;
  if (isApiError(cause, WRONG_LAST_CODES)) {
    const message = `${failure} behind sequence ${expectedLastSequence}: ${cause.message}`;
    return new WrongLastSequenceError(message, { cause });
  }
  if (isApiError(cause, NO_ROOM_CODES)) {
    return new StreamFullError(`${failure}: ${cause.message}`, { cause });
  }
  if (isPayloadTooLarge(cause)) return new RangeError(`${failure}: ${cause.message}`, { cause });
  if (isNoResponders(cause)) return new Error(`${failure}: no stream captures it`, { cause });
  if (isTimeout(cause)) {
    return new UnavailableError(`${failure}: no answer in time`, { cause });
  }
  return explain(cause, failure);
}

/** Whether a later try may fare better. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof UnavailableError || isTimeout(error) || isNoResponders(error)) return true;
  return error instanceof JetStreamApiError &&
    (error.status === UNAVAILABLE_STATUS || NO_PEERS_CODES.includes(error.code));
}

/** Whether JetStream answered with one of these codes. */
export function isApiError(error: unknown, codes: readonly number[]): error is JetStreamApiError {
  return error instanceof JetStreamApiError && codes.includes(error.code);
}

/** An error that says what could not be done, and why. */
export function explain(cause: unknown, failure: string): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const isMissing = isApiError(cause, [JetStreamApiCodes.StreamNotFound]);
  return new (isMissing ? StreamNotFoundError : Error)(`${failure}: ${reason}`, { cause });
}
