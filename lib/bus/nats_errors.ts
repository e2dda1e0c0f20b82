/**
 * What the NATS client's errors mean.
 *
 * @module
 */
import { errors } from "@nats-io/nats-core";
import { NoRespondersError, RequestTimeoutError } from "./bus.ts";

/** Whether `error`, or what caused it, says that nobody subscribes to the subject. */
export function isNoResponders(error: unknown): boolean {
  if (error instanceof errors.NoRespondersError) return true;
  return error instanceof Error && error.cause !== undefined && isNoResponders(error.cause);
}

/** Whether `error` says that a message is larger than the server carries. */
export function isPayloadTooLarge(error: unknown): error is Error {
  return error instanceof errors.InvalidArgumentError && error.message.includes("max_payload");
}

/** Whether `error` says that the server does not let this client in. */
export function isRefusal(error: unknown): error is Error {
  return error instanceof errors.AuthorizationError ||
    error instanceof errors.UserAuthenticationExpiredError;
}

/** Whether `error`, or what caused it, says that no answer came in time. */
export function isTimeout(error: unknown): boolean {
  if (error instanceof errors.TimeoutError) return true;
  return error instanceof Error && error.cause !== undefined && isTimeout(error.cause);
}

/** What a request that failed is to be told by; `error` itself where the bus has no name for it. */
export function explainRequestError(
  error: unknown,
  { subject, timeoutMs }: { subject: string; timeoutMs: number },
): unknown {
  if (isNoResponders(error)) {
    return new NoRespondersError(`Nobody subscribes to "${subject}"`, { cause: error });
  }
  if (!isTimeout(error)) return error;
  return new RequestTimeoutError(`No answer to a request to "${subject}" in ${timeoutMs} ms`, {
    cause: error,
  });
}
