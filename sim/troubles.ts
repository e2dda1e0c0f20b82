/**
 * The troubles of a simulation: which kinds there are, how many and for how long.
 * Each seed has its own mixture, and few have all; a fault that never happens
 * leaves room for what only happens without it.
 *
 * @module
 */
import type { Draw } from "./draw.ts";
import { type Deed, DEEDS, type NemesisRates } from "./nemesis.ts";
import type { NetworkRates } from "./network_faults.ts";

export interface Troubles {
  readonly network: NetworkRates;
  readonly nemesis: NemesisRates;
  /** Share of the scripts' runs that take long. */
  readonly slowShare: number;
  readonly clientPauseMs: number;
  /** Whether a second coordinator stands by. */
  readonly hasStandby: boolean;
  /** They end at this time, or at this share of the ticks. */
  readonly calmAtMs: number;
  readonly calmAtShare: number;
}

/** Enough of them to meet each other, few enough to get anywhere between. */
const DEEDS_EACH = 0.4;

export function drawTroubles(draw: Draw): Troubles {
  const share = (p: number, max: number) => draw.chance(p) ? draw.unit() * max : 0;
  const deeds: Deed[] = DEEDS.filter(() => draw.chance(DEEDS_EACH));
  return {
    network: {
      latencyMs: draw.pick([0.05, 0.5, 2]),
      jitterMs: draw.pick([0, 0.5, 5]),
      drop: share(0.5, 0.05),
      duplicate: share(0.5, 0.1),
      straggle: share(0.5, 0.1),
      straggleMs: draw.pick([5, 50, 400]),
      isReordering: draw.chance(0.3),
    },
    nemesis: {
      pauseMs: draw.pick([30, 150, 600]),
      deeds,
      durationMs: draw.pick([10, 100, 700, 3000]),
    },
    slowShare: share(0.4, 0.3),
    hasStandby: draw.chance(0.35),
    clientPauseMs: draw.pick([5, 30, 200]),
    calmAtMs: draw.between(500, 6000),
    calmAtShare: 0.5 + draw.unit() / 2,
  };
}
