/**
 * The one codec: values to MessagePack and back, everything checked on the way
 * in. The payload decides; headers only repeat what lets a receiver drop a
 * message without decoding it.
 *
 * @module
 */
import { decode, encode, type ValueType } from "@std/msgpack";
import * as z from "zod";
import type { Headers, Message } from "../bus/bus.ts";
import { errorMessage } from "../error_message.ts";
import { type MessageOf, MESSAGES, type MessageType } from "./messages.ts";
import { WireError } from "./wire_error.ts";

/** Header fields beside `msg-type`. */
export interface HeaderFields {
  tick?: number;
  epoch?: number;
  shard?: number;
  attempt?: number;
  instance?: string;
}

/** An encoded message, ready to publish. */
export interface Encoded {
  readonly data: Uint8Array;
  readonly options: { readonly headers: Headers };
}

export function encodeMessage<T extends MessageType>(
  type: T,
  value: MessageOf<T>,
  fields: HeaderFields = {},
): Encoded {
  const data = encode(z.encode(MESSAGES[type] as z.ZodType, value) as ValueType);
  return { data, options: { headers: encodeHeaders(type, fields) } };
}

/**
 * Decodes and checks a message that is to be of `type`.
 * @throws {WireError} saying what is wrong with it, and where.
 */
export function decodeMessage<T extends MessageType>(type: T, message: Message): MessageOf<T> {
  const declared = message.headers["msg-type"];
  if (declared !== type) {
    throw new WireError(
      `Cannot take a message on "${message.subject}": its msg-type is "${declared}", not "${type}"`,
    );
  }
  return decodePayload(type, message.data);
}

/**
 * Decodes and checks a payload alone.
 * @throws {WireError} saying what is wrong with it, and where.
 */
export function decodePayload<T extends MessageType>(type: T, data: Uint8Array): MessageOf<T> {
  const result = z.safeDecode(MESSAGES[type] as z.ZodType, decodeValue(type, data));
  if (result.success) return result.data as MessageOf<T>;
  const [issue] = result.error.issues;
  const path = issue.path.join(".") || "the payload";
  throw new WireError(`Cannot decode ${type}: ${path}: ${issue.message}`);
}

function decodeValue(type: string, data: Uint8Array): unknown {
  try {
    return decode(data);
  } catch (cause) {
    const why = errorMessage(cause);
    throw new WireError(`Cannot decode ${type}: not one MessagePack value: ${why}`, { cause });
  }
}

function encodeHeaders(type: MessageType, fields: HeaderFields): Headers {
  const headers: Record<string, string> = { "msg-type": type };
  if (fields.tick !== undefined) headers["tick-id"] = `${fields.tick}`;
  if (fields.epoch !== undefined) headers["epoch"] = `${fields.epoch}`;
  if (fields.shard !== undefined) headers["shard"] = `${fields.shard}`;
  if (fields.attempt !== undefined) headers["attempt"] = `${fields.attempt}`;
  if (fields.instance !== undefined) headers["instance-id"] = fields.instance;
  return headers;
}
