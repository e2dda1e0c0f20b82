/**
 * All that the page works with, put together.
 *
 * @module
 */
import { type Signal, signal } from "@preact/signals";
import type { Bus } from "../../lib/bus/bus.ts";
import { storage } from "./browser.ts";
import { Edits } from "./stores/edits.ts";
import { EntityList } from "./stores/entity_list.ts";
import { Inspection } from "./stores/inspection.ts";
import { Notices } from "./stores/notices.ts";
import { Scene } from "./stores/scene.ts";
import { ScheduleWatch } from "./stores/schedule_watch.ts";
import { Session } from "./stores/session.ts";
import { SystemWatch } from "./stores/system_watch.ts";
import { TimeTravel } from "./stores/time_travel.ts";

export const TABS = ["viewport", "schedule", "systems", "snapshots"] as const;
export type Tab = (typeof TABS)[number];
export type Theme = "system" | "light" | "dark";

export interface App {
  readonly session: Session;
  readonly notices: Notices;
  readonly edits: Edits;
  readonly list: EntityList;
  readonly inspection: Inspection;
  readonly time: TimeTravel;
  readonly systems: SystemWatch;
  readonly schedule: ScheduleWatch;
  readonly scene: Scene;
  readonly tab: Signal<Tab>;
  readonly theme: Signal<Theme>;
  readonly isHelpOpen: Signal<boolean>;
}

export interface AppOptions {
  readonly prefix: string;
  connect(): Promise<Bus>;
}

export function createApp(options: AppOptions): App {
  const session = new Session(options);
  const notices = new Notices();
  const edits = new Edits(session, notices);
  const list = new EntityList(session);
  const onChanged = () => list.touch();
  const kept = storage.read("theme");
  return {
    session,
    notices,
    edits,
    list,
    inspection: new Inspection({ session, edits, notices, onChanged }),
    time: new TimeTravel(session, notices),
    systems: new SystemWatch(session, notices),
    schedule: new ScheduleWatch(session),
    scene: new Scene(session),
    tab: signal<Tab>("viewport"),
    theme: signal<Theme>(kept === "light" || kept === "dark" ? kept : "system"),
    isHelpOpen: signal(false),
  };
}

/** Connects, and has everything follow the world from then on. */
export async function startApp(app: App): Promise<void> {
  await app.session.start();
  for (const part of [app.list, app.inspection, app.time, app.systems, app.schedule, app.scene]) {
    part.start();
  }
}
