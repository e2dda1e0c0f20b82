/**
 * Makes messages that no receiver may take, out of good ones: empty, cut off,
 * of another type, with wrong values, absurd lengths or hostile keys.
 *
 * @module
 */
import { encode, type ValueType } from "@std/msgpack";
import { encodeMessage } from "../lib/wire/codec.ts";
import type { MessageOf, MessageType } from "../lib/wire/messages.ts";

export interface RawMessage {
  readonly data: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

/** What to make malformed messages of. */
export interface Samples<T extends MessageType> {
  readonly type: T;
  /** What the receiver would take. */
  readonly good: MessageOf<T>;
  /** What has the right shape, and yet the receiver must refuse it. */
  readonly wrong: readonly MessageOf<T>[];
}

type Random = () => number;
type Spoil = (data: Uint8Array, random: Random) => Uint8Array;

const GARBAGE_BYTES_MAX = 300;
/** An array, a map, bytes and a string that claim to be 4 GB. */
const HUGE_HEADS = [0xdd, 0xdf, 0xc6, 0xdb];
const HOSTILE_KEY = "__proto__";
const PLACEHOLDER_KEY = "xxprotoxx";
/** A byte that no MessagePack value begins with. */
const NEVER_USED = 0xc1;

const SPOILERS: readonly Spoil[] = [
  () => new Uint8Array(0),
  (_, random) => randomBytes(random, 1 + below(random, GARBAGE_BYTES_MAX)),
  (data, random) => data.slice(0, below(random, data.length)),
  (data) => Uint8Array.of(...data, 0),
  (data) => Uint8Array.of(NEVER_USED, ...data),
  (_, random) => Uint8Array.of(pick(random, HUGE_HEADS), 255, 255, 255, 255),
  (data, random) =>
    replaceFirstKey(data, Uint8Array.of(pick(random, HUGE_HEADS), 255, 255, 255, 255)),
  (data) => replaceFirstKey(data, hostileEntry()),
  (_, random) => nested(1 + below(random, 20_000)),
];

/** One malformed message; the same sequence for the same random numbers. */
export function malformed<T extends MessageType>(
  { type, good, wrong }: Samples<T>,
  random: Random,
): RawMessage {
  const { data, options } = encodeMessage(type, good);
  const kinds = SPOILERS.length + 2 + (wrong.length > 0 ? 3 : 0);
  const kind = below(random, kinds);
  if (kind < SPOILERS.length) return { data: SPOILERS[kind](data, random), ...options };
  if (kind === SPOILERS.length) return { data, headers: otherType(type, random) };
  if (kind === SPOILERS.length + 1) return { data: encode(mistype(good, random)), ...options };
  return encodeRaw(type, pick(random, wrong));
}

/** Encodes a message as it is, whether it is right or not. */
export function encodeRaw<T extends MessageType>(type: T, value: MessageOf<T>): RawMessage {
  return { data: encode(value as ValueType), headers: { "msg-type": type } };
}

function otherType(type: MessageType, random: Random): Record<string, string> {
  const others = [undefined, "", "Nonsense", type.toLowerCase(), "TickCommit", "Refusal"];
  const other = pick(random, others);
  return other === undefined ? {} : { "msg-type": other };
}

/** One of the keys with a value of another kind. */
function mistype(value: object, random: Random): ValueType {
  const key = pick(random, Object.keys(value));
  const item = (value as Record<string, unknown>)[key];
  const replaced = { ...value, [key]: typeof item === "boolean" ? "yes" : true };
  return replaced as unknown as ValueType;
}

/** A map of one more entry than the good one, whose first key or entry is `bytes`. */
function replaceFirstKey(data: Uint8Array, bytes: Uint8Array): Uint8Array {
  return Uint8Array.of(data[0] + 1, ...bytes, ...data.subarray(1));
}

function hostileEntry(): Uint8Array {
  const entry = encode({ [PLACEHOLDER_KEY]: { polluted: true } }).slice(1);
  entry.set(new TextEncoder().encode(HOSTILE_KEY), 1);
  return entry;
}

/** Lists inside one another. */
function nested(depth: number): Uint8Array {
  return new Uint8Array(depth).fill(0x91);
}

function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => below(random, 256));
}

function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

function pick<V>(random: Random, values: readonly V[]): V {
  return values[below(random, values.length)];
}
