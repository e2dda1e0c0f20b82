/**
 * Whether what was measured over time has stopped growing: the last third of the
 * samples is held against the middle one, the first is for warming up.
 *
 * @module
 */

/** Growth of the mean from the middle third to the last, above which it is not flat. */
const GROWTH_MAX = 0.05;
/** Samples that make three thirds worth comparing. */
const SAMPLES_MIN = 9;

export interface Flatness {
  readonly what: string;
  /** Means of the thirds, in the unit of the samples. */
  readonly thirds: readonly [number, number, number];
  /** From the middle third to the last: 0.01 is a growth of 1 %. */
  readonly growth: number;
  readonly isFlat: boolean;
}

/** For what wavers around a mean, such as memory. */
export function meanFlatness(what: string, samples: readonly number[]): Flatness {
  const thirds = ofThirds(samples, mean);
  const growth = growthOf(thirds);
  return { what, thirds, growth, isFlat: growth <= GROWTH_MAX };
}

/**
 * For what follows the size of something else, such as a server's memory that of the
 * log that it keeps: the growth is what it has grown by beyond that. What shrinks less
 * than that has not grown.
 */
export function relativeFlatness(
  what: string,
  samples: readonly number[],
  base: readonly number[],
): Flatness {
  const thirds = ofThirds(samples, mean);
  const excused = Math.max(0, growthOf(ofThirds(base, mean)));
  const growth = (1 + growthOf(thirds)) / (1 + excused) - 1;
  return { what, thirds, growth, isFlat: growth <= GROWTH_MAX };
}

/**
 * For what goes up and down, such as a log that is cut now and then: its peaks.
 * With slack, a `share` of the peak or so many `units`, that the last one may have more.
 */
export function peakFlatness(
  what: string,
  samples: readonly number[],
  { share = 0, units = 0 }: { share?: number; units?: number },
): Flatness {
  const thirds = ofThirds(samples, (third) => Math.max(...third));
  const [_, middle, last] = thirds;
  return { what, thirds, growth: growthOf(thirds), isFlat: last <= middle * (1 + share) + units };
}

function ofThirds(
  samples: readonly number[],
  compute: (third: readonly number[]) => number,
): [number, number, number] {
  if (samples.length < SAMPLES_MIN) {
    throw new RangeError(`Cannot compare: ${samples.length} samples are fewer than ${SAMPLES_MIN}`);
  }
  const length = Math.floor(samples.length / 3);
  const last = samples.length - length;
  return [
    compute(samples.slice(0, last - length)),
    compute(samples.slice(last - length, last)),
    compute(samples.slice(last)),
  ];
}

function growthOf([_, middle, last]: readonly [number, number, number]): number {
  if (middle === 0) return last === 0 ? 0 : Infinity;
  return last / middle - 1;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
