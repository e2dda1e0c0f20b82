/**
 * The systems: how their instances fare, what went wrong in them, their processes, and
 * how all of that was over the last minutes.
 *
 * @module
 */
/// <reference lib="dom" />
import type { App } from "../app.ts";
import { html } from "../html.ts";
import type { Process, Systems } from "../stores/system_watch.ts";
import { Chart } from "./chart.ts";
import { EmptyState } from "./empty_state.ts";
import { icon } from "./icons.ts";

type System = Systems["systems"][string];
type Instance = System["instances"][number];

/** An instance that says nothing for so long is likely to be gone. */
const SILENT_MS = 1500;

export function SystemsPanel({ app }: { app: App }) {
  const { systems } = app.systems;
  const reply = systems.value;
  if (reply === undefined) return html`<${EmptyState} app=${app} what="systems" />`;
  return html`
    <div class="systems scroll" tabindex="0" role="region" aria-label="Systems">
      <div class="charts">
        <${Chart} title="Tick, ms" history=${app.systems.tickTimes} sampled=${app.systems
          .sampled} />
        <${Chart} title="Compute per tick, ms" history=${app.systems.computeTimes}
          sampled=${app.systems.sampled} />
      </div>
      ${Object.entries(reply.systems).map(([name, system]) =>
        html`<${SystemSection} key=${name} app=${app} name=${name} system=${system} />`
      )}
    </div>
  `;
}

function SystemSection({ app, name, system }: { app: App; name: string; system: System }) {
  const { processes, gone } = app.systems;
  const supervised = processes.value;
  const lost = [...gone.value].filter(([, of]) => of === name).map(([id]) => id);
  const figures: [string, string][] = [
    ["Compute per tick", `${system.compute_ms_per_tick.toFixed(2)} ms`],
    ["Ticks", system.ticks.toLocaleString()],
    ["Errors", system.errors.toLocaleString()],
    ["Late", system.late.toLocaleString()],
    ["Skipped", system.skipped.toLocaleString()],
  ];
  return html`
    <section class="system" aria-labelledby=${`system-${name}`}>
      <header>
        <h3 id=${`system-${name}`}>${name}</h3>
        <dl class="figures">
          ${figures.map(([term, value]) =>
            html`
              <div key=${term}>
                <dt>${term}</dt>
                <dd>${value}</dd>
              </div>
            `
          )}
        </dl>
        <span class="spring"></span>
        ${supervised &&
          html`
            <button type="button" onClick=${() =>
              app.systems.control({ op: "start", system: name })}
            >${icon("add")}Start<span class="hidden"> an instance of ${name}</span></button>
          `}
      </header>
      <${InstanceTable} app=${app} name=${name} instances=${system.instances} lost=${lost}
        processes=${supervised?.filter((process) => process.system === name)} />
      ${system.last_error && html`
        <details class="error-detail">
          <summary>Last error: ${placeOf(system.last_error)}</summary>
          <pre tabindex="0">${system.last_error.text}</pre>
        </details>
      `}
    </section>
  `;
}

function placeOf({ tick_id, shard, instance_id }: NonNullable<System["last_error"]>): string {
  return `tick ${tick_id.toLocaleString()}, shard ${shard}, ${instance_id}`;
}

const HEADINGS = ["Instance", "State", "Load", "Shards", "Rows", "Errors", "Since tick", "Process"];

function InstanceTable({ app, name, instances, lost, processes }: {
  app: App;
  name: string;
  instances: readonly Instance[];
  lost: readonly string[];
  processes: readonly Process[] | undefined;
}) {
  const known = new Set(instances.map(({ instance_id }) => instance_id));
  const starting = processes?.filter(({ instance_id }) => !instance_id || !known.has(instance_id));
  return html`
    <table class="data">
      <caption class="hidden">Instances of ${name}</caption>
      <thead>
        <tr>${HEADINGS.map((text) => html`<th key=${text} scope="col">${text}</th>`)}</tr>
      </thead>
      <tbody>
        ${instances.map((instance) =>
          html`
            <${InstanceRow} key=${instance.instance_id} app=${app} instance=${instance}
              process=${processes?.find(({ instance_id }) =>
                instance_id === instance.instance_id
              )} />
          `
        )}
        ${starting?.map((process) =>
          html`
            <tr key=${process.pid} data-state="starting">
              <th scope="row">${process.instance_id ?? "…"}</th>
              <td><span class="badge" data-state="waiting">starting</span></td>
              <td></td>
              <td></td>
              <td></td>
              <td></td>
              <td></td>
              <td>
                <${ProcessButtons} app=${app} process=${process} />
              </td>
            </tr>
          `
        )}
        ${lost.filter((id) => !known.has(id)).map((id) =>
          html`
            <tr key=${id} data-state="gone">
              <th scope="row">${id}</th>
              <td><span class="badge" data-state="bad">gone</span></td>
              <td></td>
              <td></td>
              <td></td>
              <td></td>
              <td></td>
              <td></td>
            </tr>
          `
        )}
        ${instances.length + lost.length + (starting?.length ?? 0) === 0 &&
          html`
            <tr>
              <td colspan=${HEADINGS
                .length} class="hint">No instance; its shards wait or are skipped.</td>
            </tr>
          `}
      </tbody>
    </table>
  `;
}

function InstanceRow({ app, instance, process }: {
  app: App;
  instance: Instance;
  process: Process | undefined;
}) {
  const { instance_id, load, shards, rows, errors, since_tick, silent_ms } = instance;
  const isSilent = silent_ms > SILENT_MS;
  return html`
    <tr data-state=${isSilent ? "silent" : "up"}>
      <th scope="row">${instance_id}</th>
      <td><span class="badge" data-state=${isSilent ? "bad" : "good"}>${isSilent
        ? `silent for ${(silent_ms / 1000).toFixed(1)} s`
        : "up"}</span></td>
      <td><meter min="0" max="1" high="0.9" value=${Math.min(1, load)}
        aria-label="Load"></meter> ${Math.round(load * 100)} %</td>
      <td>${shards.toLocaleString()}</td>
      <td>${rows.toLocaleString()}</td>
      <td>${errors.toLocaleString()}</td>
      <td>${since_tick.toLocaleString()}</td>
      <td>${process && html`<${ProcessButtons} app=${app} process=${process} />`}</td>
    </tr>
  `;
}

function ProcessButtons({ app: { systems }, process: { pid, system } }: {
  app: App;
  process: Process;
}) {
  return html`<span class="process">${pid}
    <button type="button" aria-label=${`Stop process ${pid} of ${system}`}
      onClick=${() => systems.control({ op: "stop", pid })}>Stop</button>
    <button type="button" class="danger" aria-label=${`Kill process ${pid} of ${system}`}
      onClick=${() => systems.control({ op: "kill", pid })}>Kill</button>
  </span>`;
}
