/**
 * Time, along the bottom: pause, step and pace, and the ticks that can be gone back to.
 *
 * @module
 */
/// <reference lib="dom" />
import { useSignal } from "@preact/signals";
import type { App } from "../app.ts";
import { html } from "../html.ts";
import { icon } from "./icons.ts";

export function TimeStrip({ app }: { app: App }) {
  return html`
    <section class="time-strip" aria-label="Time">
      <${Transport} app=${app} />
      <${Scrubber} app=${app} />
      <${PastButtons} app=${app} />
    </section>
  `;
}

function Transport({ app: { session, time } }: { app: App }) {
  const status = session.status.value;
  const isLive = session.view.value.kind === "live";
  const isDisabled = status === undefined || !isLive;
  const isRunning = status?.running === true;
  return html`
    <div class="transport" role="group" aria-label="Pace">
      <button type="button" class="icon-button" disabled=${isDisabled}
        aria-label=${isRunning ? "Pause" : "Resume"} title=${`${
          isRunning ? "Pause" : "Resume"
        } (P)`}
        onClick=${() => time.pauseOrResume()}>${icon(isRunning ? "pause" : "play")}</button>
      <button type="button" class="icon-button" disabled=${isDisabled} aria-label="Step one tick"
        title="Step one tick (.)" onClick=${() => time.step(1)}>${icon("step")}</button>
      <${RateField} hz=${status?.hz} isDisabled=${isDisabled}
        set=${(hz: number) => time.setRate(hz)} />
    </div>
  `;
}

function RateField({ hz, isDisabled, set }: {
  hz: number | undefined;
  isDisabled: boolean;
  set: (hz: number) => void;
}) {
  const draft = useSignal<string | undefined>(undefined);
  const shown = hz === undefined ? "" : String(Number(hz.toPrecision(6)));
  const commit = () => {
    const typed = Number(draft.value);
    if (draft.value !== undefined && typed > 0 && typed !== hz) set(typed);
    draft.value = undefined;
  };
  return html`<label class="rate"><input type="text" inputmode="decimal" disabled=${isDisabled}
    aria-label="Ticks a second" value=${draft.value ?? shown}
    onInput=${(event: Event) => draft.value = (event.currentTarget as HTMLInputElement).value}
    onKeyDown=${(event: KeyboardEvent) => {
    if (event.key === "Enter") commit();
    else if (event.key === "Escape") draft.value = undefined;
  }}
    onBlur=${commit} /><span class="unit">Hz</span></label>`;
}

function Scrubber({ app: { session, time } }: { app: App }) {
  const dragged = useSignal<number | undefined>(undefined);
  const view = session.view.value;
  const newest = time.newest;
  const { oldest } = time;
  const shown = dragged.value ?? (view.kind === "live" ? newest : view.tick);
  const set = (event: Event) => {
    dragged.value = undefined;
    time.goTo(Number((event.currentTarget as HTMLInputElement).value));
  };
  return html`
    <div class="scrubber">
      <output class="tick" aria-label="Tick">${shown.toLocaleString()}</output>
      <div class="track">
        <input type="range" aria-label="Tick to look at" min=${oldest} max=${Math.max(
          newest,
          oldest,
        )}
          step="1" value=${shown} disabled=${session.link.value !== "connected" || newest === 0}
          aria-valuetext=${`tick ${shown}`}
          onInput=${(event: Event) =>
            dragged.value = Number((event.currentTarget as HTMLInputElement).value)}
          onChange=${set} />
        <div class="marks" aria-hidden="true">${time.snapshots.value.filter(({ tick }) =>
          tick >= oldest && tick <= newest
        ).map((snapshot) =>
          html`
            <i key=${snapshot.id} title=${`Snapshot ${snapshot.id}`}
              style=${{
                left: `${100 * (snapshot.tick - oldest) / Math.max(1, newest - oldest)}%`,
              }} />
          `
        )}</div>
      </div>
      <span class="range">${oldest.toLocaleString()} – ${newest.toLocaleString()}</span>
    </div>
  `;
}

function PastButtons({ app }: { app: App }) {
  const { session, time } = app;
  const isForking = useSignal(false);
  const view = session.view.value;
  const isPast = view.kind === "past";
  const tick = session.tick.value;
  return html`
    <div class="past-buttons" role="group" aria-label="The past">
      <button type="button" class="icon-button" aria-label="One tick back" title="One tick back ([)"
        disabled=${tick <= time.oldest || view.kind === "opening"}
        onClick=${() => time.goTo(tick - 1)}>${icon("back")}</button>
      <button type="button" class="icon-button" aria-label="One tick on" title="One tick on (])"
        disabled=${!isPast || tick >= time.newest}
        onClick=${() => time.goTo(tick + 1)}>${icon("step")}</button>
      <button type="button" disabled=${session.link.value !== "connected"}
        aria-expanded=${isForking.value} onClick=${() => isForking.value = !isForking.value}
        >${icon("fork")} Fork…</button>
      <button type="button" class="primary" disabled=${view.kind === "live"}
        onClick=${() => time.goLive()}>Back to live</button>
      ${isForking.value && html`<${ForkForm} app=${app} close=${() => isForking.value = false} />`}
    </div>
  `;
}

function ForkForm({ app: { session, time }, close }: { app: App; close: () => void }) {
  const tick = session.tick.value;
  const first = `${session.prefix}_fork_${tick}`;
  const prefix = useSignal<string | undefined>(undefined);
  const forked = time.forked.value;
  const submit = (event: Event) => {
    event.preventDefault();
    time.fork(prefix.value ?? first);
  };
  return html`
    <form class="popover fork" aria-label="Fork" onSubmit=${submit}
      onKeyDown=${(event: KeyboardEvent) => event.key === "Escape" && close()}>
      <p>Begins another world with this one as of tick ${tick}; this one goes on.</p>
      <label>Prefix <input type="text" value=${prefix.value ?? first} spellcheck=${false}
        onInput=${(event: Event) => prefix.value = (event.currentTarget as HTMLInputElement).value}
        /></label>
      <div class="row">
        <button type="submit" class="primary" disabled=${time.busy.value !==
          undefined}>Fork</button>
        <button type="button" onClick=${close}>Close</button>
      </div>
      ${forked &&
        html`<p role="status">Begun ${forked.prefix} with tick ${forked.tick}. Run it with
        <code>${forked.command}</code></p>`}
    </form>
  `;
}
