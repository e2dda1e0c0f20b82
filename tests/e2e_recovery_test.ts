import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  type Final,
  finalOf,
  type Meeting,
  Onlooker,
  type Program,
  runLocal,
  startCoordinator,
  startInstance,
} from "./e2e.ts";
import { assertNothingLost, createField, HZ, SYSTEM } from "./field_project.ts";
import { killServer, startTestServer } from "./test_server.ts";

const KILL_TICK = 20;
const TICKS = 60;
const HZ_FLAGS = ["--hz", `${HZ}`];
const FLAGS = [...HZ_FLAGS, "--ticks", `${TICKS}`];
const FENCED_CODE = 3;

/** Waits for the coordinator's end, and compares with a run that nothing has happened to. */
async function assertUndisturbed(
  onlooker: Onlooker,
  { project }: Meeting,
  coordinator: Program,
): Promise<Final> {
  const final = await finalOf(coordinator);
  assertNothingLost(await onlooker.commits(), final.ticks);
  assertEquals(final, await runLocal(project.manifests, final.ticks, { hz: HZ }));
  return final;
}

Deno.test("a coordinator is killed with -9, another one goes on, and nothing is lost", async () => {
  await using project = await createField();
  await using server = await startTestServer();
  const meeting = { project, url: server.url };
  await using onlooker = await Onlooker.connect(meeting);
  const ticks = await onlooker.watch(onlooker.subjects.tick, "TickStart");
  await using killed = startCoordinator(meeting, FLAGS);
  await using instance = startInstance(meeting, SYSTEM);
  await using _other = startInstance(meeting, SYSTEM);
  await ticks.first("a tick", ({ tick_id }) => tick_id === KILL_TICK);
  killed.kill("SIGKILL");
  await using next = startCoordinator(meeting, FLAGS);
  assertMatch(await next.line(/resumed the world at tick/), /tick (19|2\d), in term \d+/);
  await assertUndisturbed(onlooker, meeting, next);
  const joined = instance.stderr.filter((line) => /registered with/.test(line));
  assertEquals(joined.length, 2, instance.output);
});

Deno.test("a standby takes over when the leader is killed with -9, and others stand by", async () => {
  await using project = await createField();
  await using server = await startTestServer();
  const meeting = { project, url: server.url };
  await using onlooker = await Onlooker.connect(meeting);
  const ticks = await onlooker.watch(onlooker.subjects.tick, "TickStart");
  await using leader = startCoordinator(meeting, FLAGS);
  await leader.line(/is up at/);
  await using one = startCoordinator(meeting, [...FLAGS, "--standby"]);
  await using other = startCoordinator(meeting, [...FLAGS, "--standby"]);
  for (const standby of [one, other]) await standby.line(/standing by/);
  await using _instance = startInstance(meeting, SYSTEM);
  const { epoch } = await ticks.first("a tick", ({ tick_id }) => tick_id === KILL_TICK);
  leader.kill("SIGKILL");
  await ticks.first("a tick of a standby", (tick) => tick.epoch > epoch);
  const isOne = one.stderr.some((line) => /resumed/.test(line));
  const [winner, loser] = isOne ? [one, other] : [other, one];
  const final = await assertUndisturbed(onlooker, meeting, winner);
  // The winner's end leaves the world to the other one, which finds it complete.
  assertEquals(await finalOf(loser), final);
  const epochs = (await onlooker.commits()).map((commit) => commit.epoch);
  assertEquals(new Set(epochs).size, 2);
});

Deno.test("a coordinator that was stopped and followed ends with code 3, and has changed nothing", async () => {
  await using project = await createField();
  await using server = await startTestServer();
  const meeting = { project, url: server.url };
  await using onlooker = await Onlooker.connect(meeting);
  const ticks = await onlooker.watch(onlooker.subjects.tick, "TickStart");
  await using stale = startCoordinator(meeting, FLAGS);
  await stale.line(/is up at/);
  await using refused = startCoordinator(meeting, FLAGS);
  await refused.line(/another coordinator does, and is at tick 0\. End it first/);
  assertEquals(await refused.code(), 1);
  await using _instance = startInstance(meeting, SYSTEM);
  const { epoch } = await ticks.first("a tick", ({ tick_id }) => tick_id === KILL_TICK);
  stale.kill("SIGSTOP");
  await using next = startCoordinator(meeting, [...FLAGS, "--takeover"]);
  await ticks.first("a tick of the next", (tick) => tick.epoch > epoch);
  stale.kill("SIGCONT");
  assertEquals(await stale.code(), FENCED_CODE, stale.output);
  assertMatch(stale.stderr.at(-1) ?? "", /another coordinator has taken this one's place/);
  await assertUndisturbed(onlooker, meeting, next);
});

Deno.test("a coordinator goes on from the snapshot before one that is damaged", async () => {
  await using project = await createField();
  await using server = await startTestServer();
  const meeting = { project, url: server.url };
  await using onlooker = await Onlooker.connect(meeting);
  const flags = [...HZ_FLAGS, "--snapshot-every", "20", "--snapshots-kept", "9"];
  await using first = startCoordinator(meeting, [...flags, "--ticks", "45"]);
  await using _instance = startInstance(meeting, SYSTEM);
  await finalOf(first);
  const { streams, snapshot } = onlooker.subjects;
  const newest = { filter: snapshot("t40", 0) };
  await onlooker.log.purge(streams.snapshots, newest);
  await onlooker.log.append(snapshot("t40", 0), new Uint8Array(9));
  await using next = startCoordinator(meeting, [...flags, "--ticks", `${TICKS}`]);
  await next.line(
    /skipping snapshot "t40": Cannot load .*part 0 of \d+ is damaged: it has 9 bytes/,
  );
  await next.line(/resumed the world at tick 45/);
  await assertUndisturbed(onlooker, meeting, next);
});

Deno.test("nats-server is killed with -9 and started again, and nothing is lost", async () => {
  await using project = await createField();
  const dataDir = await Deno.makeTempDir({ prefix: "orrery-e2e-" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(dataDir, { recursive: true }));
  const server = await startTestServer({ dataDir });
  const meeting = { project, url: server.url };
  await using onlooker = await Onlooker.connect(meeting);
  const ticks = await onlooker.watch(onlooker.subjects.tick, "TickStart");
  await using coord = startCoordinator(meeting, HZ_FLAGS);
  await using instance = startInstance(meeting, SYSTEM);
  await ticks.first("a tick", ({ tick_id }) => tick_id === KILL_TICK);
  await killServer(server);
  await using _again = await startTestServer({ dataDir, port: server.port });
  await coord.line(/connected to NATS again/);
  await ticks.first("a later tick", ({ tick_id }) => tick_id > KILL_TICK + 5);
  // The broadcast sets were in memory, and one who joins now needs them.
  await using late = startInstance(meeting, SYSTEM);
  await late.line(/registered with/);
  const { tick_id: joinedIn } = ticks.seen[ticks.seen.length - 1];
  await ticks.first("a tick with both", ({ tick_id }) => tick_id > joinedIn + 5);
  coord.kill("SIGINT");
  await assertUndisturbed(onlooker, meeting, coord);
  for (const program of [coord, instance, late]) {
    assert(program.stderr.length < 20, program.output);
  }
});
