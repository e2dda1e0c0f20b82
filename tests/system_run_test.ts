import { assertEquals } from "@std/assert";
import { Placement, type Seat } from "../coordinator/placement.ts";
import { Residency } from "../coordinator/residency.ts";
import type { Shard } from "../coordinator/shards.ts";
import { SystemRun } from "../coordinator/system_run.ts";
import { createSchema } from "../lib/ecs/component.ts";
import { World } from "../lib/ecs/world.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";
import { access, COMPONENTS, Position, system } from "./graph_fixture.ts";

const SENT_MS = 10;

/** A run whose shard i is kept by `holders[i]`, or by nobody. */
function open(holders: readonly (string | undefined)[], ...ids: string[]) {
  const world = new World(createSchema(COMPONENTS));
  for (const _ of holders) world.spawn(new Map([[Position, {}]]));
  const [table] = world.tables();
  const shards: Shard[] = holders.map((_, first) => [{ table, first, count: 1 }]);
  const seats: Seat[] = ids.map((id) => ({ id, credits: 2 }));
  const residency = new Residency();
  const before = new Placement(shards, { residency, depth: 2, seats: () => seats });
  for (const [shard, instance] of holders.entries()) {
    const changeTick = table.structureChangedLast;
    if (instance !== undefined) before.hold(shard, { instance, tick: 1, changeTick });
  }
  const clock = new VirtualClock();
  clock.advance(SENT_MS);
  const sent: string[] = [];
  const run = new SystemRun({
    manifest: system("writer", { write: [access(Position)] }),
    shards,
    sets: {},
    epoch: 1,
    tick: 2,
    dt: 0.1,
    changeTick: 2,
    residency,
    depth: 2,
  }, {
    clock,
    world,
    send: (_, { shard, attempt }, instance) =>
      sent.push(`${shard}.${attempt} to ${instance ?? "any"}`),
    seats: () => seats,
    onUnsendable: () => {},
    onSetsMissing: () => {},
    onFinished: () => {},
  });
  run.advance();
  return {
    run,
    sent,
    /** The instance is not registered any more. */
    leave: (id: string) => seats.splice(seats.findIndex((seat) => seat.id === id), 1),
  };
}

Deno.test("SystemRun.awaited() knows who may have the shards that were sent by then", () => {
  const { run, sent } = open(["a", "b", "a"], "a", "b");
  assertEquals(sent, ["0.0 to a", "1.0 to b", "2.0 to a"]);
  assertEquals(run.awaited(SENT_MS - 1), new Set());
  assertEquals(run.awaited(SENT_MS), new Set(["a", "b"]));
  const ack = { epoch: 1, tick_id: 2, system: "writer", instance_id: "b", compute_ms: 0 };
  run.acceptEnd({ ...ack, shard: 1, attempt: 0 });
  assertEquals(run.awaited(SENT_MS), new Set(["a"]));
  const unknown = open([undefined], "a", "b").run;
  assertEquals(unknown.awaited(SENT_MS), new Set([undefined]));
});

Deno.test("SystemRun.lose() sends again what the instance had, and nothing that another has", () => {
  const { run, sent, leave } = open(["a", "b"], "a", "b");
  sent.length = 0;
  leave("a");
  run.lose("a", SENT_MS);
  assertEquals(sent, ["0.1 to b"]);
});

Deno.test("SystemRun.lose() leaves alone what was sent when the instance was gone already", () => {
  const { run, sent } = open(["a", undefined], "a", "b");
  sent.length = 0;
  run.lose("a", SENT_MS - 1);
  assertEquals(sent, []);
});

Deno.test("SystemRun.lose() sends again what anybody may have", () => {
  const { run, sent, leave } = open([undefined, undefined], "a", "b");
  assertEquals(sent.splice(0), ["0.0 to any", "1.0 to any"]);
  leave("a");
  run.lose("a", SENT_MS);
  assertEquals(new Set(sent), new Set(["0.1 to any", "1.1 to any"]));
});
