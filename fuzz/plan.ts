/**
 * The plan of a fuzzing run: how many batches each target gets, and their seeds.
 *
 * @module
 */
import { type Batch, BATCH_INPUTS } from "./batch.ts";
import type { Target } from "./target.ts";

/** The targets take turns, so that all get their shares from the beginning on. */
export function* planBatches(
  targets: readonly Pick<Target, "name" | "share">[],
  { inputs, seed }: { inputs: number; seed: number },
): Generator<Batch> {
  const total = targets.reduce((sum, { share }) => sum + share, 0);
  const planned = new Map(targets.map((target) => [target, 0]));
  for (let done = 0; done < inputs; done += BATCH_INPUTS) {
    // The one that is furthest behind its share.
    const [target] = targets.toSorted((a, b) =>
      (planned.get(a) ?? 0) / a.share - (planned.get(b) ?? 0) / b.share
    );
    planned.set(target, (planned.get(target) ?? 0) + total);
    yield {
      target: target.name,
      seed: seed + done / BATCH_INPUTS,
      inputs: Math.min(BATCH_INPUTS, inputs - done),
    };
  }
}
