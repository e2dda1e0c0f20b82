import { assertEquals, assertMatch } from "@std/assert";
import {
  finalOf,
  Onlooker,
  REPOSITORY,
  runLocal,
  startCoordinator,
  startInstance,
  upTo,
} from "./e2e.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import { startTestCluster, type TestCluster } from "./test_cluster.ts";

const HZ = 30;
const TICKS = 150;
const KILL_TICK = 60;
/** Ticks that another coordinator adds, which takes up the world from its log. */
const MORE_TICKS = 10;
const project = { manifests: `${REPOSITORY}chaos/world/manifests` };

interface Victim {
  readonly what: string;
  /** The servers that the coordinator is told of; it learns of the others from them. */
  readonly known: (cluster: TestCluster) => readonly string[];
  readonly choose: (cluster: TestCluster, stream: string) => Promise<string>;
}

const VICTIMS: readonly Victim[] = [
  {
    what: "the leader of the log",
    known: ({ urls }) => urls,
    choose: (cluster, stream) => cluster.leaderOf(stream),
  },
  {
    what: "the coordinator's server",
    known: ({ urls }) => urls.slice(0, 1),
    choose: ({ servers }) => Promise.resolve([...servers.keys()][0]),
  },
];

/**
 * With a copy on each server. No coordinator is told to, since the older servers that
 * tests may run on do everything but what it would refuse them for.
 */
async function addStreams(cluster: TestCluster, subjects: Subjects): Promise<void> {
  const { components, sets, snapshots } = subjects.streams;
  const changes = [subjects.componentChanged(), subjects.commit];
  await cluster.addStream({ name: components, subjects: changes, storage: "file" });
  await cluster.addStream({
    name: sets,
    subjects: [subjects.componentSet("*")],
    storage: "memory",
  });
  await cluster.addStream({
    name: snapshots,
    subjects: [subjects.snapshot(">")],
    storage: "file",
  });
}

for (const { what, known, choose } of VICTIMS) {
  Deno.test(`a cluster loses nothing when ${what} is killed with -9`, async () => {
    await using cluster = await startTestCluster();
    const meeting = { project, url: cluster.urls.join(",") };
    await using onlooker = await Onlooker.connect(meeting);
    const { subjects } = onlooker;
    await addStreams(cluster, subjects);
    const ticks = await onlooker.watch(subjects.tick, "TickStart");
    const flags = ["--hz", `${HZ}`];
    const coordMeeting = { project, url: known(cluster).join(",") };
    await using coord = startCoordinator(coordMeeting, [...flags, "--ticks", `${TICKS}`]);
    await using _weather = startInstance(meeting, "weather");
    await using _drift = startInstance(meeting, "drift");
    await using _life = startInstance(meeting, "life");
    await ticks.first("a tick", ({ tick_id }) => tick_id === KILL_TICK);
    const victim = await choose(cluster, subjects.streams.components);
    assertMatch(victim, /^(north|east|west)$/);
    cluster.kill(victim);
    await ticks.first("a tick after the kill", ({ tick_id }) => tick_id === KILL_TICK + 10)
      .catch((error) => {
        throw new Error(`${error.message}\n${coord.output}`, { cause: error });
      });

    const final = await finalOf(coord);
    await using next = startCoordinator(meeting, [...flags, "--ticks", `${TICKS + MORE_TICKS}`]);
    const resumed = await finalOf(next);
    for (const name of Object.values(subjects.streams)) {
      assertEquals(await cluster.copiesOf(name), 3, name);
    }
    const commits = await onlooker.commits();
    assertEquals(commits.map(({ tick_id }) => tick_id), upTo(TICKS + MORE_TICKS));
    assertEquals(final, await runLocal(project.manifests, TICKS, { hz: HZ }));
    assertEquals(resumed, await runLocal(project.manifests, TICKS + MORE_TICKS, { hz: HZ }));
  });
}
