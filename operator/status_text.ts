/**
 * How a world fares, as text for people.
 *
 * @module
 */
import { formatTable } from "../lib/text_table.ts";
import type { MessageOf } from "../lib/wire/messages.ts";

const PERCENT = 100;

export function statusText(
  status: MessageOf<"ControlReply">,
  heading: (text: string) => string,
): string {
  const { tick_id, running, hz, entities, overruns, refused, epoch, systems } = status;
  const line = [
    `tick ${tick_id}`,
    `${running ? "running" : "paused"} at ${Number(hz.toFixed(3))} Hz`,
    `${entities} entities`,
    `${overruns} overruns`,
    `${refused} refused`,
    `term ${epoch}`,
  ].join(", ");
  const [head, ...rows] = formatTable({
    head: ["system", "instances", "load", "shards", "rows", "errors", "late", "skipped"],
    rows: Object.entries(systems).map(([name, counts]) => [
      name,
      `${counts.instances}`,
      `${Math.round(counts.load * PERCENT)} %`,
      ...[counts.shards, counts.rows, counts.errors, counts.late, counts.skipped].map(String),
    ]),
    right: [1, 2, 3, 4, 5, 6, 7],
  });
  return [line, heading(head), ...rows].join("\n");
}
