/**
 * The time of a whole tick, end to end, against two bare clients.
 *
 * @module
 */
import { connectNats } from "../lib/bus/nats_bus.ts";
import { systemClock } from "../lib/clock.ts";
import { loadManifests } from "../lib/manifest/load.ts";
import type { Manifests } from "../lib/manifest/manifest.ts";
import { startNatsServer } from "../lib/nats_server/nats_server.ts";
import { createSubjects } from "../lib/wire/subjects.ts";
import { Coordinator } from "../coordinator/coordinator.ts";
import { type BarePair, openBarePair } from "./bare_pair.ts";
import { type BenchCase, type BenchSession, median } from "./case.ts";
import { startChild } from "./child.ts";

const MANIFESTS = new URL("./worlds/tick/manifests", import.meta.url).pathname;
const RUNTIME = new URL("../lib/runtime/main.ts", import.meta.url).pathname;

/** What `move` is sent and answers, per entity. */
const BYTES_OUT = 24;
const BYTES_BACK = 12;

interface TickCase {
  readonly name: string;
  readonly world: string;
  readonly ticks: number;
  readonly goal: number;
}

const CASES: readonly TickCase[] = [
  { name: "tick_small", world: "small", ticks: 2000, goal: 1.2 },
  { name: "tick_large", world: "large", ticks: 200, goal: 1.5 },
];

export const tickCases: readonly BenchCase[] = CASES.map((tickCase) => ({
  name: tickCase.name,
  what: `1 system, 1 instance, world "${tickCase.world}": median tick`,
  against: "two bare clients moving the same bytes in the same messages",
  unit: "ms",
  goal: tickCase.goal,
  open: () => openSession(tickCase),
}));

async function openSession({ world, ticks }: TickCase): Promise<BenchSession> {
  const manifests = await loadManifests(MANIFESTS);
  const server = await startNatsServer({ progress: () => {} });
  const pair = await openBarePair({
    servers: server.url,
    answer: { bytes: BYTES_BACK, per: BYTES_OUT },
  });
  let round = 0;
  return {
    async measure() {
      const prefix = `round${++round}`;
      const ours = await measureTicks({ manifests, world, ticks, prefix, servers: server.url });
      const theirs = await measureFloor(pair, { ...ours, ticks });
      return { ours: ours.tickMs, theirs };
    },
    async [Symbol.asyncDispose]() {
      await pair[Symbol.asyncDispose]();
      await server.stop();
    },
  };
}

interface TickRun {
  readonly manifests: Manifests;
  readonly world: string;
  readonly ticks: number;
  readonly prefix: string;
  readonly servers: string;
}

/** The median tick, and the messages that a tick took. */
async function measureTicks({ manifests, world, ticks, prefix, servers }: TickRun) {
  const { bus, log } = await connectNats({ servers, name: "coordinator", onError: console.error });
  const coordinator = await Coordinator.open({
    bus,
    log,
    clock: systemClock,
    subjects: createSubjects(prefix),
    manifests,
    world: manifests.worlds.get(world),
    hz: 60,
    isUnpaced: true,
    isResident: true,
    replicas: 1,
    report: { info: () => {}, warn: console.error },
  });
  const args = ["move", "--manifests", MANIFESTS, "--nats", servers, "--prefix", prefix];
  await using _ = await startChild(RUNTIME, args, "registered");
  await coordinator.run(ticks);
  const { shards, rows, errors } = coordinator.stats.system("move");
  await bus.close();
  if (errors > 0 || rows !== ticks * coordinator.entityCount) {
    throw new Error(`Only ${rows} rows ran, with ${errors} errors`);
  }
  const messages = Math.round(shards / ticks);
  return { tickMs: coordinator.stats.tickMs(0.5), messages, entities: coordinator.entityCount };
}

async function measureFloor(
  pair: BarePair,
  { messages, entities, ticks }: { messages: number; entities: number; ticks: number },
): Promise<number> {
  const times: number[] = [];
  const bytes = Math.ceil(entities * BYTES_OUT / messages);
  for (let tick = 0; tick < ticks; tick++) times.push(await pair.move({ messages, bytes }));
  return median(times);
}
