import { assert, assertEquals } from "@std/assert";
import { finalOf, poll, startInstance, startProgram } from "./e2e.ts";
import { createField, HZ, idOf, SYSTEM } from "./field_project.ts";
import { OtlpReceiver, type ReceivedSpan } from "./otlp_receiver.ts";
import { startTestServer } from "./test_server.ts";

const CLIENT = 3;
const SERVER = 2;

Deno.test("one tick is one trace, over the coordinator, both instances and every shard", async () => {
  await using receiver = new OtlpReceiver();
  await using project = await createField();
  await using server = await startTestServer();
  const meeting = { project, url: server.url };
  const flags = ["--manifests", project.manifests, "--nats", server.url, "--hz", `${HZ}`];
  const env = receiver.environment("coordinator");
  await using coord = startProgram("coord", [...flags, "--log-json"], { env });
  const instances = ["one", "two"].map((service) =>
    startInstance(meeting, SYSTEM, { env: receiver.environment(service) })
  );
  await using stack = new AsyncDisposableStack();
  for (const instance of instances) stack.use(instance);
  const ids = await Promise.all(instances.map(idOf));

  const trace = await poll(
    "a trace of both instances",
    () => Promise.resolve(wholeTrace(receiver)),
  );
  assertNested(trace, ids);
  await assertMetrics(receiver);

  coord.kill("SIGINT");
  await finalOf(coord);
  const [line] = coord.stderr.filter((line) => line.includes("stopped at tick"));
  const { level, source, tick: stoppedAt, message } = JSON.parse(line);
  assertEquals({ level, source, message }, {
    level: "info",
    source: "coord",
    message: `stopped at tick ${stoppedAt}`,
  });
  await poll(
    "the log line",
    () => Promise.resolve(receiver.logs.some((log) => log.includes(line))),
  );
});

/** The spans of a tick that is stored, and that both instances took part in. */
function wholeTrace({ spans }: OtlpReceiver): ReceivedSpan[] | undefined {
  const byTrace = Map.groupBy(spans, ({ traceId }) => traceId);
  return [...byTrace.values()].find((trace) => {
    const count = (start: string) => trace.filter(({ name }) => name.startsWith(start)).length;
    const services = new Set(trace.map(({ service }) => service));
    const isStored = count("tick") === 1 && count("commit") === 1 && count("system") === 1;
    return isStored && services.size === 3 && count("run") === count("shard");
  });
}

/** Each span has the parent that it should have, and says what it is about. */
function assertNested(trace: readonly ReceivedSpan[], instanceIds: readonly string[]): void {
  const byId = new Map(trace.map((span) => [span.spanId, span]));
  const named = (name: string) => trace.filter((span) => span.name === name);
  const [[tick], [system], [commit]] = ["tick", `system ${SYSTEM}`, "commit"].map(named);
  assertEquals([tick.service, tick.parentSpanId], ["coordinator", ""]);
  for (const part of [system, commit]) assertEquals(part.parentSpanId, tick.spanId);
  const shards = named(`shard ${SYSTEM}`);
  assertEquals(
    shards.map(({ attributes }) => attributes["orrery.shard"]).sort(),
    shards.map((_, i) => i),
  );
  for (const shard of shards) {
    assertEquals([shard.kind, shard.parentSpanId], [CLIENT, system.spanId]);
    assertEquals(shard.attributes["messaging.system"], "nats");
  }
  const runs = named(`run ${SYSTEM}`);
  assertEquals(runs.length, shards.length);
  for (const run of runs) {
    const shard = byId.get(run.parentSpanId);
    assert(shard !== undefined, "a run belongs to no shard");
    assertEquals(run.kind, SERVER);
    for (const key of ["orrery.tick", "orrery.shard", "orrery.instance"]) {
      assertEquals(run.attributes[key], shard.attributes[key], key);
    }
  }
  assertEquals(
    new Set(runs.map(({ attributes }) => attributes["orrery.instance"])),
    new Set(instanceIds),
  );
}

async function assertMetrics({ metrics }: OtlpReceiver): Promise<void> {
  const expected = {
    "orrery.tick.duration": "s",
    "orrery.tick.overruns": "{tick}",
    "orrery.messages.refused": "{message}",
    "orrery.network.io": "By",
    "orrery.queue.depth": "{message}",
    "orrery.system.credits": "{shard}",
    "orrery.shard.compute": "s",
  };
  await poll(
    "all metrics",
    () => Promise.resolve(Object.keys(expected).every((name) => metrics.has(name))),
  );
  for (const [name, unit] of Object.entries(expected)) {
    assertEquals(metrics.get(name)?.unit, unit, name);
  }
  assertEquals(metrics.get("orrery.system.credits")?.points, [{
    "orrery.system": SYSTEM,
  }]);
}
