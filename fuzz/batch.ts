/**
 * A batch: some inputs for one target, one after the other, all of which follow
 * from the batch's seed.
 *
 * @module
 */
import type { Clock } from "../lib/clock.ts";
import { Draw } from "../sim/draw.ts";
import { codecTarget } from "./codec_target.ts";
import { type Corpus, recordCorpus } from "./corpus.ts";
import { liveTarget } from "./live_target.ts";
import { logTarget } from "./log_target.ts";
import { manifestTarget } from "./manifest_target.ts";
import { snapshotTarget } from "./snapshot_target.ts";
import type { Target } from "./target.ts";

export const TARGETS: readonly Target[] = [
  codecTarget,
  liveTarget,
  snapshotTarget,
  manifestTarget,
  logTarget,
];

export const BATCH_INPUTS = 256;
/** Worlds that messages are recorded in: seeds of the simulation, from 1. */
const CORPORA = 12;
const HEX_BYTES_MAX = 4096;

export interface Batch {
  readonly target: string;
  readonly seed: number;
  readonly inputs: number;
}

export interface BatchOutcome {
  readonly batch: Batch;
  readonly taken: number;
  readonly refused: number;
  readonly slowestMs: number;
  /** Undefined when all went well. */
  readonly failure?: string;
}

export class Fuzzer {
  readonly #clock: Clock;
  readonly #targets: readonly Target[];
  readonly #corpora = new Map<number, Promise<Corpus>>();

  /** @param clock times the inputs */
  constructor(clock: Clock, targets: readonly Target[] = TARGETS) {
    this.#clock = clock;
    this.#targets = targets;
  }

  async run(batch: Batch): Promise<BatchOutcome> {
    const outcome = { batch, taken: 0, refused: 0, slowestMs: 0 };
    let place = 0;
    let input = new Uint8Array(0);
    try {
      const session = await this.#open(batch);
      for (; place < batch.inputs; place++) {
        const draw = new Draw(batch.seed, `${batch.target} ${place}`);
        const startedAt = this.#clock.now();
        const verdict = await session.feed(draw, (data) => input = new Uint8Array(data));
        outcome[verdict]++;
        outcome.slowestMs = Math.max(outcome.slowestMs, this.#clock.now() - startedAt);
      }
      await session.close?.();
      return outcome;
    } catch (error) {
      return { ...outcome, failure: describeFailure(error, { batch, place, input }) };
    }
  }

  async #open({ target: name, seed }: Batch) {
    const target = this.#targets.find((target) => target.name === name);
    if (target === undefined) {
      throw new RangeError(`Cannot fuzz "${name}": there is no such target`);
    }
    const draw = new Draw(seed, name);
    return await target.open(await this.#corpus(1 + draw.below(CORPORA)), draw);
  }

  #corpus(seed: number): Promise<Corpus> {
    const known = this.#corpora.get(seed) ?? recordCorpus(seed);
    this.#corpora.set(seed, known);
    return known;
  }
}

function describeFailure(
  error: unknown,
  { batch: { target, seed }, place, input }: { batch: Batch; place: number; input: Uint8Array },
): string {
  const shown = input.subarray(0, HEX_BYTES_MAX).toHex();
  const rest = input.length > HEX_BYTES_MAX ? `… (${input.length} bytes)` : "";
  return [
    `target ${target}, seed ${seed}, input ${place}; ` +
    `run \`deno task fuzz --target ${target} --seed ${seed}\` to see it again`,
    `input ${shown}${rest}`,
    describe(error),
  ].join("\n  ");
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by ${describe(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`.replaceAll("\n", "\n  ");
}
