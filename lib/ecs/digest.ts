/**
 * 64-bit digests (XXH64, seed 0) for ids that every process must compute alike.
 *
 * @module
 */
import xxhash from "xxhash-wasm";

const { h64Raw, create64 } = await xxhash();
const utf8 = new TextEncoder();

/** XXH64 of `data`; text is hashed as UTF-8. */
export function digest64(data: Uint8Array | string): bigint {
  return h64Raw(typeof data === "string" ? utf8.encode(data) : data);
}

/** An XXH64 that is fed piece by piece. */
export interface Digest {
  update(data: Uint8Array): void;
  value(): bigint;
}

export function createDigest(): Digest {
  const state = create64();
  return { update: (data) => void state.update(data), value: () => state.digest() };
}

/** A 64-bit digest as 16 hex digits. */
export function digestHex(digest: bigint): string {
  return digest.toString(16).padStart(16, "0");
}
