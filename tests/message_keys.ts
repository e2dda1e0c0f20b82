/**
 * The messages' schemas as rows of key, type and presence: the form in which
 * `docs/protocol.md` tabulates them.
 *
 * @module
 */
import * as z from "zod";
import { MESSAGES } from "../lib/wire/messages.ts";

/** Such as `["limit", "u32", "optional"]`; presence is "" for a key that must be there. */
export type KeyRow = readonly [key: string, type: string, presence: string];

const { TickStart, SystemSchedule, ComponentShard, TickAck, TickCommit } = MESSAGES;
const { SystemDescriptor, RegisterReply, Heartbeat, QueryRequest, QueryWatch, Event } = MESSAGES;

const chunk = SystemSchedule.shape.chunks.element;
const patch = valueOf(unwrap(chunk.shape.patches)) as z.ZodObject;
const command = ComponentShard.shape.commands.element;
const query = QueryRequest.shape.query;
const condition = unwrap(QueryRequest.shape.where) as z.ZodPipe;
const conditions = condition.out as z.ZodDiscriminatedUnion<z.ZodObject[]>;

/** A union of objects that `op` tells apart. */
type Variants = { readonly options: readonly z.ZodObject[] };

/** Schemas that the document has a name for. */
const NAMES = new Map<unknown, string>([
  [TickStart.shape.epoch, "u64"],
  [TickCommit.shape.digest, "bits64"],
  [TickAck.shape.shard, "u32"],
  [SystemDescriptor.shape.credits, "u32"],
  [TickStart.shape.dt, "f64"],
  [Heartbeat.shape.load, "f64"],
  [RegisterReply.shape.heartbeat_ms, "f64"],
  [TickAck.shape.system, "name"],
  [SystemDescriptor.shape.instance_id, "token"],
  [QueryWatch.shape.deliver, "subject"],
  [SystemDescriptor.shape.query, "text"],
  [unwrap(chunk.shape.entities), "bin"],
  [Event.shape.data, "any"],
  [valueOf(chunk.shape.columns), "Column"],
  [patch.shape.values, "Column"],
  [chunk, "Chunk"],
  [patch, "Patch"],
  [command, "Command"],
  [query, "Query"],
  [condition, "Condition"],
  [elementOf(valueIn(conditions, "of")), "Condition"],
  [valueIn(conditions, "value"), "scalar"],
  [valueIn(command, "entity"), "ref"],
  [valueIn(command, "components"), "map<map<any>>"],
  [valueIn(command, "value"), "map<any>"],
]);

/** The rows of every message and named structure, by name. */
export function allKeyRows(): Map<string, KeyRow[]> {
  const rows = new Map<string, KeyRow[]>([
    ["Chunk", keyRows(chunk)],
    ["Patch", keyRows(patch)],
    ["Command", variantRows(command)],
    ["Query", keyRows(query)],
    ["Condition", variantRows(conditions)],
  ]);
  for (const [name, schema] of Object.entries(MESSAGES)) rows.set(name, keyRows(schema));
  return rows;
}

function keyRows({ shape }: z.ZodObject, prefix = ""): KeyRow[] {
  return Object.entries(shape).flatMap(([key, schema]) => valueRows(schema, `${prefix}${key}`));
}

function valueRows(schema: unknown, key: string): KeyRow[] {
  const presence = schema instanceof z.ZodOptional ? "optional" : "";
  const value = unwrap(schema);
  const type = typeName(value);
  if (type !== undefined) return [[key, type, presence]];
  if (value instanceof z.ZodArray) return valueRows(value.element, `${key}[]`);
  if (value instanceof z.ZodRecord) return valueRows(valueOf(value), `${key}.<name>`);
  if (value instanceof z.ZodNullable) {
    return [[key, "{…} or nil", presence], ...valueRows(value.unwrap(), key)];
  }
  if (value instanceof z.ZodObject) return keyRows(value, `${key}.`);
  throw new TypeError(`Cannot describe the type of "${key}"`);
}

/** The document's name for a type; undefined for a structure that it spells out. */
function typeName(schema: unknown): string | undefined {
  const name = NAMES.get(schema);
  if (name !== undefined) return name;
  if (schema instanceof z.ZodBoolean) return "bool";
  if (schema instanceof z.ZodEnum) return schema.options.map((op) => `"${op}"`).join(", ");
  if (schema instanceof z.ZodArray) return suffixed(typeName(schema.element), (of) => `${of}[]`);
  if (schema instanceof z.ZodRecord) {
    return suffixed(typeName(valueOf(schema)), (of) => `map<${of}>`);
  }
  return undefined;
}

function suffixed(name: string | undefined, toName: (of: string) => string): string | undefined {
  return name === undefined ? undefined : toName(name);
}

/** The rows of a union of objects that `op` tells apart; presence says for which. */
function variantRows(union: Variants): KeyRow[] {
  const ops: string[] = [];
  const uses = new Map<string, { type: string; ops: string[] }>();
  for (const { shape } of union.options) {
    const { op, ...others } = shape;
    const own = opsOf(op);
    ops.push(...own);
    for (const [key, schema] of Object.entries(others)) {
      const use = uses.get(key) ?? { type: typeName(schema) ?? "", ops: [] };
      use.ops.push(...own);
      uses.set(key, use);
    }
  }
  const rows = [...uses].map(([key, use]): KeyRow => [key, use.type, presenceIn(ops, use.ops)]);
  return [["op", ops.map((op) => `"${op}"`).join(", "), ""], ...rows];
}

function opsOf(op: unknown): string[] {
  if (op instanceof z.ZodEnum) return op.options.map(String);
  return op instanceof z.ZodLiteral ? [...op.values].map(String) : [];
}

function presenceIn(all: readonly string[], used: readonly string[]): string {
  const others = all.filter((op) => !used.includes(op));
  return others.length === 1
    ? `all but \`${others[0]}\``
    : used.map((op) => `\`${op}\``).join(", ").replace(/^`([^`]*)`$/, "$1");
}

function unwrap(schema: unknown): unknown {
  return schema instanceof z.ZodOptional ? schema.unwrap() : schema;
}

function elementOf(schema: unknown): unknown {
  return schema instanceof z.ZodArray ? schema.element : undefined;
}

function valueOf(schema: unknown): unknown {
  return schema instanceof z.ZodRecord ? schema.valueType : undefined;
}

/** The schema of a key that some of the union's options have. */
function valueIn(union: Variants, key: string): unknown {
  return union.options.flatMap(({ shape }) => Object.entries(shape))
    .find(([name]) => name === key)?.[1];
}
