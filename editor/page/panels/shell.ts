/**
 * The page's frame: the bar on top, entities on the left, the tabs in the middle, the
 * inspector on the right and time along the bottom.
 *
 * @module
 */
/// <reference lib="dom" />
import { useEffect } from "preact/hooks";
import { type App, type Tab, TABS } from "../app.ts";
import { classes, html } from "../html.ts";
import { EntitiesPanel } from "./entities_panel.ts";
import { HelpDialog } from "./help_dialog.ts";
import { InspectorPanel } from "./inspector_panel.ts";
import { SchedulePanel } from "./schedule_panel.ts";
import { SnapshotsPanel } from "./snapshots_panel.ts";
import { Splitter } from "./splitter.ts";
import { StatusBar } from "./status_bar.ts";
import { SystemsPanel } from "./systems_panel.ts";
import { TimeStrip } from "./time_strip.ts";
import { TopBar } from "./top_bar.ts";
import { ViewportPanel } from "./viewport_panel.ts";
import { onShortcut } from "./shortcuts.ts";

const TAB_NAMES: Readonly<Record<Tab, string>> = {
  viewport: "Viewport",
  schedule: "Schedule",
  systems: "Systems",
  snapshots: "Snapshots",
};

const PANELS = {
  viewport: ViewportPanel,
  schedule: SchedulePanel,
  systems: SystemsPanel,
  snapshots: SnapshotsPanel,
} as const;

export function Shell({ app }: { app: App }) {
  useEffect(() => {
    const listener = (event: KeyboardEvent) => onShortcut(event, app);
    document.addEventListener("keydown", listener);
    return () => document.removeEventListener("keydown", listener);
  }, []);
  useEffect(() =>
    app.tab.subscribe((tab) => {
      app.schedule.isOpen.value = tab === "schedule";
      app.scene.isOpen.value = tab === "viewport";
    }), []);
  return html`
    <div class=${classes({ shell: true, past: app.session.view.value.kind !== "live" })}>
      <${TopBar} app=${app} />
      <main class="panes">
        <${EntitiesPanel} app=${app} />
        <${Splitter} label="Width of the entities" property="--left" first=${420} min=${240}
          max=${800} direction=${1} />
        <${Middle} app=${app} />
        <${Splitter} label="Width of the inspector" property="--right" first=${340} min=${240}
          max=${640} direction=${-1} />
        <${InspectorPanel} app=${app} />
      </main>
      <${TimeStrip} app=${app} />
      <${StatusBar} app=${app} />
      <${HelpDialog} app=${app} />
    </div>
  `;
}

function Middle({ app }: { app: App }) {
  const tab = app.tab.value;
  const choose = (index: number) => {
    app.tab.value = TABS[(index + TABS.length) % TABS.length];
    requestAnimationFrame(() => document.getElementById(`tab-${app.tab.value}`)?.focus());
  };
  const key = (event: KeyboardEvent) => {
    const at = TABS.indexOf(tab);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: TABS.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(to);
  };
  return html`
    <section class="middle" aria-label="Views">
      <div class="tabs" role="tablist" aria-label="Views" onKeyDown=${key}>
        ${TABS.map((name) =>
          html`
            <button key=${name} id=${`tab-${name}`} role="tab" type="button"
              aria-selected=${name === tab} aria-controls="tab-panel"
              tabindex=${name === tab ? 0 : -1}
              onClick=${() => app.tab.value = name}>${TAB_NAMES[name]}</button>
          `
        )}
      </div>
      <div class="tab-panel" id="tab-panel" role="tabpanel" aria-labelledby=${`tab-${tab}`}>
        <${PANELS[tab]} app=${app} />
      </div>
    </section>
  `;
}
