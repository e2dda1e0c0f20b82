/**
 * Seeds of the simulation that once failed, and what they found.
 *
 * @module
 */
export const SEEDS_THAT_FAILED: readonly { readonly seed: number; readonly bug: string }[] = [];
