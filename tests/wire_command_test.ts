import { assertEquals, assertThrows } from "@std/assert";
import { encode, type ValueType } from "@std/msgpack";
import * as fc from "fast-check";
import type { Command } from "../lib/ecs/command.ts";
import { decodePayload } from "../lib/wire/codec.ts";
import { encodeFieldValue, parseCommands } from "../lib/wire/command.ts";
import type { WireCommand } from "../lib/wire/messages.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { commandBuffers, LINK, MASS, SCHEMA } from "./ecs_model.ts";
import { carried } from "./wire_table.ts";

function wireValue(value: Readonly<Record<string, unknown>>): Record<string, ValueType> {
  const fields = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(fields.map(([name, item]) => [name, encodeFieldValue(item as never)]));
}

/** A command of the core, as a message carries it. */
function wireCommand(command: Command): WireCommand {
  switch (command.op) {
    case "spawn": {
      const components = [...command.components].map(([component, value]) =>
        [component.name, wireValue(value)] as const
      );
      return { op: "spawn", components: Object.fromEntries(components) };
    }
    case "despawn":
      return { op: "despawn", entity: command.entity };
    case "remove":
      return { op: "remove", entity: command.entity, component: command.component.name };
    default: {
      const { op, entity, component, value } = command;
      return { op, entity, component: component.name, value: wireValue(value) };
    }
  }
}

function parseMessage(commands: readonly ValueType[]): Command[] {
  const { commands: decoded } = decodePayload("EntityCommand", encode({ commands }));
  return parseCommands(SCHEMA, decoded);
}

/** The only command, as a `set` of the component. */
function parseSet(component: string, value: Record<string, ValueType>): unknown {
  const [command] = parseMessage([{ op: "set", entity: 1, component, value }]);
  return command.op === "set" ? command.value : undefined;
}

Deno.test("parseCommands() gives back the commands that a message was made of", () => {
  fc.assert(fc.property(commandBuffers, (buffers) => {
    for (const buffer of buffers) {
      const wire = carried(buffer.map(wireCommand));
      const parsed = parseMessage(wire as unknown as ValueType[]);
      assertEquals(carried(parsed.map(wireCommand)), wire);
      assertEquals(parsed.map(({ op }) => op), buffer.map(({ op }) => op));
    }
  }));
});

Deno.test("parseCommands() takes references to entities of the same buffer, as entity and as field", () => {
  const [spawn, add] = parseMessage([
    { op: "spawn", components: { Link: { [LINK.fields[0].name]: -2 } } },
    { op: "add", entity: -1n, component: "Link", value: { [LINK.fields[0].name]: -1 } },
  ]);
  assertEquals(spawn.op === "spawn" && spawn.components.get(LINK), { [LINK.fields[0].name]: -2 });
  assertEquals(add.op === "add" && [add.entity, add.value], [-1, { [LINK.fields[0].name]: -1 }]);
});

Deno.test("parseCommands() takes vectors as lists, and integers in any width", () => {
  assertEquals(parseSet("Mass", { kg: 2n, drag: [1, 2n] }), { kg: 2, drag: [1, 2] });
});

Deno.test("parseCommands() refuses unknown components and fields, naming the command", () => {
  const cases: [Record<string, ValueType>, string][] = [
    [
      { op: "remove", entity: 1, component: "Mess" },
      `command 1 (remove): unknown component "Mess"`,
    ],
    [{ op: "spawn", components: { Mess: {} } }, `command 1 (spawn): unknown component "Mess"`],
    [{ op: "spawn", components: { Mass: { g: 1 } } }, `"Mass" has no field "g"`],
    [{ op: "add", entity: 1, component: "Flag", value: { x: 1 } }, `"Flag" has no field "x"`],
    [{ op: "set", entity: 1, component: "toString", value: {} }, `unknown component "toString"`],
  ];
  for (const [command, why] of cases) {
    const buffer = [{ op: "despawn", entity: 1 }, command];
    assertThrows(() => parseMessage(buffer), WireError, why);
  }
});

Deno.test("parseCommands() refuses values that the field does not take", () => {
  const link = LINK.fields[0].name;
  for (const drag of [1, [1], [1, 2, 3], [1, "2"], null]) {
    assertThrows(() => parseSet(MASS.name, { drag }), WireError, "Mass.drag");
  }
  for (const kg of ["1", [1], true]) {
    assertThrows(() => parseSet(MASS.name, { kg }), WireError, "Mass.kg");
  }
  for (const target of [0.5, 2n ** 53n, -(2n ** 63n), "1"]) {
    assertThrows(() => parseSet(LINK.name, { [link]: target }), WireError, `Link.${link}`);
  }
});

Deno.test("encodeFieldValue() makes lists of vectors and leaves bytes alone", () => {
  assertEquals(encodeFieldValue(Float32Array.of(1, 2, 3)), [1, 2, 3]);
  assertEquals(encodeFieldValue([1, 2]), [1, 2]);
  const bytes = Uint8Array.of(1, 2);
  assertEquals(encodeFieldValue(bytes), bytes);
  assertEquals(encodeFieldValue({ a: [null] }), { a: [null] });
});
