import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Client } from "../operator/client.ts";
import type { Bus, Message } from "../lib/bus/bus.ts";
import type { MessageOf, WireCommand } from "../lib/wire/messages.ts";
import { UserError } from "../lib/user_error.ts";
import { decodeMessage, encodeMessage } from "../lib/wire/codec.ts";
import { SUBJECTS } from "./fake_instance.ts";
import { TickHarness } from "./tick_harness.ts";

const spawn: WireCommand = { op: "spawn", components: { Position: {} } };
const answered = encodeMessage("EntityCommandReply", { tick_id: 7, spawned: [5], refused: [] });
const busy = encodeMessage("Refusal", { reason: "too many wait", retry: true });
/** Beyond the patience of a client, and the timeout of its last request. */
const LONG_STEPS = 100;
const STEP_MS = 500;

function connectClient(harness: TickHarness): Client {
  let drawn = 0;
  const { bus } = harness.connect("client");
  const drawId = () => `order-${++drawn}`;
  return new Client({ bus, subjects: SUBJECTS, clock: harness.clock, drawId });
}

/** Lets time pass until the promise is settled, however patient the client is. */
async function outlast<T>(harness: TickHarness, promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  for (let i = 0; i < LONG_STEPS; i++) await harness.advance(STEP_MS);
  return await harness.pump(promise);
}

/** A harness without a coordinator, and who answers in its place. */
async function openDeaf(
  answer: (bus: Bus, message: Message) => void,
  statusOf: (count: number) => Partial<MessageOf<"ControlReply">> = () => ({}),
): Promise<TickHarness> {
  const harness = await TickHarness.open({ systems: [] });
  const status = await harness.control({ op: "status" });
  harness.kill("coordinator");
  const { bus } = harness.connect("deaf");
  let count = 0;
  bus.subscribe(SUBJECTS.control, ({ reply = "" }) => {
    const { data, options } = encodeMessage("ControlReply", { ...status, ...statusOf(count++) });
    bus.publish(reply, data, options);
  });
  bus.subscribe(SUBJECTS.entityCommand, (message) => answer(bus, message));
  await harness.settle();
  return harness;
}

Deno.test("commands whose answer was lost with the coordinator are sent again, and count once", async () => {
  await using harness = await TickHarness.open({ systems: [], isUnpaced: false });
  const commanded = connectClient(harness).command([spawn]);
  await harness.settle();
  // The tick that applies them is stored, and its answer does not come through.
  harness.disconnect("client");
  const { ran } = await harness.start(1);
  await harness.wait(ran);
  assertEquals(harness.coordinator.entityCount, 1);
  harness.kill("coordinator");
  harness.reconnect("client");
  const second = await harness.wait(harness.openCoordinator("second"));
  await harness.start(Infinity);
  assertEquals(await outlast(harness, commanded), { tick_id: 1, spawned: [1], refused: [] });
  assertEquals(second.entityCount, 1);
});

Deno.test("commands for which there is no room are sent again until there is", async () => {
  let refusals = 0;
  await using harness = await openDeaf((bus, { reply = "" }) => {
    const { data, options } = refusals++ < 3 ? busy : answered;
    bus.publish(reply, data, options);
  });
  const result = await outlast(harness, connectClient(harness).command([spawn]));
  assertEquals([result?.tick_id, result?.spawned, refusals], [7, [5], 4]);
});

Deno.test("command() says that it does not know what became of commands, or that they are safe to repeat", async (t) => {
  await t.step("where they are not answered", async () => {
    await using harness = await openDeaf(() => {});
    const commanded = outlast(harness, connectClient(harness).command([spawn]));
    const { message } = await assertRejects(() => commanded, UserError);
    assertMatch(message, /^Cannot tell whether the commands were applied, .*lest they count twice/);
  });
  await t.step("where some were applied before", async () => {
    let count = 0;
    await using harness = await openDeaf((bus, { reply = "" }) => {
      if (count++ > 0) return;
      bus.publish(reply, answered.data, answered.options);
    });
    const commands = Array.from({ length: 1001 }, () => spawn);
    const commanded = outlast(harness, connectClient(harness).command(commands));
    const { message } = await assertRejects(() => commanded, UserError);
    assertMatch(message, /^Cannot tell whether the commands after the first 1000 were applied/);
  });
  await t.step("where there was never room", async () => {
    await using harness = await openDeaf((bus, { reply = "" }) => {
      bus.publish(reply, busy.data, busy.options);
    });
    const commanded = outlast(harness, connectClient(harness).command([spawn]));
    const { message } = await assertRejects(() => commanded, UserError);
    assertMatch(message, /none of them was, and they can be repeated\ntoo many wait/);
  });
});

Deno.test("commands to a world that is paused are sent again where another coordinator has come since", async () => {
  const ids: (string | undefined)[] = [];
  await using harness = await openDeaf(
    (bus, message) => {
      ids.push(decodeMessage("EntityCommand", message).id);
      if (message.reply !== undefined) bus.publish(message.reply, answered.data, answered.options);
    },
    (count) => count < 2 ? { epoch: 1, running: false } : { epoch: 2 },
  );
  const result = await outlast(harness, connectClient(harness).command([spawn]));
  assertEquals([result?.tick_id, ids], [7, ["order-1", "order-1"]]);
});

Deno.test("commands to a world that is paused wait for its next tick", async () => {
  await using harness = await TickHarness.open({ systems: [] });
  await harness.control({ op: "pause" });
  assertEquals(await harness.pump(connectClient(harness).command([spawn])), undefined);
  await harness.control({ op: "resume" });
  await (await harness.start(1)).ran;
  assertEquals(harness.coordinator.entityCount, 1);
});
