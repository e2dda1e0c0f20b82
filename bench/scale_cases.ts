/**
 * What more instances of a system are good for.
 *
 * @module
 */
import { createRandom } from "../lib/random.ts";
import { BareWorld } from "./bare_world.ts";
import { BenchWorld } from "./bench_world.ts";
import { type BenchCase, expectSame, openSession } from "./case.ts";
import { benchSetting, type Setting } from "./setting.ts";
import { WorkerPool } from "./worker_pool.ts";

const SECOND_MS = 1000;

export const scaleCases: readonly BenchCase[] = [
  {
    name: "scale_out",
    what: "heavy compute on 2 instances",
    against: "on 1 instance",
    unit: "ticks/s",
    goal: 1.8,
    bound: "at least",
    open: openScaleOut,
  },
  {
    name: "vs_workers",
    what: "heavy compute on 2 instances",
    against: "on 2 workers, split by hand and sent with postMessage",
    unit: "ms",
    goal: 1.15,
    open: openWorkers,
  },
  {
    name: "scale_many",
    what: "a system that waits for somebody else, on 16 instances",
    against: "16 times as fast as on 1 instance",
    unit: "ticks/s",
    goal: 0.9,
    bound: "at least",
    open: openScaleMany,
  },
  {
    name: "balance",
    what: "64 shards of uneven cost on 4 instances",
    against: "the best possible makespan",
    unit: "ms",
    goal: 1.15,
    open: openBalance,
  },
];

const COMPUTE = { rows: 16_384, ticks: 20 };

/** Numbers that take long to compute. */
function computeSetting(stateOf = (index: number) => index + 1): Promise<Setting> {
  return benchSetting(["mix"], {
    count: COMPUTE.rows,
    entity: (index) => ({ Mix: { state: stateOf(index) } }),
  });
}

function openScaleOut() {
  return openSession(async (stack) => {
    const setting = await computeSetting();
    const open = (instances: number) => BenchWorld.open({ setting, instances });
    const [one, two] = [stack.use(await open(1)), stack.use(await open(2))];
    const bare = await BareWorld.open(setting);
    return async () => {
      const theirs = await one.run(COMPUTE.ticks);
      const ours = await two.run(COMPUTE.ticks);
      await bare.run(COMPUTE.ticks);
      for (const world of [one, two]) expectSame(world, bare);
      return { ours: SECOND_MS / ours.periodMs, theirs: SECOND_MS / theirs.periodMs };
    };
  });
}

function openWorkers() {
  return openSession(async (stack) => {
    const setting = await computeSetting();
    const world = stack.use(
      await BenchWorld.open({ setting, instances: 2 }),
    );
    const pool = stack.use(new WorkerPool(2));
    const states = Uint32Array.from({ length: COMPUTE.rows }, (_, i) => i + 1);
    return async () => {
      const { periodMs } = await world.run(COMPUTE.ticks);
      const theirs = await pool.run(states, COMPUTE.ticks);
      expectSame(world, await BareWorld.open(await computeSetting((index) => states[index])));
      return { ours: periodMs, theirs };
    };
  });
}

const CALLS = { rows: 32_768, instances: 16, ticksOnOne: 1, ticksOnMany: 24 };

/** Rows that have been answered before, as after so many ticks. */
function callSetting(answers = 0): Promise<Setting> {
  return benchSetting(["call"], { count: CALLS.rows, entity: () => ({ Call: { answers } }) });
}

function openScaleMany() {
  return openSession(async (stack) => {
    const setting = await callSetting();
    const open = (instances: number) => BenchWorld.open({ setting, instances });
    const [one, many] = [stack.use(await open(1)), stack.use(await open(CALLS.instances))];
    let rounds = 0;
    return async () => {
      const theirs = await one.run(CALLS.ticksOnOne);
      const ours = await many.run(CALLS.ticksOnMany);
      rounds++;
      expectSame(one, await BareWorld.open(await callSetting(rounds * CALLS.ticksOnOne)));
      expectSame(many, await BareWorld.open(await callSetting(rounds * CALLS.ticksOnMany)));
      return {
        ours: SECOND_MS / ours.periodMs,
        theirs: CALLS.instances * SECOND_MS / theirs.periodMs,
        note: `${theirs.shards} and ${ours.shards} shards`,
      };
    };
  });
}

const JOBS = { shards: 64, instances: 4, ticks: 4, msMin: 2, msMax: 60 };
/** The largest message, and how many rows of `Job` the shards that fit into it have. */
const JOB_MESSAGE = { bytes: 8192, rows: 398 };

/** A row of a shard that is as cheap or costly as it happens to be; mostly it is cheap. */
function jobSetting(runs = 0): Promise<Setting> {
  const costs = shardCosts();
  return benchSetting(["job"], {
    count: JOBS.shards * JOB_MESSAGE.rows,
    entity: (index) => {
      const ms = costs[Math.floor(index / JOB_MESSAGE.rows)] / JOB_MESSAGE.rows;
      return { Job: { ms, runs } };
    },
  });
}

function shardCosts(): number[] {
  const random = createRandom(1);
  const { msMin, msMax } = JOBS;
  return Array.from({ length: JOBS.shards }, () => msMin + (msMax - msMin) * random() ** 2);
}

function openBalance() {
  return openSession(async (stack) => {
    const { instances } = JOBS;
    const setting = await jobSetting();
    const world = stack.use(
      await BenchWorld.open({ setting, instances, maxPayloadBytes: JOB_MESSAGE.bytes }),
    );
    // No schedule is faster, and with so many shards one is hardly slower.
    const costs = shardCosts();
    const theirs = Math.max(...costs, costs.reduce((sum, ms) => sum + ms) / instances);
    let ticks = 0;
    return async () => {
      const { periodMs, shards } = await world.run(JOBS.ticks);
      ticks += JOBS.ticks;
      expectSame(world, await BareWorld.open(await jobSetting(ticks)));
      return { ours: periodMs, theirs, note: `${shards} shards` };
    };
  });
}
