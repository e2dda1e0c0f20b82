import { assert, assertEquals, assertThrows } from "@std/assert";
import { encode, type ValueType } from "@std/msgpack";
import { createRandom } from "../lib/random.ts";
import { decodeMessage, decodePayload, encodeMessage } from "../lib/wire/codec.ts";
import { type MessageOf, MESSAGES, type MessageType } from "../lib/wire/messages.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { SAMPLES } from "./wire_samples.ts";

const TYPES = Object.keys(MESSAGES) as MessageType[];

/** The sample with some keys replaced, as bytes, whether it is right or not. */
function spoiled<T extends MessageType>(type: T, keys: Record<string, ValueType>): Uint8Array {
  return encode({ ...SAMPLES[type] as unknown as Record<string, ValueType>, ...keys });
}

function assertRefused(type: MessageType, keys: Record<string, ValueType>, why = ""): void {
  const error = assertThrows(() => decodePayload(type, spoiled(type, keys)), WireError, why);
  assert(error.message.startsWith(`Cannot decode ${type}: `), error.message);
}

/** The same with every integer as a bigint, which is encoded in 64 bits. */
function widened(value: ValueType): ValueType {
  if (typeof value === "number" && Number.isInteger(value)) return BigInt(value);
  if (Array.isArray(value)) return value.map(widened);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, widened(item)]));
}

for (const type of TYPES) {
  Deno.test(`decodeMessage() gives back what encodeMessage() made of a ${type}`, () => {
    const { data, options } = encodeMessage(type, SAMPLES[type]);
    const message = { subject: "s", data, headers: options.headers, noResponders: false };
    assertEquals(decodeMessage(type, message), SAMPLES[type]);
  });
}

Deno.test("decodePayload() takes integers in any width", () => {
  // What is in an event, or in a command's field, is not the codec's to narrow.
  const open = new Set<MessageType>(["ComponentShard", "EntityCommand", "TickCommit", "Event"]);
  for (const type of TYPES.filter((type) => !open.has(type))) {
    const wide = encode(widened(SAMPLES[type] as ValueType));
    assertEquals<unknown>(decodePayload(type, wide), SAMPLES[type], type);
  }
});

Deno.test("decodePayload() ignores unknown keys", () => {
  for (const type of TYPES) {
    const data = spoiled(type, { unknown_key: [1, { deep: null }] });
    assertEquals<unknown>(decodePayload(type, data), SAMPLES[type], type);
  }
});

Deno.test("decodePayload() refuses a message that lacks a key, and one whose key is nil", () => {
  for (const type of TYPES) {
    for (const key of Object.keys(SAMPLES[type])) {
      if (type === "Event" && key === "data") continue;
      assertRefused(type, { [key]: null });
      const { [key]: _, ...rest } = SAMPLES[type] as unknown as Record<string, ValueType>;
      const shape = MESSAGES[type].shape as Record<string, { isOptional(): boolean }>;
      if (shape[key].isOptional()) decodePayload(type, encode(rest));
      else assertThrows(() => decodePayload(type, encode(rest)), WireError, key);
    }
  }
});

Deno.test("decodeMessage() refuses a message without a msg-type, and with another one", () => {
  const { data } = encodeMessage("TickStart", SAMPLES.TickStart);
  for (const declared of [undefined, "", "tickstart", "TickAck"]) {
    const headers: Record<string, string> = declared === undefined ? {} : { "msg-type": declared };
    const message = { subject: "engine.coord.tick", data, headers, noResponders: false };
    assertThrows(() => decodeMessage("TickStart", message), WireError, "engine.coord.tick");
  }
});

Deno.test("encodeMessage() repeats in headers what a receiver can drop a message by", () => {
  const fields = { tick: 7, epoch: 1, shard: 0, attempt: 2, instance: "ai-1" };
  assertEquals(encodeMessage("TickAck", SAMPLES.TickAck, fields).options.headers, {
    "msg-type": "TickAck",
    "tick-id": "7",
    "epoch": "1",
    "shard": "0",
    "attempt": "2",
    "instance-id": "ai-1",
  });
  assertEquals(encodeMessage("TickAck", SAMPLES.TickAck).options.headers, {
    "msg-type": "TickAck",
  });
});

Deno.test("decodePayload() refuses integers out of range, naming the key", () => {
  for (const epoch of [-1, 0.5, 2n ** 53n, 2n ** 64n - 1n, -(2n ** 63n), NaN, "1"]) {
    assertRefused("TickStart", { epoch }, "epoch");
  }
  for (const shard of [-1, 0.5, 2 ** 32, 2n ** 32n]) assertRefused("TickAck", { shard }, "shard");
  for (const digest of [-1, -1n, 0.5]) assertRefused("TickCommit", { digest }, "digest");
  for (const entity of [2n ** 53n, 0.5]) {
    assertRefused("EntityCommand", { commands: [{ op: "despawn", entity }] }, "commands.0.entity");
  }
  assertRefused("ComponentSet", { parts: 0 }, "parts");
  assertRefused("SystemDescriptor", { credits: 0 }, "credits");
});

