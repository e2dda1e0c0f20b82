/**
 * Mutations of messages: half of them keep to MessagePack, and so get past the
 * decoder to whatever checks come behind it.
 *
 * @module
 */
import type { Draw } from "../sim/draw.ts";
import { mutateBytes } from "./byte_mutation.ts";
import { mutateValue } from "./value_mutation.ts";

const VALUES_SHARE = 0.6;
const BOTH_SHARE = 0.1;

export function mutateMessage(
  data: Uint8Array,
  draw: Draw,
  others: readonly { readonly data: Uint8Array }[],
): Uint8Array {
  const bytesOf = () => others.map(({ data }) => data);
  if (!draw.chance(VALUES_SHARE)) return mutateBytes(data, draw, bytesOf());
  const mutated = mutateValue(data, draw);
  return draw.chance(BOTH_SHARE) ? mutateBytes(mutated, draw, bytesOf()) : mutated;
}
