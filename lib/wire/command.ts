/**
 * Commands between messages, which name components and fields, and the core,
 * which has them resolved.
 *
 * @module
 */
import type { Command } from "../ecs/command.ts";
import type { ComponentType, ComponentValue, Field, Schema } from "../ecs/component.ts";
import type { FieldValue } from "../ecs/field_type.ts";
import { parseFieldValue } from "../ecs/field_value.ts";
import type { ValueType } from "@std/msgpack";
import { errorMessage } from "../error_message.ts";
import type { WireCommand } from "./messages.ts";
import { WireError } from "./wire_error.ts";

/**
 * Resolves commands against the schema and checks every value.
 * @throws {WireError} naming the command, component and field that are wrong.
 */
export function parseCommands(schema: Schema, commands: readonly WireCommand[]): Command[] {
  return commands.map((command, index) => {
    try {
      return parseCommand(schema, command);
    } catch (cause) {
      const why = errorMessage(cause);
      throw new WireError(`Cannot take command ${index} (${command.op}): ${why}`, { cause });
    }
  });
}

function parseCommand(schema: Schema, command: WireCommand): Command {
  switch (command.op) {
    case "spawn": {
      const components = new Map<ComponentType, ComponentValue>();
      for (const name of Object.keys(command.components)) {
        const component = componentNamed(schema, name);
        components.set(component, parseValue(component, command.components[name]));
      }
      return { op: "spawn", components };
    }
    case "despawn":
      return command;
    case "remove":
      return { ...command, component: componentNamed(schema, command.component) };
    default: {
      const component = componentNamed(schema, command.component);
      return { ...command, component, value: parseValue(component, command.value) };
    }
  }
}

function componentNamed(schema: Schema, name: string): ComponentType {
  const component = schema.get(name);
  if (component === undefined) throw new WireError(`unknown component "${name}"`);
  return component;
}

/** `value` as it is, or a copy where a field is another in memory than on the wire. */
function parseValue(component: ComponentType, value: Record<string, ValueType>): ComponentValue {
  let parsed: Record<string, FieldValue> | undefined;
  for (const name of Object.keys(value)) {
    const field = component.fields.find((field) => field.name === name);
    if (field === undefined) throw new WireError(`"${component.name}" has no field "${name}"`);
    const item = parseField(component, field, value[name]);
    if (item === value[name]) continue;
    parsed ??= { ...value };
    parsed[name] = item;
  }
  return parsed ?? value;
}

function parseField(component: ComponentType, field: Field, value: ValueType): FieldValue {
  const isReference = field.type === "entity" && Number.isSafeInteger(value) && Number(value) < 0;
  if (isReference) return value as number;
  try {
    return parseFieldValue(field.type, value);
  } catch (cause) {
    const why = errorMessage(cause);
    throw new WireError(`${component.name}.${field.name}: ${why}`, { cause });
  }
}

/** A field value as MessagePack takes it; vectors become plain lists. */
export function encodeFieldValue(value: FieldValue): ValueType {
  const isVector = typeof value === "object" && value !== null && !(value instanceof Uint8Array) &&
    ArrayBuffer.isView(value);
  return isVector ? Array.from(value as ArrayLike<number>) : value as ValueType;
}
