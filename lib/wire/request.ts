/**
 * A request and its answer, as the protocol has them.
 *
 * @module
 */
import type { Bus, Message } from "../bus/bus.ts";
import { errorMessage } from "../error_message.ts";
import type { Report } from "../report.ts";
import { UserError } from "../user_error.ts";
import { decodeMessage, type Encoded, encodeMessage, type HeaderFields } from "./codec.ts";
import type { MessageOf, MessageType } from "./messages.ts";
import { BusyError, WireError } from "./wire_error.ts";

/** A reason that is longer is cut. */
const REASON_LENGTH_MAX = 4096;

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

/** Why something is refused, as an error says it. */
export function reasonOf(error: unknown): string {
  const reason = errorMessage(error);
  return reason.slice(0, REASON_LENGTH_MAX);
}

export function encodeRefusal(error: unknown): Encoded {
  const retry = error instanceof BusyError;
  return encodeMessage("Refusal", { reason: reasonOf(error), ...(retry && { retry }) });
}

/**
 * Answers a request with what `make` gives, or refuses it where that throws; what is
 * not the sender's fault is reported as well.
 * @param make decodes the request before it first awaits anything
 */
export async function answerRequest(
  { reply, subject }: Pick<Message, "reply" | "subject">,
  make: () => Encoded | Promise<Encoded>,
  { bus, report }: { bus: Pick<Bus, "publish">; report: Report },
): Promise<void> {
  let encoded: Encoded;
  try {
    encoded = await make();
  } catch (error) {
    const isOurs = !(error instanceof WireError || error instanceof UserError);
    if (isOurs) report.warn(`${subject}: ${reasonOf(error)}`);
    encoded = encodeRefusal(error);
  }
  if (reply !== undefined) bus.publish(reply, encoded.data, encoded.options);
}
