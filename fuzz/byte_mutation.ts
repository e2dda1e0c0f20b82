/**
 * Mutations of bytes: what a broken disk, a truncated message or somebody with
 * ill intent may make of valid ones.
 *
 * @module
 */
import type { Draw } from "../sim/draw.ts";

type Mutation = (bytes: Uint8Array, draw: Draw, others: readonly Uint8Array[]) => Uint8Array;

const MUTATIONS_MAX = 4;
const INSERTED_MAX = 16;
/** MessagePack's heads that a length follows, in 1, 2 or 4 bytes. */
const LENGTH_BYTES: ReadonlyMap<number, number> = new Map([
  [0xc4, 1],
  [0xc5, 2],
  [0xc6, 4],
  [0xc7, 1],
  [0xc8, 2],
  [0xc9, 4],
  [0xd9, 1],
  [0xda, 2],
  [0xdb, 4],
  [0xdc, 2],
  [0xdd, 4],
  [0xde, 2],
  [0xdf, 4],
]);

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  setByte,
  truncate,
  remove,
  insert,
  duplicate,
  splice,
  editLength,
  editHead,
  editInteger,
];

/** One to a few mutations, one after the other; `others` are what parts may come from. */
export function mutateBytes(
  bytes: Uint8Array,
  draw: Draw,
  others: readonly Uint8Array[],
): Uint8Array {
  let mutated = bytes;
  for (let count = draw.between(1, MUTATIONS_MAX); count > 0; count--) {
    mutated = draw.pick(MUTATIONS)(mutated, draw, others);
  }
  return mutated;
}

function flipBit(bytes: Uint8Array, draw: Draw): Uint8Array {
  return replace(bytes, draw.below(bytes.length), (byte) => byte ^ (1 << draw.below(8)));
}

function setByte(bytes: Uint8Array, draw: Draw): Uint8Array {
  const value = draw.pick([0, 1, 0x7f, 0x80, 0xc0, 0xc1, 0xff, draw.below(256)]);
  return replace(bytes, draw.below(bytes.length), () => value);
}

function truncate(bytes: Uint8Array, draw: Draw): Uint8Array {
  return bytes.slice(0, draw.below(bytes.length + 1));
}

function remove(bytes: Uint8Array, draw: Draw): Uint8Array {
  const [from, to] = range(bytes, draw);
  return join(bytes.subarray(0, from), bytes.subarray(to));
}

function insert(bytes: Uint8Array, draw: Draw): Uint8Array {
  const at = draw.below(bytes.length + 1);
  const inserted = Uint8Array.from(
    { length: draw.between(1, INSERTED_MAX) },
    () => draw.below(256),
  );
  return join(bytes.subarray(0, at), inserted, bytes.subarray(at));
}

function duplicate(bytes: Uint8Array, draw: Draw): Uint8Array {
  const [from, to] = range(bytes, draw);
  return join(bytes.subarray(0, to), bytes.subarray(from));
}

/** The beginning of one and the end of another. */
function splice(bytes: Uint8Array, draw: Draw, others: readonly Uint8Array[]): Uint8Array {
  if (others.length === 0) return bytes;
  const other = draw.pick(others);
  const at = draw.below(bytes.length + 1);
  const otherAt = draw.chance(0.5) ? Math.min(at, other.length) : draw.below(other.length + 1);
  return join(bytes.subarray(0, at), other.subarray(otherAt));
}

/** Another length for some text, bytes, list or map. */
function editLength(bytes: Uint8Array, draw: Draw): Uint8Array {
  const at = find(bytes, draw, (byte) => LENGTH_BYTES.has(byte));
  if (at === undefined) return editHead(bytes, draw);
  const edited = bytes.slice();
  const count = LENGTH_BYTES.get(bytes[at]) ?? 0;
  const kind = draw.below(3);
  for (let i = at + 1; i <= at + count && i < edited.length; i++) {
    edited[i] = kind === 0 ? 0xff : kind === 1 ? 0 : edited[i] + draw.between(-1, 1);
  }
  return edited;
}

/** Another type, or another short length, for some value. */
function editHead(bytes: Uint8Array, draw: Draw): Uint8Array {
  const at = find(bytes, draw, (byte) => byte >= 0x80 && byte < 0xc0);
  if (at === undefined) return flipBit(bytes, draw);
  return replace(
    bytes,
    at,
    (byte) => draw.chance(0.5) ? byte + draw.pick([-1, 1]) : draw.below(256),
  );
}

/** Another value for what may be an integer of 32 or 64 bits. */
function editInteger(bytes: Uint8Array, draw: Draw): Uint8Array {
  const at = find(bytes, draw, (byte) => byte >= 0xcc && byte <= 0xd3);
  if (at === undefined) return flipBit(bytes, draw);
  const edited = bytes.slice();
  const fill = draw.pick([0, 0x7f, 0x80, 0xff]);
  for (let i = at + 1; i < Math.min(edited.length, at + 9); i++) edited[i] = fill;
  return edited;
}

/** A place from a random one on at which there is such a byte. */
function find(
  bytes: Uint8Array,
  draw: Draw,
  isWanted: (byte: number) => boolean,
): number | undefined {
  const start = draw.below(bytes.length);
  const at = bytes.subarray(start).findIndex(isWanted);
  return at < 0 ? undefined : start + at;
}

function range({ length }: Uint8Array, draw: Draw): [from: number, to: number] {
  const from = draw.below(length + 1);
  return [from, Math.min(length, from + 1 + Math.floor(draw.exponential(8)))];
}

function replace(
  bytes: Uint8Array,
  at: number,
  change: (byte: number) => number,
): Uint8Array {
  const changed = bytes.slice();
  if (at < changed.length) changed[at] = change(changed[at]);
  return changed;
}

function join(...pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
