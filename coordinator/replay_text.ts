/**
 * Replays as text for people and as plain values for programs.
 *
 * @module
 */
import { digestHex } from "../lib/ecs/digest.ts";
import { formatTable } from "../lib/text_table.ts";
import type { Replayed, ReplayedTick, WorldSummary } from "./replay.ts";
import { type Heading, valueText } from "./snapshot_text.ts";
import type { Mismatch } from "./verifier.ts";

export function ticksText(ticks: readonly ReplayedTick[], heading: Heading): string {
  const [head, ...rows] = formatTable({
    head: ["tick", "entities", "digest"],
    rows: ticks.map(({ tick, entities, digest }) => [`${tick}`, `${entities}`, digestHex(digest)]),
    right: [0, 1],
  });
  return [heading(head), ...rows].join("\n");
}

export function worldText(summary: WorldSummary, heading: Heading): string {
  const { tick, entities, hash, digest, nextEntity, archetypes } = summary;
  const [head, ...rows] = formatTable({
    head: ["rows", "archetype"],
    rows: archetypes.map(({ count, components }) => [
      `${count}`,
      components.join(" ") || "(no components)",
    ]),
    right: [0],
  });
  return [
    `tick      ${tick}`,
    `entities  ${entities}, the next is ${nextEntity}`,
    `hash      ${digestHex(hash)}`,
    `digest    ${digestHex(digest)}`,
    "",
    heading(head),
    ...rows,
  ].join("\n");
}

export function verifiedText({ from, to, shards, mismatch }: Replayed): string {
  if (mismatch) return mismatchText(mismatch);
  return `ticks ${from} to ${to} are as they were logged; ${shards} shards were run again`;
}

function mismatchText({ tick, system, what, value }: Mismatch): string {
  const line = `tick ${tick}, ${system}: ${what}`;
  if (value === undefined) return line;
  return `${line}\n  logged     ${valueText(value.logged)}\n  run again  ${valueText(value.rerun)}`;
}

/** What a program gets to know of a replay. */
export function replayJson(replayed: Replayed, summary: WorldSummary) {
  const { from, to, ticks, mismatch, shards } = replayed;
  const { tick, entities, hash, digest, nextEntity, archetypes } = summary;
  return {
    tick,
    entities,
    hash: digestHex(hash),
    digest: digestHex(digest),
    next_entity: nextEntity,
    archetypes,
    from,
    to,
    ticks: ticks.map((other) => ({ ...other, digest: digestHex(other.digest) })),
    shards,
    mismatch: mismatch ?? null,
  };
}
