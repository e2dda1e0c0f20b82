/**
 * A request and its answer, as the protocol has them.
 *
 * @module
 */
import type { Bus } from "../bus/bus.ts";
import { decodeMessage, encodeMessage, type HeaderFields } from "./codec.ts";
import type { MessageOf, MessageType } from "./messages.ts";

/** The receiver refused a request; the message is its reason. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  /** True when the same request may be taken later. */
  readonly isBusy: boolean;

  constructor({ reason, retry = false }: MessageOf<"Refusal">) {
    super(reason);
    this.isBusy = retry;
  }
}

export interface WireRequest<T extends MessageType, R extends MessageType> {
  readonly type: T;
  readonly value: MessageOf<T>;
  readonly replyType: R;
  readonly timeoutMs: number;
  readonly fields?: HeaderFields;
}

/**
 * Sends a request and resolves with the decoded answer.
 * @throws {RefusedError} when the receiver refuses it.
 * @throws {WireError} when the answer is malformed.
 * @throws {NoRespondersError} when nobody listens.
 * @throws {RequestTimeoutError} when no answer came in time.
 */
export async function requestMessage<T extends MessageType, R extends MessageType>(
  bus: Bus,
  subject: string,
  { type, value, replyType, timeoutMs, fields }: WireRequest<T, R>,
): Promise<MessageOf<R>> {
  const { data, options } = encodeMessage(type, value, fields);
  const reply = await bus.request(subject, data, { ...options, timeoutMs });
  if (reply.headers["msg-type"] === "Refusal") {
    throw new RefusedError(decodeMessage("Refusal", reply));
  }
  return decodeMessage(replyType, reply);
}
