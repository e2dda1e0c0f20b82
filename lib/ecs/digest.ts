/**
 * 64-bit digests (XXH64, seed 0) for ids that every process must compute alike.
 *
 * @module
 */
import xxhash from "xxhash-wasm";

const { h64Raw, create64 } = await xxhash();
const utf8 = new TextEncoder();

/** The hash's memory is its own: what is copied there at a time is to be in the processor's cache still. */
const SLICE_BYTES = 64 * 1024;

/** XXH64 of `data`; text is hashed as UTF-8. */
export function digest64(data: Uint8Array | string): bigint {
  const bytes = typeof data === "string" ? utf8.encode(data) : data;
  if (bytes.length <= SLICE_BYTES) return h64Raw(bytes);
  const digest = createDigest();
  digest.update(bytes);
  return digest.value();
}

/** An XXH64 that is fed piece by piece. */
export interface Digest {
  update(data: Uint8Array): void;
  value(): bigint;
}

export function createDigest(): Digest {
  const state = create64();
  return {
    update: (data) => {
      for (let at = 0; at < data.length; at += SLICE_BYTES) {
        state.update(data.subarray(at, at + SLICE_BYTES));
      }
    },
    value: () => state.digest(),
  };
}

/** A 64-bit digest as 16 hex digits. */
export function digestHex(digest: bigint): string {
  return digest.toString(16).padStart(16, "0");
}
