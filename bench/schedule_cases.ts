/**
 * How much of a tick the schedule wastes.
 *
 * @module
 */
import { BareWorld } from "./bare_world.ts";
import { BenchWorld } from "./bench_world.ts";
import { type BenchCase, expectSame, median, openSession } from "./case.ts";
import { benchSetting, type Setting } from "./setting.ts";

const SECOND_MS = 1000;

export const scheduleCases: readonly BenchCase[] = [
  {
    name: "dag",
    what: "12 systems on 4 levels, all with equal work, 1 instance each",
    against: "the time of the 4 systems on the critical path, one after the other in this process",
    unit: "ms",
    goal: 1.2,
    open: openDag,
  },
  {
    name: "pipeline",
    what: "3 row-wise systems in a chain, 2 instances each",
    against: "the same with a barrier between the systems",
    unit: "ticks/s",
    goal: 1.3,
    bound: "at least",
    open: openPipeline,
  },
];

/** Each level's systems depend on two of the level before. */
const LEVELS = [1, 2, 3, 4];
const LANES = ["a", "b", "c"];
const DAG = { rows: 1024, ticks: 12 };
const PIPELINE = { rows: 4096, ticks: 4 };

function cellSetting(systems: readonly string[], count: number): Promise<Setting> {
  return benchSetting(systems.map((name) => `cell_${name}`), {
    count,
    entity: (index) => ({ Cell: { a1: index } }),
  });
}

function openDag() {
  return openSession(async (stack) => {
    const systems = LEVELS.flatMap((level) => LANES.map((lane) => `${lane}${level}`));
    const setting = await cellSetting(systems, DAG.rows);
    const world = stack.use(await BenchWorld.open({ setting }));
    const path = LEVELS.map((level) => `${LANES[0]}${level}`);
    const critical = await BareWorld.open(await cellSetting(path, DAG.rows));
    const bare = await BareWorld.open(setting);
    return async () => {
      const { periodMs } = await world.run(DAG.ticks);
      const theirs = median(await critical.run(DAG.ticks));
      await bare.run(DAG.ticks);
      expectSame(world, bare);
      return { ours: periodMs, theirs };
    };
  });
}

function openPipeline() {
  return openSession(async (stack) => {
    const setting = await cellSetting(["a1", "a2", "a3"], PIPELINE.rows);
    const open = (isBarrier: boolean) => BenchWorld.open({ setting, instances: 2, isBarrier });
    const [flowing, stepping] = [stack.use(await open(false)), stack.use(await open(true))];
    const bare = await BareWorld.open(setting);
    return async () => {
      const ours = await flowing.run(PIPELINE.ticks);
      const theirs = await stepping.run(PIPELINE.ticks);
      await bare.run(PIPELINE.ticks);
      for (const world of [flowing, stepping]) expectSame(world, bare);
      return {
        ours: SECOND_MS / ours.periodMs,
        theirs: SECOND_MS / theirs.periodMs,
        note: `${ours.shards} shards`,
      };
    };
  });
}
