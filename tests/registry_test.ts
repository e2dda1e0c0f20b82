import { creditsOf } from "../coordinator/system_run.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Registry } from "../coordinator/registry.ts";
import { signatureText, systemSignature } from "../lib/manifest/signature.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import { PROTOCOL_VERSION } from "../lib/wire/protocol.ts";
import { access, Position, system, Velocity } from "./graph_fixture.ts";

const AI = system("ai", { write: [access(Velocity)] });
const PHYSICS = system("physics", { read: [access(Velocity)], write: [access(Position)] });
const SYSTEMS = [AI, PHYSICS];
const SILENCE_MS = 5000;

type Descriptor = MessageOf<"SystemDescriptor">;

function descriptor(parts: Partial<Descriptor> = {}): Descriptor {
  const manifest = SYSTEMS.find(({ name }) => name === parts.name) ?? PHYSICS;
  return {
    protocol: PROTOCOL_VERSION,
    name: manifest.name,
    instance_id: "physics-1",
    query: signatureText(manifest),
    schema_hash: systemSignature(manifest),
    credits: 2,
    ...parts,
  };
}

function heartbeat(parts: Partial<MessageOf<"Heartbeat">> = {}): MessageOf<"Heartbeat"> {
  return {
    instance_id: "physics-1",
    system: "physics",
    load: 0.5,
    shards: 3,
    rows: 9,
    errors: 1,
    refused: 2,
    ...parts,
  };
}

function registryOf(...descriptors: Partial<Descriptor>[]): Registry {
  const registry = new Registry(SYSTEMS);
  for (const parts of descriptors) {
    assertEquals(registry.register(descriptor(parts), 0), undefined);
  }
  return registry;
}

function idsOf(instances: readonly { id: string }[]): string[] {
  return instances.map(({ id }) => id);
}

Deno.test("creditsOf() adds up what a system's instances take, and knows the most", () => {
  const registry = registryOf(
    { instance_id: "physics-1", credits: 2 },
    { instance_id: "physics-2", credits: 3 },
    { instance_id: "ai-1", name: "ai", credits: 1 },
  );
  assertEquals(creditsOf(registry.instancesOf("physics")), { total: 5, perInstance: 3 });
  assertEquals(creditsOf(registry.instancesOf("ai")), { total: 1, perInstance: 1 });
  assertEquals(creditsOf(registry.instancesOf("gone")), { total: 0, perInstance: 1 });
  assertEquals(idsOf(registry.instancesOf("physics")), ["physics-1", "physics-2"]);
});

Deno.test("Registry.register() takes an instance anew, and never more than 64 credits", () => {
  const registry = registryOf({ credits: 2 }, { credits: 1_000_000 });
  assertEquals(creditsOf(registry.instancesOf("physics")), { total: 64, perInstance: 64 });
});

Deno.test("Registry.register() takes nobody to listen for probes who does not say so", () => {
  const registry = registryOf({ instance_id: "a" }, { instance_id: "b", probes: true });
  assertEquals(registry.instancesOf("physics").map(({ probes }) => probes), [false, true]);
});

Deno.test("Registry.register() refuses another protocol", () => {
  const reason = new Registry(SYSTEMS).register(descriptor({ protocol: 999 }), 0) ?? "";
  assertStringIncludes(reason, `protocol 999, the coordinator ${PROTOCOL_VERSION}`);
});

Deno.test("Registry.register() refuses an unknown system and says which there are", () => {
  const reason = new Registry(SYSTEMS).register(descriptor({ name: "fizziks" }), 0) ?? "";
  assertStringIncludes(reason, '"fizziks"; it has ai, physics');
});

Deno.test("Registry.register() refuses another manifest and says in what it differs", () => {
  const theirs = system("physics", { read: [access(Velocity)], write: [access(Position, "x")] });
  const registry = new Registry(SYSTEMS);
  const reason = registry.register(
    descriptor({ query: signatureText(theirs), schema_hash: systemSignature(theirs) }),
    0,
  );
  assertStringIncludes(reason ?? "", 'it lacks "write Position.y:f32"');
  assertEquals(creditsOf(registry.instancesOf("physics")).total, 0);
});

