/**
 * The time of a whole tick, end to end, against two bare processes that move
 * the same bytes.
 *
 * @module
 */
import { openBarePair } from "./bare_pair.ts";
import { BareWorld } from "./bare_world.ts";
import { BenchWorld } from "./bench_world.ts";
import { type BenchCase, expectSame, median, openSession } from "./case.ts";
import { moveSetting } from "./setting.ts";
import { openSocketPair } from "./socket_pair.ts";

/** What `move` is sent and answers, per entity. */
const BYTES_OUT = 24;
const BYTES_BACK = 12;

interface TickCase {
  readonly name: string;
  readonly entities: number;
  /** Of one round. */
  readonly ticks: number;
  readonly goal: number;
  readonly floor: keyof typeof FLOORS;
}

const FLOORS = {
  "two bare clients": openBarePair,
  "two bare sockets": openSocketPair,
};

const CASES: readonly TickCase[] = [
  { name: "tick_small", entities: 100, ticks: 1000, goal: 1.2, floor: "two bare clients" },
  { name: "tick_large", entities: 100_000, ticks: 100, goal: 1.5, floor: "two bare clients" },
  { name: "tick_bulk", entities: 1_000_000, ticks: 10, goal: 1.15, floor: "two bare sockets" },
];

export const tickCases: readonly BenchCase[] = CASES.map((tickCase) => ({
  name: tickCase.name,
  what: `a tick of 1 system with 1 instance over ${tickCase.entities} entities`,
  against: `${tickCase.floor} moving what the system reads and writes, in as many messages`,
  unit: "ms",
  goal: tickCase.goal,
  open: () => openTick(tickCase),
}));

function openTick({ entities, ticks, floor }: TickCase) {
  return openSession(async (stack) => {
    const setting = await moveSetting(entities);
    const bare = await BareWorld.open(setting);
    const world = stack.use(
      await BenchWorld.open({ setting }),
    );
    const answer = { bytes: BYTES_BACK, per: BYTES_OUT };
    const pair = stack.use(await FLOORS[floor]({ servers: world.servers, answer }));
    return async () => {
      const { tickMs, shards } = await world.run(ticks);
      await bare.run(ticks);
      expectSame(world, bare);
      const bytes = Math.ceil(entities * BYTES_OUT / shards);
      const times: number[] = [];
      for (let i = 0; i < ticks; i++) times.push(await pair.move({ messages: shards, bytes }));
      return { ours: tickMs, theirs: median(times), note: `${shards} messages each way` };
    };
  });
}
