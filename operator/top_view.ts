/**
 * What `deno task top` shows: how a world and its systems fare between two looks.
 *
 * @module
 */
import { formatBytes } from "../lib/byte_size.ts";
import { formatTable } from "../lib/text_table.ts";
import type { MessageOf } from "../lib/wire/messages.ts";

/** A look at a running world. */
export interface Sample {
  /** In milliseconds. */
  readonly at: number;
  readonly status: MessageOf<"ControlReply">;
  readonly systems: MessageOf<"SystemsReply">;
  readonly trace: MessageOf<"TraceReply">;
}

export interface SystemView {
  readonly system: string;
  /** From when it could begin until it was done, on average of the ticks looked at. */
  readonly ms_per_tick: number;
  /** Its share of the time that a tick has; null where ticks run as fast as they can. */
  readonly budget: number | null;
  readonly compute_ms_per_tick: number;
  readonly instances: number;
  readonly load: number;
  readonly rows_per_s: number;
  readonly bytes_sent_per_s: number;
  readonly bytes_received_per_s: number;
  readonly errors: number;
  readonly late: number;
  readonly skipped: number;
  readonly last_error?: string;
}

export interface View {
  readonly tick: number;
  readonly running: boolean;
  readonly hz: number;
  readonly ticks_per_s: number;
  readonly tick_ms_p50: number;
  readonly tick_ms_p99: number;
  readonly entities: number;
  readonly overruns: number;
  readonly refused: number;
  readonly systems: readonly SystemView[];
}

const SECOND_MS = 1000;
const PERCENT = 100;
const BAR_LENGTH = 20;
const ERROR_LENGTH_MAX = 200;

/** @param before an earlier look, from which rates are reckoned; none at first */
export function viewOf(now: Sample, before: Sample | undefined): View {
  const { status, systems } = now;
  // Another coordinator counts anew.
  const earlier = before?.status.epoch === status.epoch ? before : undefined;
  const seconds = earlier ? Math.max(1, now.at - earlier.at) / SECOND_MS : Infinity;
  return {
    tick: status.tick_id,
    running: status.running,
    hz: status.hz,
    ticks_per_s: (status.tick_id - (earlier?.status.tick_id ?? status.tick_id)) / seconds,
    tick_ms_p50: systems.tick_ms_p50,
    tick_ms_p99: systems.tick_ms_p99,
    entities: status.entities,
    overruns: status.overruns,
    refused: status.refused,
    systems: Object.keys(status.systems).map((name) => systemView(name, now, { earlier, seconds })),
  };
}

function systemView(
  system: string,
  { status, systems, trace }: Sample,
  { earlier, seconds }: { earlier: Sample | undefined; seconds: number },
): SystemView {
  const counts = systems.systems[system];
  const { rows, load, instances } = status.systems[system];
  const was = earlier?.systems.systems[system];
  const runs = trace.ticks.flatMap((tick) => tick.systems.filter((run) => run.system === system));
  const ms = meanOf(runs.map(({ started_ms, ended_ms }) => ended_ms - started_ms));
  const periodMs = trace.ticks.at(-1)?.period_ms ?? 0;
  const error = counts?.last_error?.text.split("\n")[0].slice(0, ERROR_LENGTH_MAX);
  return {
    system,
    ms_per_tick: ms,
    budget: periodMs > 0 ? ms / periodMs : null,
    compute_ms_per_tick: counts?.compute_ms_per_tick ?? 0,
    instances,
    load,
    rows_per_s: (rows - (earlier?.status.systems[system]?.rows ?? rows)) / seconds,
    bytes_sent_per_s: ((counts?.bytes_sent ?? 0) - (was?.bytes_sent ?? 0)) / seconds,
    bytes_received_per_s: ((counts?.bytes_received ?? 0) - (was?.bytes_received ?? 0)) / seconds,
    errors: counts?.errors ?? 0,
    late: counts?.late ?? 0,
    skipped: counts?.skipped ?? 0,
    ...(error !== undefined && { last_error: error }),
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / (values.length || 1);
}

/** A line for the world, one for each system, and the newest errors. */
export function viewLines(view: View, heading: (text: string) => string): string[] {
  const { tick, running, hz, ticks_per_s, tick_ms_p50, tick_ms_p99, entities } = view;
  const periodMs = SECOND_MS / hz;
  const world = [
    `tick ${tick}`,
    running ? `${ticks_per_s.toFixed(1)} of ${Number(hz.toFixed(3))} Hz` : "paused",
    `half within ${tick_ms_p50.toFixed(1)} ms, 99 % within ${tick_ms_p99.toFixed(1)} of ${
      periodMs.toFixed(1)
    } ms`,
    `${entities} entities`,
    `${view.overruns} overruns`,
    `${view.refused} refused`,
  ].join("   ");
  const [head, ...rows] = formatTable({
    head: [
      "system",
      "share of the tick",
      "ms",
      "compute",
      "inst",
      "load",
      "rows/s",
      "sent/s",
      "received/s",
      "errors",
      "late",
      "skipped",
    ],
    rows: view.systems.map(systemRow),
    right: [2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  });
  const errors = view.systems.flatMap(({ system, last_error }) =>
    last_error === undefined ? [] : [`${system}: ${last_error}`]
  );
  return [world, heading(head), ...rows, ...errors];
}

function systemRow(view: SystemView): string[] {
  const { system, budget, ms_per_tick, compute_ms_per_tick, instances, load } = view;
  return [
    system,
    budget === null ? "-" : barOf(budget),
    ms_per_tick.toFixed(1),
    compute_ms_per_tick.toFixed(1),
    `${instances}`,
    `${Math.round(load * PERCENT)} %`,
    `${Math.round(view.rows_per_s)}`,
    formatBytes(view.bytes_sent_per_s),
    formatBytes(view.bytes_received_per_s),
    `${view.errors}`,
    `${view.late}`,
    `${view.skipped}`,
  ];
}

/** Such as `#####............... 25 %`; what is more than all of it is full. */
function barOf(share: number): string {
  const filled = Math.max(0, Math.min(BAR_LENGTH, Math.round(share * BAR_LENGTH)));
  return `${"#".repeat(filled)}${".".repeat(BAR_LENGTH - filled)} ${Math.round(share * PERCENT)} %`;
}