Deno.test("Registry.register() gives a reason of bounded length, however long the query", () => {
  const query = "a\n".repeat(8000);
  const reason = new Registry(SYSTEMS).register(descriptor({ query, schema_hash: "0" }), 0) ?? "";
  assertMatch(reason, /differs from the coordinator's/);
  assert(reason.length < 4096);
});

Deno.test("Registry.register() refuses an id that another system's instance has", () => {
  const registry = registryOf({});
  const reason = registry.register(descriptor({ name: "ai" }), 0);
  assertStringIncludes(reason ?? "", '"physics-1" is registered for "physics" already');
  assertEquals(idsOf(registry.instancesOf("physics")), ["physics-1"]);
});

Deno.test("Registry.register() refuses more instances than it keeps, but not one that it has", () => {
  const registry = new Registry(SYSTEMS);
  let count = 0;
  while (registry.register(descriptor({ instance_id: `i${count}` }), 0) === undefined) count++;
  assertEquals(count, 4096);
  assertEquals(registry.register(descriptor({ instance_id: "i7" }), 0), undefined);
  registry.unregister("i7");
  assertEquals(registry.register(descriptor({ instance_id: "i4096" }), 0), undefined);
});

Deno.test("Registry.unregister() returns the instance once", () => {
  const registry = registryOf({});
  assertEquals(registry.unregister("physics-1")?.system, "physics");
  assertEquals(registry.unregister("physics-1"), undefined);
  assertEquals(creditsOf(registry.instancesOf("physics")).total, 0);
});

Deno.test("Registry.expire() removes who has been silent for too long, and nobody else", () => {
  const registry = registryOf(
    { instance_id: "silent" },
    { instance_id: "beating" },
    { instance_id: "working" },
  );
  assert(registry.heartbeat(heartbeat({ instance_id: "beating" }), 1));
  assert(registry.seen("working", "physics", 1));
  assertEquals(registry.expire(SILENCE_MS), []);
  assertEquals(idsOf(registry.expire(SILENCE_MS + 1)), ["silent"]);
  assertEquals(registry.expire(SILENCE_MS + 1), []);
  assertEquals(idsOf(registry.expire(SILENCE_MS + 2)), ["beating", "working"]);
});

Deno.test("Registry.excuse() holds no silence against anybody until now", () => {
  const registry = registryOf({});
  registry.excuse(SILENCE_MS + 1);
  assertEquals(registry.expire(2 * SILENCE_MS), []);
  assertEquals(registry.expire(2 * SILENCE_MS + 2).length, 1);
});

Deno.test("Registry.heartbeat() records how the instance fares", () => {
  const registry = registryOf({});
  registry.heartbeat(heartbeat(), 9);
  const [{ load, errors, refused, seenAt }] = registry.instancesOf("physics");
  assertEquals({ load, errors, refused, seenAt }, { load: 0.5, errors: 1, refused: 2, seenAt: 9 });
});

Deno.test("Registry.heartbeat() takes no load above 1", () => {
  const registry = registryOf({});
  registry.heartbeat(heartbeat({ load: 1e308 }), 0);
  assertEquals(registry.instancesOf("physics")[0].load, 1);
});

Deno.test("Registry.heartbeat() and seen() do not know strangers, nor an instance of another system", () => {
  const registry = registryOf({});
  assert(!registry.heartbeat(heartbeat({ instance_id: "physics-2" }), 1));
  assert(!registry.heartbeat(heartbeat({ system: "ai" }), 1));
  assert(!registry.seen("physics-2", "physics", 1));
  assert(!registry.seen("physics-1", "ai", 1));
  assertEquals(registry.instancesOf("physics")[0].seenAt, 0);
});
