/**
 * The schedule: in which order systems run, and where the time of the last ticks went.
 *
 * @module
 */
/// <reference lib="dom" />
import { useComputed } from "@preact/signals";
import {
  layOut,
  NODE_HEIGHT,
  NODE_WIDTH,
  pathText,
  type PlacedGraph,
} from "../../model/graph_layout.ts";
import { explain, type TickTrace, timesOf } from "../../model/trace_layout.ts";
import type { App } from "../app.ts";
import { classes, html } from "../html.ts";
import { EmptyState } from "./empty_state.ts";
import { TickLanes } from "./tick_lanes.ts";

export function SchedulePanel({ app }: { app: App }) {
  const { graph, ticks } = app.schedule;
  const placed = useComputed(() => graph.value && layOut(graph.value));
  if (app.session.status.value === undefined) {
    return html`<${EmptyState} app=${app} what="schedule" />`;
  }
  const ambiguities = graph.value?.ambiguities ?? [];
  return html`
    <div class="schedule scroll" tabindex="0" role="region" aria-label="Schedule">
      <section aria-label="Order of the systems">
        ${placed.value && html`<${Graph} placed=${placed.value} />`}
        ${ambiguities.map(({ first, second, fields }) =>
          html`<p key=${`${first} ${second}`} class="ambiguity">Nothing says whether
          <b>${first}</b> or <b>${second}</b> goes first, though both use ${fields.join(", ")}.
          Give one of them <code>after: [${first}]</code>.</p>`
        )}
      </section>
      <section aria-label="The last ticks">
        ${ticks.value.length === 0 ? html`<p class="hint">No tick has been traced yet.</p>` : html`
          <${TickBars} app=${app} />
          <${TickDetail} app=${app} />
        `}
      </section>
    </div>
  `;
}

function Graph({ placed: { width, height, systems, edges } }: { placed: PlacedGraph }) {
  return html`
    <div class="graph-scroll" tabindex="0" role="region" aria-label="Graph">
      <svg class="graph" role="img" width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`}
        aria-label=${`Systems in order: ${systems.map(({ system }) => system.name).join(", ")}`}>
      <defs>
        ${["order", "rows", "ambiguous"].map((kind) =>
          html`
            <marker key=${kind} id=${`arrow-${kind}`} class=${kind} viewBox="0 0 8 8" refX="7" refY="4"
              markerWidth="7" markerHeight="7" orient="auto">
              <path d="M0 0 8 4 0 8z" />
            </marker>
          `
        )}
      </defs>
      ${edges.map(({ from, to, kind, label, points }) =>
        html`
          <path key=${`${from} ${to} ${kind}`} class=${`edge ${kind}`} d=${pathText(points)}
            marker-end=${kind === "ambiguous" ? undefined : `url(#arrow-${kind})`}
          >
            <title>${`${from} – ${to}${label && `: ${label}`}`}</title>
          </path>
        `
      )}
      ${systems.map(({ system, x, y }) =>
        html`
          <g key=${system.name} class="node"
            transform=${`translate(${x - NODE_WIDTH / 2} ${y - NODE_HEIGHT / 2})`}>
            <title>${`${system.name}: reads ${system.reads.join(", ") || "nothing"}; writes ${
              system.writes.join(", ") || "nothing"
            }; deadline ${system.deadline_ms} ms, then ${system.on_miss}`}</title>
            <rect width=${NODE_WIDTH} height=${NODE_HEIGHT} rx="5" />
            <text class="name" x="12" y="21">${system.name}</text>
            <text class="note" x="12" y="39">${`${system.reads.length} read · ${system.writes.length} written · ${system.on_miss}`}</text>
          </g>
        `
      )}
      </svg>
    </div>
    <p class="legend"><i class="edge-sample order"></i> after all rows
      <i class="edge-sample rows"></i> row by row
      <i class="edge-sample ambiguous"></i> ambiguous</p>
  `;
}

/** One bar per tick, as high as it was long. */
function TickBars({ app: { schedule } }: { app: App }) {
  const ticks = schedule.ticks.value;
  const shown = schedule.shown.value;
  const most = Math.max(
    ...ticks.map(({ duration_ms, period_ms }) => Math.max(duration_ms, period_ms)),
  );
  const choose = (tick: TickTrace | undefined) => schedule.chosen.value = tick;
  const key = (event: KeyboardEvent) => {
    const at = ticks.findIndex(({ tick_id }) => tick_id === shown?.tick_id);
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") choose(undefined);
    else if (step !== undefined) choose(ticks[Math.max(0, Math.min(ticks.length - 1, at + step))]);
    else return;
    event.preventDefault();
  };
  const period = ticks.at(-1)?.period_ms ?? 0;
  return html`
    <div class="tick-bars-head">
      <h3>Last ${ticks.length} ticks</h3>
      <span class="note">${period > 0
        ? `line: the period, ${period.toFixed(1)} ms`
        : "unpaced"}</span>
      <span class="spring"></span>
      <button type="button" disabled=${schedule.chosen.value === undefined}
        onClick=${() => choose(undefined)}>Follow the newest</button>
    </div>
    <div class="tick-bars" role="listbox" tabindex="0" aria-label="Ticks" onKeyDown=${key}
      aria-activedescendant=${ticks.some(({ tick_id }) => tick_id === shown?.tick_id)
        ? `tick-${shown?.tick_id}`
        : undefined}>
      ${period > 0 &&
        html`<i class="period" role="presentation" style=${{
          bottom: `${100 * period / most}%`,
        }} />`}
      ${ticks.map((tick) =>
        html`
          <div key=${tick.tick_id} id=${`tick-${tick.tick_id}`} role="option"
            aria-selected=${tick.tick_id === shown?.tick_id}
            aria-label=${`Tick ${tick.tick_id}, ${tick.duration_ms.toFixed(1)} ms${
              tick.late ? ", late" : ""
            }`}
            class=${classes({
              bar: true,
              late: tick.late,
              chosen: tick.tick_id === shown?.tick_id,
            })}
            onClick=${() => choose(tick)}><i style=${{
              height: `${100 * tick.duration_ms / most}%`,
            }} /></div>
        `
      )}
    </div>
  `;
}

function TickDetail({ app: { schedule } }: { app: App }) {
  const tick = schedule.shown.value;
  if (tick === undefined) return null;
  return html`
    <div class="tick-detail">
      <${TickLanes} tick=${tick} />
      <div class="tick-words">
        <h3>Tick ${tick.tick_id}${tick.late && html`
          <span class="badge" data-state="bad">late</span>
        `}</h3>
        ${explain(tick).map((line, i) => html`<p key=${i}>${line}</p>`)}
      </div>
      <div class="tick-figures">
        <table class="data">
          <caption class="hidden">Where the time of the systems went</caption>
          <thead>
            <tr>
              <th scope="col">System</th>
              <th scope="col">Elapsed</th>
              <th scope="col">Waiting</th>
              <th scope="col">Wire</th>
              <th scope="col">Compute</th>
            </tr>
          </thead>
          <tbody>${tick.systems.map((system) => {
            const { waiting, wire, compute, elapsed } = timesOf(system);
            return html`<tr key=${system.system}><th scope="row">${system.system}</th>
              ${
              [elapsed, waiting, wire, compute].map((ms, i) =>
                html`<td key=${i}>${ms.toFixed(2)} ms</td>`
              )
            }
            </tr>`;
          })}</tbody>
        </table>
      </div>
    </div>
  `;
}
