import { assert, assertEquals, assertMatch } from "@std/assert";
import { finalOf, Onlooker, poll, runLocal, startCoordinator, startInstance, upTo } from "./e2e.ts";
import {
  assertNothingLost,
  createField,
  HZ,
  idOf,
  shardsOf,
  SYSTEM,
  worldText,
} from "./field_project.ts";
import { startTestServer } from "./test_server.ts";

Deno.test("a third instance joins, one is killed with -9, and nothing is lost", async () => {
  const TICKS = 110;
  const START_TICK = 10;
  const KILL_TICK = 80;
  await using project = await createField();
  await using server = await startTestServer();
  const meeting = { project, url: server.url };
  await using onlooker = await Onlooker.connect(meeting);
  const ticks = await onlooker.watch(onlooker.subjects.tick, "TickStart");
  await using coord = startCoordinator(meeting, ["--hz", `${HZ}`, "--ticks", `${TICKS}`]);
  const env = { SLOW_TICK: `${KILL_TICK}` };
  await using killed = startInstance(meeting, SYSTEM, { env });
  await using survivor = startInstance(meeting, SYSTEM);
  await ticks.first("a tick", ({ tick_id }) => tick_id === START_TICK);
  await using late = startInstance(meeting, SYSTEM);
  await killed.line(/^in tick/);
  killed.kill("SIGKILL");
  await ticks.first("the tick that is slow", ({ tick_id }) => tick_id === KILL_TICK);
  assertEquals(ticks.seen.at(-1)?.tick_id, KILL_TICK);

  const final = await finalOf(coord);
  const commits = await onlooker.commits();
  assertNothingLost(commits, TICKS);
  const killedId = await idOf(killed);
  const atKill = shardsOf(commits[KILL_TICK - 1]);
  assert(atKill.some((shard) => shard !== null && shard.attempt > 0), "no shard was tried again");
  const takers = commits.slice(KILL_TICK - 1).flatMap(shardsOf).map((shard) => shard?.instance_id);
  assert(!takers.includes(killedId));
  for (const other of [survivor, late]) assert(takers.includes(await idOf(other)));
  assertEquals(final, await runLocal(project.manifests, TICKS, { hz: HZ }));
});

Deno.test("shards of an instance that is killed with -9 go to another long before their deadline", async () => {
  const TICKS = 20;
  const KILL_TICK = 10;
  // Longer than the test may take: were a shard waited for, the run would not end.
  await using project = await createField({ deadline: "60s" });
  await using server = await startTestServer();
  const meeting = { project, url: server.url };
  await using onlooker = await Onlooker.connect(meeting);
  await using coord = startCoordinator(meeting, ["--hz", `${HZ}`, "--ticks", `${TICKS}`]);
  const env = { SLOW_TICK: `${KILL_TICK}` };
  await using killed = startInstance(meeting, SYSTEM, { env });
  const killedId = await idOf(killed);
  await using survivor = startInstance(meeting, SYSTEM);
  await killed.line(/^in tick/);
  killed.kill("SIGKILL");
  assertMatch(await coord.line(/gone/), new RegExp(`${killedId}'s connection is gone`));

  const final = await finalOf(coord);
  const commits = await onlooker.commits();
  assertNothingLost(commits, TICKS);
  const atKill = shardsOf(commits[KILL_TICK - 1]);
  const survivorId = await idOf(survivor);
  assert(atKill.some((shard) => shard?.instance_id === survivorId && shard.attempt > 0));
  assertEquals(final, await runLocal(project.manifests, TICKS, { hz: HZ }));
});

Deno.test("an undisturbed run of two instances gives the hash of the local run", async () => {
  const TICKS = 60;
  await using project = await createField();
  await using server = await startTestServer();
  const meeting = { project, url: server.url };
  await using onlooker = await Onlooker.connect(meeting);
  await using coord = startCoordinator(meeting, ["--max-speed", "--ticks", `${TICKS}`]);
  await using _one = startInstance(meeting, SYSTEM);
  await using _other = startInstance(meeting, SYSTEM, { args: ["--credits", "1"] });
  const final = await finalOf(coord);
  assertNothingLost(await onlooker.commits(), TICKS);
  assertEquals(final, await runLocal(project.manifests, TICKS));
});

