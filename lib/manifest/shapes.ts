/**
 * The shapes of the three kinds of manifest. Parsing checks them with any names;
 * the JSON Schemas are made from them with a folder's own names.
 *
 * @module
 */
import { z } from "zod";
import { FIELD_TYPES } from "../ecs/field_type.ts";
import {
  BROADCASTS_MAX,
  DESCRIPTION_LENGTH_MAX,
  ENTITIES_MAX,
  INSTANCES_MAX,
  UNIT_LENGTH_MAX,
} from "./limits.ts";
import { entityName, fieldName, type Names, subject, systemName } from "./names.ts";

const TEXT_TAKEN = `text of at most ${DESCRIPTION_LENGTH_MAX} characters`;
const text = z.string(TEXT_TAKEN).max(DESCRIPTION_LENGTH_MAX, TEXT_TAKEN).optional();

const UNIT_TAKEN = `text like m/s of at most ${UNIT_LENGTH_MAX} characters, without spaces`;
/** What can be printed and is no white space. */
const UNIT_PATTERN = /^[^\s\p{C}]+$/u;
const unit = z.string(UNIT_TAKEN).regex(UNIT_PATTERN, UNIT_TAKEN).max(UNIT_LENGTH_MAX, UNIT_TAKEN);

/** `components.yaml`. Names and defaults are checked where the layouts are made. */
export function componentsShape() {
  const type = z.enum(FIELD_TYPES, "a field type");
  const field = z.union([
    type,
    z.strictObject({
      type: type.describe("How the field is stored and carried."),
      default: z.unknown().optional().describe("Its value where none is given."),
      unit: unit.optional().describe("What its numbers count, such as m/s."),
      description: text,
    }, "a field type or a map"),
  ], "a field type or { type, default, unit, description }");
  const component = z.union([
    z.null(),
    z.object({ description: text }, "a map of fields").catchall(field),
  ], "a map of fields");
  return z.record(z.string(), component, "a map of components");
}

function list(item: z.ZodType<string>, of: string) {
  return z.array(item, `a list of ${of}`).default([]);
}

const ACCESSES = "components or their fields, like [Velocity.linear]";
const COMPONENTS = "components, like [Boid]";

/** What a query says, and a broadcast within its fewer keys. */
function queryShapes(names: Names) {
  const read = list(names.readable, ACCESSES).describe(
    "What is read; `Entity` asks for the rows' entities.",
  );
  const having = list(names.component, COMPONENTS).describe("Only rows that have these.");
  const without = list(names.component, COMPONENTS).describe("Only rows that have none of these.");
  const query = z.strictObject({
    read,
    write: list(names.access, ACCESSES).describe("What is read and written."),
    optional: list(names.access, ACCESSES).describe("What is read where a row has it."),
    with: having,
    without,
    changed: list(names.component, COMPONENTS)
      .describe("Only rows in which one of these changed since the system last ran."),
  }, "a map of lists");
  const broadcast = z.strictObject({ read, with: having, without }, "a map of lists");
  return { query, broadcast };
}

/** A system's manifest. */
export function systemShape(names: Names) {
  const { query, broadcast } = queryShapes(names);
  const instances = `an integer from 1 to ${INSTANCES_MAX}`;
  return z.strictObject({
    system: systemName.describe("The file's name without .yaml."),
    description: text,
    queue: subject.optional().describe("NATS queue group of the instances."),
    query: query.describe("The rows that the system runs over, and what it does to them."),
    broadcast: z.record(fieldName, broadcast, "a map of queries").default({}).describe(
      `Whole result sets that every instance is given, read-only; at most ${BROADCASTS_MAX}.`,
    ),
    after: list(names.system, "systems").describe("Systems that run earlier in a tick."),
    before: list(names.system, "systems").describe("Systems that run later in a tick."),
    deadline: z.string(DURATION_TAKEN).regex(DURATION_PATTERN, DURATION_TAKEN).default("1s")
      .describe("Time that one attempt at a shard is given."),
    on_miss: z.enum(["skip", "hold"], `"skip" or "hold"`).default("skip").describe(
      "What a tick does about a system that no instance can run: go on without it, or wait.",
    ),
    instances: z.int(instances).min(1, instances).max(INSTANCES_MAX, instances).default(1)
      .describe("Instances that the demo starts."),
    script: z.string("a path").min(1, "a path").optional().describe(
      "Path of the script from the manifest; default ../systems/<system>.ts.",
    ),
  }, "a map");
}

export const DURATION_TAKEN = "a duration like 50ms or 1.5s";
export const DURATION_PATTERN = /^(\d{1,9}(?:\.\d{1,9})?)(ms|s)$/;

/** A world's manifest, in which `values` is the shape of an entity's components. */
export function worldShape<V extends z.ZodType>(values: V) {
  const count = `an integer from 1 to ${ENTITIES_MAX}`;
  const template = z.strictObject({
    name: entityName.optional().describe("By which `entity` fields refer to it, as @name."),
    count: z.int(count).min(1, count).max(ENTITIES_MAX, count).default(1)
      .describe("How many of these are spawned."),
    components: values,
  }, "a map");
  return z.strictObject({
    world: systemName.describe("The file's name without .yaml."),
    description: text,
    seed: z.int("an integer").default(1).describe("Of the random values."),
    entities: z.array(template, "a list of entities").describe("In the order of spawning."),
  }, "a map");
}
