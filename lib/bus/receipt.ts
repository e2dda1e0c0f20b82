/**
 * A receipt is what a stream answers to a plain publish that has a reply subject:
 * whether it has stored the message. It is JetStream's publish acknowledgement.
 *
 * @module
 */
import type { Message } from "./bus.ts";

export interface Receipt {
  readonly isStored: boolean;
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();
/** `{`, which no other answer begins with: those are MessagePack maps, or empty. */
const JSON_START = 0x7b;

/** The receipt that a message is, if it is one. */
export function parseReceipt({ data }: Pick<Message, "data">): Receipt | undefined {
  if (data[0] !== JSON_START) return undefined;
  try {
    const { stream, error } = JSON.parse(decoder.decode(data));
    if (typeof stream !== "string" && error === undefined) return undefined;
    return { isStored: error === undefined };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

/** The payload of a receipt, as JetStream has it. */
export function encodeReceipt(
  { stream, sequence, reason }: { stream: string; sequence: number; reason?: string },
): Uint8Array {
  const error = reason === undefined ? {} : { error: { code: 503, description: reason } };
  return encoder.encode(JSON.stringify({ ...error, stream, seq: sequence }));
}