Deno.test("an instance that gets a SIGTERM finishes its shards and leaves without an error", async () => {
  const TICKS = 40;
  const TERM_TICK = 15;
  // Longer than the test may take: were a shard given up, the run would not end.
  await using project = await createField({ deadline: "60s" });
  await using server = await startTestServer();
  const meeting = { project, url: server.url };
  await using onlooker = await Onlooker.connect(meeting);
  await using coord = startCoordinator(meeting, ["--hz", `${HZ}`, "--ticks", `${TICKS}`]);
  const env = { SLOW_TICK: `${TERM_TICK}` };
  await using leaving = startInstance(meeting, SYSTEM, { env });
  await leaving.line(/registered/);
  await using _staying = startInstance(meeting, SYSTEM);
  await leaving.line(/^in tick/);
  leaving.kill("SIGTERM");
  assertEquals(await leaving.code(), 0);
  assertMatch(leaving.stderr.at(-1) ?? "", /: stopped$/);
  await coord.line(/ left$/);

  const final = await finalOf(coord);
  assertNothingLost(await onlooker.commits(), TICKS);
  assertEquals(coord.stderr.filter((line) => /warning/.test(line)), []);
  const atTerm = shardsOf((await onlooker.commits())[TERM_TICK - 1]);
  const leavingId = await idOf(leaving);
  assert(atTerm.some((shard) => shard?.instance_id === leavingId && shard.attempt === 0));
  assertEquals(final, await runLocal(project.manifests, TICKS, { hz: HZ }));
});

Deno.test("the shards of a stopped instance go to another, and its late results are dropped", async () => {
  const STOP_TICK = 15;
  await using project = await createField();
  await using server = await startTestServer();
  const meeting = { project, url: server.url };
  await using onlooker = await Onlooker.connect(meeting);
  const ticks = await onlooker.watch(onlooker.subjects.tick, "TickStart");
  await using coord = startCoordinator(meeting, ["--hz", `${HZ}`]);
  const env = { SLOW_TICK: `${STOP_TICK}` };
  await using stopped = startInstance(meeting, SYSTEM, { env });
  await stopped.line(/registered/);
  await using other = startInstance(meeting, SYSTEM);
  await stopped.line(/^in tick/);
  stopped.kill("SIGSTOP");
  await ticks.first("the tick after", ({ tick_id }) => tick_id === STOP_TICK + 5);
  stopped.kill("SIGCONT");
  const { systems } = await poll("late results", async () => {
    const status = await onlooker.status();
    return status.systems[SYSTEM].late > 0 && status;
  });
  assertEquals([systems[SYSTEM].errors, systems[SYSTEM].skipped], [0, 0]);
  coord.kill("SIGINT");

  const final = await finalOf(coord);
  const commits = await onlooker.commits();
  assertNothingLost(commits, final.ticks);
  const otherId = await idOf(other);
  const retried = shardsOf(commits[STOP_TICK - 1]).filter((shard) => (shard?.attempt ?? 0) > 0);
  assert(retried.length > 0 && retried.every((shard) => shard?.instance_id === otherId));
  assertEquals(final, await runLocal(project.manifests, final.ticks, { hz: HZ }));
});

Deno.test("on_miss: skip goes on without any instance, and says so once", async () => {
  const TICKS = 20;
  await using project = await createField({ onMiss: "skip" });
  await using server = await startTestServer();
  const meeting = { project, url: server.url };
  await using onlooker = await Onlooker.connect(meeting);
  const skipped = await onlooker.watch(onlooker.subjects.event("system.skipped"), "Event");
  await using coord = startCoordinator(meeting, ["--max-speed", "--ticks", `${TICKS}`]);
  const { ticks } = await finalOf(coord);
  assertEquals(ticks, TICKS);
  const warnings = coord.stderr.filter((line) => /warning/.test(line));
  assertEquals(warnings.length, 1);
  assertMatch(warnings[0], /tick 1: no instance took \d of \d shards of move; skipping it/);
  await onlooker.bus.flush();
  assertEquals(skipped.seen.length, 1);
  const commits = await onlooker.commits();
  assertEquals(commits.map(({ tick_id }) => tick_id), upTo(TICKS));
  assert(commits.every((commit) => shardsOf(commit).every((shard) => shard === null)));
});

