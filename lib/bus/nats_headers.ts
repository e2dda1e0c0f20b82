/**
 * Header fields between the bus's plain records and the NATS client's class.
 *
 * @module
 */
import { headers as createHeaders, type MsgHdrs } from "@nats-io/nats-core";
import type { Headers } from "./bus.ts";

const NO_HEADERS: Headers = Object.freeze({});

/** One value per field: the last, should a foreign client send several. */
export function decodeHeaders(source: MsgHdrs | undefined): Headers {
  if (source === undefined) return NO_HEADERS;
  const headers: Record<string, string> = {};
  for (const [key, values] of source) headers[key] = values[values.length - 1] ?? "";
  return headers;
}

/** @throws {Error} when a field's name or value cannot stand in a header. */
export function encodeHeaders(headers: Headers): MsgHdrs {
  const encoded = createHeaders();
  for (const [key, value] of Object.entries(headers)) encoded.set(key, value);
  return encoded;
}
