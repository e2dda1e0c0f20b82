/**
 * Orrery's tables in process, and structural changes by way of messages, against
 * ECS libraries that have nothing but a process.
 *
 * @module
 */
import { type BenchCase, median, openSession } from "./case.ts";
import { openSide, type Side } from "./ecs/side.ts";
import { type WorkloadName, WORKLOADS } from "./ecs/workload.ts";

/** The program of each library, by name. */
const PEERS: Readonly<Record<string, string>> = {
  bitECS: "./bitecs_main.ts",
  koota: "./koota_main.ts",
  EliCS: "./elics_main.ts",
  "wolf-ecs": "./wolf_ecs_main.ts",
};

const GOALS: Readonly<Record<WorkloadName, number>> = {
  packed_5: 1,
  simple_iter: 1,
  frag_iter: 1,
  add_remove: 2,
  entity_cycle: 2,
};

/** How often the sides take turns in one round; the round's figures are the turns' medians. */
const TURNS = 11;

const workloadCases = (Object.keys(WORKLOADS) as WorkloadName[]).map((name): BenchCase => ({
  name,
  what: `${WORKLOADS[name].what}, in process`,
  against: `the fastest of ${Object.keys(PEERS).join(", ")}`,
  unit: "µs",
  goal: GOALS[name],
  open: () => openSides({ ours: "./orrery_main.ts", peers: PEERS, argument: name, perMs: 1000 }),
}));

export const ecsCases: readonly BenchCase[] = [
  ...workloadCases,
  {
    name: "spawn_churn",
    what: "20,000 spawns and 20,000 despawns a tick, from the instances' messages to the events",
    against: "the same in bitECS in process, without messages",
    unit: "ms",
    goal: 5,
    open: () =>
      openSides({
        ours: "./churn_orrery_main.ts",
        peers: { bitECS: "./churn_bitecs_main.ts" },
        argument: "",
        perMs: 1,
      }),
  },
];

interface SidesOptions {
  readonly ours: string;
  /** Programs by library. */
  readonly peers: Readonly<Record<string, string>>;
  readonly argument: string;
  /** The case's units in a millisecond. */
  readonly perMs: number;
}

function openSides({ ours, peers, argument, perMs }: SidesOptions) {
  return openSession(async (stack) => {
    const sides = new Map<string, Side>();
    for (const [name, program] of Object.entries({ ours, ...peers })) {
      sides.set(name, stack.use(await openSide(program, argument)));
    }
    return async () => {
      const { ours, ...theirs } = await takeTurns(sides);
      return {
        ours: ours * perMs,
        theirs: Math.min(...Object.values(theirs)) * perMs,
        note: Object.entries(theirs).map(([name, ms]) => `${name} ${(ms * perMs).toPrecision(4)}`)
          .join(", "),
      };
    };
  });
}

/** The median ms of each side. */
async function takeTurns(sides: ReadonlyMap<string, Side>): Promise<Record<string, number>> {
  const times: Record<string, number[]> = {};
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [name, side] of sides) (times[name] ??= []).push(await side.measure());
  }
  return Object.fromEntries(Object.entries(times).map(([name, each]) => [name, median(each)]));
}
