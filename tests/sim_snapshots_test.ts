import { assert, assertThrows } from "@std/assert";
import type { LogEntry } from "../lib/bus/log.ts";
import { STREAMS } from "../lib/bus/memory_link.ts";
import { captureWorld } from "../lib/snapshot/world_image.ts";
import { decodePayload, encodeMessage } from "../lib/wire/codec.ts";
import type { MessageOf, MessageType } from "../lib/wire/messages.ts";
import { Observer } from "../sim/observer.ts";
import { createScenario } from "../sim/scenario.ts";
import { simulate, SUBJECTS } from "../sim/simulation.ts";
import { Violation } from "../sim/violation.ts";

/** A world that becomes a snapshot of a later tick than its first. */
const SEED = 1;
const { components, snapshots } = SUBJECTS.streams;
const stored = await recordStored(SEED);
const restores = placesOf("TickCommit").filter((place) =>
  decode("TickCommit", place).restored !== undefined
);
const manifests = placesOf("SnapshotManifest");

/** All that streams store of it; nothing goes wrong in it. */
async function recordStored(seed: number): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  await simulate({
    seed,
    isCalm: true,
    onDelivery: ({ to, message: { subject, data, headers } }) => {
      if (to === STREAMS) entries.push({ sequence: entries.length + 1, subject, data, headers });
    },
  });
  return entries;
}

function placesOf(type: MessageType): number[] {
  return stored.flatMap(({ headers }, place) => headers["msg-type"] === type ? [place] : []);
}

function decode<T extends MessageType>(type: T, place: number): MessageOf<T> {
  return decodePayload(type, stored[place].data);
}

function observe(entries: readonly LogEntry[] = stored): Observer {
  const observer = new Observer({
    scenario: createScenario(SEED),
    subjects: SUBJECTS,
    onTick: () => {},
    onSnapshot: () => {},
    onShared: () => {},
  });
  feed(observer, entries);
  return observer;
}

function feed(observer: Observer, entries: readonly LogEntry[]): void {
  for (const entry of entries) {
    observer.stored(isOfSnapshot(entry) ? snapshots : components, entry);
  }
}

function isOfSnapshot({ subject }: LogEntry): boolean {
  return subject.startsWith(SUBJECTS.snapshot(""));
}

/** What is stored, with the entry at a place changed. */
function withEntry<T extends MessageType>(
  place: number,
  type: T,
  change: Partial<MessageOf<T>>,
): LogEntry[] {
  const { data } = encodeMessage(type, { ...decode(type, place), ...change });
  return stored.with(place, { ...stored[place], data });
}

Deno.test("Observer follows a world that becomes its snapshots", () => {
  const observer = observe();
  assert(restores.length > 0 && manifests.length > restores.length);
  assert(observer.tick >= createScenario(SEED).ticks);
});

Deno.test("Observer finds a snapshot that is not the world of its tick, to the last mark", () => {
  const place = manifests.find((place) => decode("SnapshotManifest", place).kind === "auto");
  assert(place !== undefined);
  const { snapshot, tick_id, next_entity, last_runs, tables } = decode("SnapshotManifest", place);
  const assertFound = (key: string, change: Partial<MessageOf<"SnapshotManifest">>) =>
    assertThrows(
      () => observe(withEntry(place, "SnapshotManifest", change)),
      Violation,
      `snapshot "${snapshot}" has other ${key} than the undisturbed run after tick`,
    );
  assertFound("next_entity", { next_entity: next_entity - 1 });
  assertFound("last_runs", { last_runs: { ...last_runs, s0: 1 } });
  assertFound("answers", { answers: [] });
  assertFound("tables", { tables: tables.with(0, { ...tables[0], changed: 7777 }) });
  assertFound("parts", { parts: [{ bytes: 1, digest: 1n }] });
  assertThrows(
    () => observe(withEntry(place, "SnapshotManifest", { tick_id: tick_id + 900 })),
    Violation,
    "was stored before tick",
  );
});

Deno.test("Observer finds a snapshot that is called whole and is not", () => {
  const [place] = manifests;
  const part = placesOf("SnapshotPart")[0];
  assert(part < place);
  assertThrows(() => observe(stored.toSpliced(part, 1)), Violation, "before its part 0 was stored");
});

Deno.test("Observer finds a world that became no snapshot, or more than one", () => {
  const [place] = restores;
  const { tick_id, restored } = decode("TickCommit", place);
  const other = withEntry(place, "TickCommit", { restored: "initial-1" });
  assertThrows(() => observe(other), Violation, `tick ${tick_id} restored snapshot "initial-1"`);
  const buffers = [encodeMessage("EntityCommand", { commands: [] }).data];
  assertThrows(
    () => observe(withEntry(place, "TickCommit", { buffers })),
    Violation,
    `restored snapshot "${restored}", and did something else`,
  );
});

Deno.test("Observer finds a buffer that took effect twice", () => {
  const answered = placesOf("TickCommit").filter((place) =>
    decode("TickCommit", place).buffers.length > 0
  );
  const [first, second] = answered;
  const { buffers, tick_id } = decode("TickCommit", first);
  assertThrows(
    () => observe(withEntry(second, "TickCommit", { buffers })),
    Violation,
    `and in tick ${tick_id} before`,
  );
});

Deno.test("Observer finds an entity whose number was used before the world became an older one", () => {
  const found = restores.map((place) => {
    const observer = observe(stored.slice(0, place + 1));
    const { world } = observer.reference;
    const nextEntity = Math.max(...world.entities()) + 1;
    return { place, observer, world, nextEntity };
  }).find(({ world, nextEntity }) => nextEntity < world.nextEntity);
  assert(found !== undefined);
  const { place, observer, world, nextEntity } = found;
  world.load({ ...captureWorld(world), nextEntity });
  assertThrows(
    // A snapshot of it would be found out, too.
    () => feed(observer, stored.slice(place + 1).filter((entry) => !isOfSnapshot(entry))),
    Violation,
    `entity ${nextEntity} was spawned in tick`,
  );
});

Deno.test("Observer finds what was said to be saved or restored and was not", () => {
  const observer = observe();
  const { tick_id, restored = "" } = decode("TickCommit", restores[0]);
  observer.checkRestored(restored, tick_id - 1);
  assertThrows(() => observer.checkRestored(restored, observer.tick), Violation, "but was not");
  assertThrows(() => observer.checkSaved("initial-1"), Violation, "before it was whole");
});