Deno.test("on_miss: hold waits for an instance, and says what for", async () => {
  const TICKS = 10;
  await using project = await createField();
  await using server = await startTestServer();
  const meeting = { project, url: server.url };
  await using onlooker = await Onlooker.connect(meeting);
  await using coord = startCoordinator(meeting, ["--max-speed", "--ticks", `${TICKS}`]);
  await coord.line(/tick 1 waits for move: no instance of it; start one with `deno task system/);
  assertEquals(await onlooker.commits(), []);
  await using _instance = startInstance(meeting, SYSTEM);
  const final = await finalOf(coord);
  assertNothingLost(await onlooker.commits(), TICKS);
  assertEquals(final, await runLocal(project.manifests, TICKS));
});

Deno.test("a script that throws loses the results of that shard alone", async () => {
  const THROW_TICK = 5;
  await using project = await createField();
  await using server = await startTestServer();
  const meeting = { project, url: server.url };
  await using onlooker = await Onlooker.connect(meeting);
  const beats = await onlooker.watch(onlooker.subjects.heartbeat, "Heartbeat");
  await using coord = startCoordinator(meeting, ["--hz", `${HZ}`]);
  const env = { THROW_TICK: `${THROW_TICK}` };
  await using _one = startInstance(meeting, SYSTEM, { env });
  await using _other = startInstance(meeting, SYSTEM, { env });
  await coord.line(/move failed in tick 5, shard 0, on move-\w+: RangeError: entity 1 is bad/);
  await coord.line(/^ +at .*systems\/move\.ts:\d+/);
  await beats.first("a heartbeat with the error", ({ errors }) => errors === 1);
  const status = await onlooker.status();
  assertEquals([status.systems[SYSTEM].errors, status.systems[SYSTEM].late], [1, 0]);
  coord.kill("SIGINT");
  await coord.code();
  for (const commit of await onlooker.commits()) {
    const lost = shardsOf(commit).map((shard, i) => shard === null ? i : -1).filter((i) => i >= 0);
    assertEquals(lost, commit.tick_id === THROW_TICK ? [0] : [], `tick ${commit.tick_id}`);
  }
});

Deno.test("an instance whose manifest differs is refused, and says why", async () => {
  await using project = await createField();
  await using other = await createField();
  const file = `${other.manifests}/${SYSTEM}.yaml`;
  const text = await Deno.readTextFile(file);
  await Deno.writeTextFile(file, text.replace("read: [Entity, Velocity]", "read: [Entity]"));
  await using server = await startTestServer();
  await using coord = startCoordinator({ project, url: server.url });
  await using instance = startInstance({ project: other, url: server.url }, SYSTEM);
  const reason = /its manifest of "move" differs from the coordinator's: .*Velocity/;
  assertMatch(await instance.line(/Cannot register/), reason);
  assertMatch(await coord.line(/refused instance/), reason);
});

Deno.test("an instance that is there first waits for the server and then for a coordinator", async () => {
  const TICKS = 5;
  await using project = await createField();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const meeting = { project, url: `nats://127.0.0.1:${port}` };
  await using instance = startInstance(meeting, SYSTEM);
  await instance.line(/Cannot connect to NATS at .*; trying again until one answers/);
  await using _server = await startTestServer({ port });
  await instance.line(/waiting for a coordinator/);
  await using coord = startCoordinator(meeting, ["--max-speed", "--ticks", `${TICKS}`]);
  assertEquals((await finalOf(coord)).ticks, TICKS);
  await instance.line(/registered with the coordinator/);
});

Deno.test("instances register again with a coordinator that is started anew, with another world", async () => {
  const TICKS = 20;
  await using project = await createField();
  await Deno.writeTextFile(`${project.manifests}/worlds/storm.yaml`, worldText("storm", 50));
  await using server = await startTestServer();
  const meeting = { project, url: server.url };
  await using onlooker = await Onlooker.connect(meeting);
  await using instance = startInstance(meeting, SYSTEM);
  const run = async (world: string) => {
    const flags = ["--world", world, "--max-speed", "--ticks", `${TICKS}`];
    await using coord = startCoordinator(meeting, flags);
    return await finalOf(coord);
  };
  assertEquals(await run("field"), await runLocal(project.manifests, TICKS, { world: "field" }));
  const { components, snapshots } = onlooker.subjects.streams;
  for (const stream of [components, snapshots]) await onlooker.log.purge(stream);
  assertEquals(await run("storm"), await runLocal(project.manifests, TICKS, { world: "storm" }));
  const joined = instance.stderr.filter((line) => /registered with/.test(line));
  assertEquals(joined.length, 2, instance.output);
});