Deno.test("decodePayload() refuses numbers that are none, and durations that are not positive", () => {
  for (const dt of [NaN, Infinity, -Infinity]) assertRefused("TickStart", { dt }, "dt");
  assertRefused("Heartbeat", { load: -0.1 }, "load");
  assertRefused("Control", { hz: 0 }, "hz");
  assertRefused("QueryWatch", { lease_ms: -1 }, "lease_ms");
});

Deno.test("decodePayload() refuses names that are empty or too long, and texts that are too long", () => {
  for (const name of ["", "x".repeat(257), new Uint8Array(3)]) {
    assertRefused("SystemDescriptor", { name }, "name");
  }
  assertRefused("Refusal", { reason: "x".repeat(16_385) }, "reason");
  decodePayload("Refusal", encode({ reason: "x".repeat(16_384) }));
});

Deno.test("decodePayload() refuses subjects that nobody can publish to", () => {
  for (const deliver of ["a b", "a.*", ">", "a..b", ".a", "a.", "a\n"]) {
    assertRefused("QueryWatch", { deliver }, "deliver");
  }
  for (const instance_id of ["a.b", "*", "a b", "a\r\nPUB"]) {
    assertRefused("SystemDescriptor", { instance_id }, "instance_id");
  }
});

Deno.test("decodePayload() refuses columns that are neither bytes nor lists, and unknown commands", () => {
  const { columns: _, ...others } = SAMPLES.ComponentSet;
  for (const column of [1, "bytes", { 0: 1 }, null]) {
    const data = encode({ ...others, columns: { "Mass.value": column } } as ValueType);
    assertThrows(() => decodePayload("ComponentSet", data), WireError, "columns.Mass.value");
  }
  assertRefused("EntityCommand", { commands: [{ op: "explode", entity: 1 }] }, "commands.0.op");
  for (const components of [1, [], null, Uint8Array.of(1), { Mass: 1 }, { Mass: [] }]) {
    const commands = [{ op: "spawn", components }];
    assertRefused("EntityCommand", { commands }, "commands.0.components");
  }
  for (const value of [1, [], null, "a"]) {
    const commands = [{ op: "set", entity: 1, component: "Mass", value }];
    assertRefused("EntityCommand", { commands }, "commands.0.value");
  }
});

Deno.test("decodePayload() refuses what is not exactly one MessagePack value", () => {
  const good = encode({ known: true });
  const hugeArray = [0xdd, 0xff, 0xff, 0xff, 0xff];
  for (const bytes of [[], [0xc1], [...good, 0], good.slice(0, -1), hugeArray, [0x91]]) {
    assertThrows(() => decodePayload("HeartbeatReply", Uint8Array.from(bytes)), WireError);
  }
});

Deno.test("decodePayload() keeps ids and digests to the last bit", () => {
  for (const entity of [1, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
    for (const archetype of [0n, 1n, 2n ** 63n, 2n ** 64n - 1n]) {
      const value: MessageOf<"EntityCreated"> = { tick_id: 1, entity, archetype };
      assertEquals(
        decodePayload("EntityCreated", encodeMessage("EntityCreated", value).data),
        value,
      );
    }
  }
});

/** Overwrites, removes, repeats or inserts a few bytes. */
function mutate(data: Uint8Array, random: () => number): Uint8Array {
  const below = (limit: number) => Math.floor(random() * limit);
  const bytes = [...data];
  for (let edits = 1 + below(4); edits > 0; edits--) {
    const at = below(bytes.length);
    const length = 1 + below(4);
    const noise = Array.from({ length }, () => below(256));
    const kind = below(4);
    if (kind === 0) bytes.splice(at, length, ...noise.slice(0, bytes.length - at));
    else if (kind === 1) bytes.splice(at, length);
    else if (kind === 2) bytes.splice(at, 0, ...bytes.slice(at, at + length));
    else bytes.splice(at, 0, ...noise);
  }
  return Uint8Array.from(bytes);
}

Deno.test("decodePayload() answers mutated bytes of every message with a value or a WireError", () => {
  const mutationsPerType = 250;
  for (const [number, type] of TYPES.entries()) {
    const random = createRandom(number);
    const { data } = encodeMessage(type, SAMPLES[type]);
    let refused = 0;
    for (let i = 0; i < mutationsPerType; i++) {
      const mutated = mutate(data, random);
      try {
        decodePayload(type, mutated);
      } catch (error) {
        if (!(error instanceof WireError)) {
          throw new Error(`${type}, seed ${number}, mutation ${i}: ${mutated}`, { cause: error });
        }
        refused++;
      }
    }
    assert(refused > 0, `${type}: some mutations are refused`);
  }
});
