/**
 * One tick, drawn: a lane for each instance of each system, and what it spent its time on.
 *
 * @module
 */
import { axisSteps, type Lane, lanesOf, type TickTrace } from "../../model/trace_layout.ts";
import { html } from "../html.ts";

const LANE_HEIGHT = 22;
const LABEL_WIDTH = 168;
const WIDTH = 760;
const AXIS_HEIGHT = 20;

export function TickLanes({ tick }: { tick: TickTrace }) {
  const lanes = lanesOf(tick);
  const end = Math.max(tick.duration_ms, tick.late ? 0 : tick.period_ms, 0.001);
  const x = (ms: number) => LABEL_WIDTH + (WIDTH - LABEL_WIDTH) * Math.max(0, ms) / end;
  const height = AXIS_HEIGHT + LANE_HEIGHT * lanes.length;
  return html`
    <div class="lanes">
      <svg role="img" viewBox=${`0 0 ${WIDTH} ${height}`} width="100%"
        aria-label=${`Tick ${tick.tick_id}: ${lanes.length} lanes over ${
          end.toFixed(1)
        } milliseconds`}>
        ${axisSteps(end).map((ms) =>
          html`
            <g key=${ms} class="axis">
              <path d=${`M${x(ms)} ${AXIS_HEIGHT - 4}V${height}`} />
              <text x=${x(ms) + 2} y="11">${ms} ms</text>
            </g>
          `
        )}
        ${lanes.map((lane, i) =>
          html`<${LaneLine} key=${i} lane=${lane} y=${AXIS_HEIGHT + i * LANE_HEIGHT} x=${x} />`
        )}
        ${tick.late &&
          html`<path class="period" d=${`M${x(tick.period_ms)} ${AXIS_HEIGHT - 4}V${height}`} />`}
      </svg>
      <p class="legend"><i class="span-sample waiting"></i> waiting
        <i class="span-sample wire"></i> wire <i class="span-sample compute"></i> compute</p>
    </div>
  `;
}

function LaneLine({ lane, y, x }: { lane: Lane; y: number; x: (ms: number) => number }) {
  const { system, instance, spans, missed } = lane;
  const name = instance ?? (missed > 0 ? `${system}: ${missed} missed` : `${system}: no shards`);
  return html`
    <g class="lane">
      <text class="label" x="2" y=${y + 14}>${name}</text>
      ${spans.filter(({ start, end }) => end > start).map(({ kind, shard, rows, start, end }, i) =>
        html`
          <rect key=${i} class=${`span ${kind}`} x=${x(start)} y=${y + 3}
            width=${Math.max(0.5, x(end) - x(start))} height=${LANE_HEIGHT - 7}
          >
            <title>${`${system}, shard ${shard}, ${rows} rows: ${kind} ${
              (end - start).toFixed(2)
            } ms`}</title>
          </rect>
        `
      )}
    </g>
  `;
}
