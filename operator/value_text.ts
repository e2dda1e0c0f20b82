/**
 * Component values as people type them: `Health.hp=3`, `Velocity.linear=1,2,3`,
 * `Label.text=ship`, `Boid`, or `Label={"text":"ship"}`.
 *
 * @module
 */
import type { ValueType } from "@std/msgpack";
import { isFieldType } from "../lib/ecs/field_type.ts";
import { parseFieldValue } from "../lib/ecs/field_value.ts";
import { errorMessage } from "../lib/error_message.ts";
import { suggestion } from "../lib/manifest/nearest.ts";
import type { Components } from "../lib/query/path.ts";
import { UserError } from "../lib/user_error.ts";

/** Field values by component; one without any takes its defaults. */
export type ComponentValues = Readonly<Record<string, Readonly<Record<string, ValueType>>>>;

/**
 * @param words such as `Boid`, `Health.hp=3`, or `Health={"hp":3}`
 * @throws {UserError} naming the word, what is wrong, and what is near.
 */
export function parseValues(words: readonly string[], components: Components): ComponentValues {
  const values: Record<string, Record<string, ValueType>> = {};
  for (const word of words) {
    try {
      const { component, fields } = parseWord(word, components);
      values[component] = { ...values[component], ...fields };
    } catch (cause) {
      if (!(cause instanceof UserError)) throw cause;
      throw new UserError(`Cannot take "${word}": ${cause.message}`, { cause });
    }
  }
  return values;
}

interface ParsedWord {
  readonly component: string;
  readonly fields: Readonly<Record<string, ValueType>>;
}

function parseWord(word: string, components: Components): ParsedWord {
  const equals = word.indexOf("=");
  const path = equals < 0 ? word : word.slice(0, equals);
  const [component, field, ...rest] = path.split(".");
  const known = components.get(component);
  if (known === undefined) {
    throw new UserError(
      `unknown component "${component}"${suggestion(component, components.keys())}`,
    );
  }
  if (rest.length > 0) {
    throw new UserError(`it sets a field as a whole: ${component}.${field}=…`);
  }
  if (equals < 0 && field !== undefined) {
    throw new UserError(`a field takes a value: ${component}.${field}=…`);
  }
  if (equals < 0) return { component, fields: {} };
  const text = word.slice(equals + 1);
  if (field !== undefined) return { component, fields: { [field]: valueOf(known, field, text) } };
  return { component, fields: parseWhole(text) };
}

type Component = NonNullable<ReturnType<Components["get"]>>;

/** Fields of a component as one JSON object, which the coordinator checks. */
function parseWhole(text: string): Record<string, ValueType> {
  const value = parseJson(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, ValueType>;
  }
  throw new UserError('a component takes an object of its fields, such as {"hp":3}');
}

function valueOf({ fields }: Component, name: string, text: string): ValueType {
  const names = fields.map((field) => field.name);
  const type = fields.find((field) => field.name === name)?.type;
  if (type === undefined || !isFieldType(type)) {
    throw new UserError(`there is no field "${name}"${suggestion(name, names)}`);
  }
  const value = literalOf(type, text);
  try {
    parseFieldValue(type, value);
  } catch (cause) {
    const why = errorMessage(cause);
    throw new UserError(why, { cause });
  }
  return value;
}

function literalOf(type: string, text: string): ValueType {
  if (type === "string") return text.startsWith('"') ? parseJson(text) : text;
  if (type === "any") return parseJson(text);
  if (type === "bytes") return bytesOf(text);
  if (type === "i64" || type === "u64") {
    if (/^-?\d+$/.test(text)) return BigInt(text);
    throw new UserError(`it takes an integer`);
  }
  if (type === "bool") {
    if (text === "true" || text === "false") return text === "true";
    throw new UserError("it takes true or false");
  }
  const isVector = /^(vec|quat|mat)/.test(type);
  const numbers = text.replace(/^\[(.*)\]$/s, "$1").split(",").map(numberOf);
  if (isVector) return numbers;
  if (numbers.length === 1) return numbers[0];
  throw new UserError(`it takes one number, not ${numbers.length}`);
}

function numberOf(text: string): number {
  const value = text.trim() === "" ? NaN : Number(text);
  if (Number.isFinite(value)) return value;
  throw new UserError(`"${text.trim()}" is no number`);
}

function bytesOf(text: string): Uint8Array {
  if (/^([0-9a-fA-F]{2})*$/.test(text)) return Uint8Array.fromHex(text);
  throw new UserError("it takes bytes in hex, such as 00ff");
}

function parseJson(text: string): ValueType {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UserError(`${text} is no JSON`, { cause });
  }
}
