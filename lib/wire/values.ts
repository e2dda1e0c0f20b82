/**
 * The types of single values in messages, each checked in both directions.
 *
 * @module
 */
import * as z from "zod";
import type { ValueType } from "@std/msgpack";

const NAME_LENGTH_MAX = 256;
const TEXT_LENGTH_MAX = 16_384;
const U32_MAX = 2 ** 32 - 1;

export const name = z.string().min(1).max(NAME_LENGTH_MAX);
/** A part of subjects, so one NATS token. */
export const instanceId = name.regex(/^[^\s.*>]+$/, "expected one token of a subject");
export const text = z.string().max(TEXT_LENGTH_MAX);
export const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, "expected bin");
export const anyValue = z.custom<ValueType>((value) => value !== undefined, "expected a value");

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/**
 * A component's values by field. That it is a map is all that is found out here;
 * names and values are checked once, where the schema is known.
 */
export const fieldValues = z.custom<Record<string, ValueType>>(isMap, "expected a map");

/** Field values by component. */
export const componentValues = z.custom<Record<string, Record<string, ValueType>>>(
  (value) => isMap(value) && Object.values(value).every(isMap),
  "expected a map of maps",
);

/** A subject that one can publish to: no wildcards, white space or empty tokens. */
export const subject = name.regex(/^[^\s.*>]+(\.[^\s.*>]+)*$/, "expected a subject");

/** What a MessagePack library may encode as a 64-bit integer, whatever its size. */
const numberOf = (type: z.ZodNumber) =>
  z.codec(z.union([z.number(), z.bigint()]), type, {
    decode: (value) => Number(value),
    encode: (value) => value,
  });

export const count = numberOf(z.int().min(0).max(U32_MAX));
export const countFromOne = numberOf(z.int().min(1).max(U32_MAX));
export const number = numberOf(z.number());
export const positive = numberOf(z.number().positive());
export const notNegative = numberOf(z.number().min(0));

/** A u64 that is a safe integer: entities, ticks, epochs. */
export const u64 = z.codec(
  z.union([z.int(), z.bigint()]),
  z.int().min(0),
  {
    decode: (value) => Number(value),
    encode: (value) => value > U32_MAX ? BigInt(value) : value,
  },
);

/** What a value is compared with; integers of 64 bits where the others do not reach. */
export const scalar = z.union([z.number(), z.bigint(), z.boolean(), text]);

/** A signed reference: an entity, or -k for the k-th spawned by the same buffer. */
export const entityReference = z.codec(
  z.union([z.int(), z.bigint()]),
  z.int(),
  {
    decode: (value) => Number(value),
    encode: (value) => Math.abs(value) > U32_MAX ? BigInt(value) : value,
  },
);

/** A u64 that uses all its bits: ids and digests. */
export const digest = z.codec(
  z.union([z.int().min(0), z.bigint().min(0n).max(2n ** 64n - 1n)]),
  z.bigint(),
  { decode: (value) => BigInt(value), encode: (value) => value },
);

/**
 * Columns by `Component.field`: fixed fields as little-endian bytes, list fields
 * as an array with one value per row.
 */
export const columns = z.record(name, z.union([bytes, z.array(anyValue)]));

/** A command that had no effect: its place in the list, and why. */
export const refusedCommand = z.object({ index: count, reason: text });
