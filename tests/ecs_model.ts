/**
 * A world as simple as can be, to hold the real one against: a map of entities,
 * each a map of components. With it come a schema that has every field type and
 * fast-check arbitraries for values, commands and queries over it.
 *
 * @module
 */
import * as fc from "fast-check";
import type { Command } from "../lib/ecs/command.ts";
import {
  type ComponentType,
  componentType,
  type ComponentValue,
  createSchema,
  type Field,
} from "../lib/ecs/component.ts";
import type { Entity } from "../lib/ecs/entity.ts";
import type { Query } from "../lib/ecs/query.ts";
import { FIELD_TYPES, type FieldType, type FieldValue, zeroOf } from "../lib/ecs/field_type.ts";

function fieldsOf(...types: FieldType[]): Field[] {
  return types.map((type) => ({ name: `${type}_field`, type, default: zeroOf(type) }));
}

export const LINK = componentType("Link", fieldsOf("entity"));
export const MASS = componentType("Mass", [
  { name: "kg", type: "f32", default: 1 },
  { name: "drag", type: "vec2", default: [0.5, 0.25] },
]);
export const FLAG = componentType("Flag", []);
const STATIC = componentType("Static", []);
export const LISTS_COMPONENT = componentType("Lists", fieldsOf("string", "bytes", "any"));
const EVERY = componentType("Every", fieldsOf(...FIELD_TYPES));

/** Every field type is in one of these; two are tags. */
export const COMPONENTS: readonly ComponentType[] = [
  EVERY,
  LISTS_COMPONENT,
  LINK,
  MASS,
  FLAG,
  STATIC,
];
export const SCHEMA = createSchema(COMPONENTS);

/** Small enough that random entities are often alive, often dead, seldom never spawned. */
const ENTITY_MAX = 16;
const REFERENCE_MIN = -4;
const BUFFERS_MAX = 6;
const COMMANDS_MAX = 24;

const float32 = fc.float();
const entityReference = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: ENTITY_MAX }) },
  { weight: 1, arbitrary: fc.integer({ min: REFERENCE_MIN, max: -1 }) },
);

function float32s(length: number): fc.Arbitrary<number[]> {
  return fc.array(float32, { minLength: length, maxLength: length });
}

/** Values that a field gives back as they were set; `entity` ones may be references. */
const FIELD_VALUES: Readonly<Record<FieldType, fc.Arbitrary<FieldValue>>> = {
  f32: float32,
  f64: fc.double(),
  i8: fc.integer({ min: -(2 ** 7), max: 2 ** 7 - 1 }),
  i16: fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }),
  i32: fc.integer(),
  u8: fc.nat(2 ** 8 - 1),
  u16: fc.nat(2 ** 16 - 1),
  u32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  i64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  u64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  bool: fc.boolean(),
  vec2: float32s(2),
  vec3: float32s(3),
  vec4: float32s(4),
  quat: float32s(4),
  mat4: float32s(16),
  entity: entityReference,
  string: fc.string(),
  bytes: fc.uint8Array({ maxLength: 8 }),
  any: fc.jsonValue({ maxDepth: 2 }).filter((value) =>
    !JSON.stringify(value).includes("__proto__")
  ) as fc.Arbitrary<FieldValue>,
};

export function fieldValue(type: FieldType): fc.Arbitrary<FieldValue> {
  return FIELD_VALUES[type];
}

/** Some of the component's fields. */
function someFields({ fields }: ComponentType): fc.Arbitrary<ComponentValue> {
  const values = Object.fromEntries(fields.map(({ name, type }) => [name, fieldValue(type)]));
  return fc.record(values, { requiredKeys: [] }) as fc.Arbitrary<ComponentValue>;
}

/** Often the same few sets, so that tables get several rows. */
const someComponents = fc.oneof(
  fc.constantFrom([LISTS_COMPONENT, MASS], [LINK, MASS, FLAG], [EVERY]),
  fc.subarray([...COMPONENTS]),
);
const componentAndFields = fc.constantFrom(...COMPONENTS).chain((component) =>
  fc.tuple(fc.constant(component), someFields(component))
);

const spawn = someComponents.chain((components) =>
  fc.tuple(...components.map(someFields)).map((values): Command => ({
    op: "spawn",
    components: new Map(components.map((component, i) => [component, values[i]])),
  }))
);

const despawn = fc.record({ op: fc.constant("despawn" as const), entity: entityReference });
const addOrSet = fc.tuple(fc.constantFrom("add", "set"), entityReference, componentAndFields)
  .map(([op, entity, [component, value]]): Command => ({ op, entity, component, value }));
const remove = fc.record({
  op: fc.constant("remove" as const),
  entity: entityReference,
  component: fc.constantFrom(...COMPONENTS),
});

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: spawn },
  { weight: 1, arbitrary: despawn },
  { weight: 4, arbitrary: addOrSet },
  { weight: 2, arbitrary: remove },
);

/** The command buffers of successive ticks. */
export const commandBuffers: fc.Arbitrary<Command[][]> = fc.array(
  fc.array(command, { maxLength: COMMANDS_MAX, size: "max" }),
  { maxLength: BUFFERS_MAX, size: "max" },
);

/** Queries that read, write and filter by whole components, few enough to match at times. */
export const query: fc.Arbitrary<Query> = fc.record({
  entities: fc.boolean(),
  read: atMost(1).map((components) => components.map(wholly)),
  write: atMost(1).map((components) => components.map(wholly)),
  optional: atMost(2).map((components) => components.map(wholly)),
  with: atMost(1),
  without: atMost(2),
  changed: atMost(1),
});

function atMost(count: number): fc.Arbitrary<ComponentType[]> {
  return fc.subarray([...COMPONENTS], { maxLength: count });
}

function wholly(component: ComponentType) {
  return { component, fields: component.fields };
}

export interface ModelComponent {
  readonly value: Record<string, FieldValue>;
  /** The change tick in which it was last written. */
  changed: number;
}

export class ModelWorld {
  readonly entities = new Map<Entity, Map<ComponentType, ModelComponent>>();
  changeTick = 0;
  nextEntity: Entity = 1;

  /** Applies a buffer; `refused` has the places of the commands that had no effect. */
  apply(commands: readonly Command[]): { spawned: Entity[]; refused: number[] } {
    const spawned: Entity[] = [];
    const refused: number[] = [];
    for (const [index, command] of commands.entries()) {
      if (!this.#applyOne(command, spawned)) refused.push(index);
    }
    return { spawned, refused };
  }

  #applyOne(command: Command, spawned: Entity[]): boolean {
    if (command.op === "spawn") {
      const values = [...command.components].map(([component, value]) =>
        [component, resolved(component, value, spawned)] as const
      );
      const isPossible = values.every(([, value]) => value !== undefined);
      spawned.push(isPossible ? this.nextEntity++ : 0);
      if (!isPossible) return false;
      const components = new Map<ComponentType, ModelComponent>();
      for (const [component, value] of values) {
        components.set(component, this.#fresh(component, value));
      }
      this.entities.set(this.nextEntity - 1, components);
      return true;
    }
    const entity = command.entity < 0 ? spawned[-command.entity - 1] : command.entity;
    const components = this.entities.get(entity);
    if (components === undefined) return false;
    if (command.op === "despawn") return this.entities.delete(entity);
    const { op, component } = command;
    if (op === "remove") return components.delete(component);
    const value = resolved(component, command.value, spawned);
    const known = components.get(component);
    if (value === undefined || (op === "set" && !known)) return false;
    components.set(component, this.#fresh(component, { ...known?.value, ...value }));
    return true;
  }

  #fresh(component: ComponentType, value: ComponentValue = {}): ModelComponent {
    const defaults = component.fields.map((field) => [field.name, field.default]);
    return { value: { ...Object.fromEntries(defaults), ...value }, changed: this.changeTick };
  }
}

/** `value` with entities for references, or undefined when one stands for nothing. */
function resolved(
  component: ComponentType,
  value: ComponentValue,
  spawned: readonly Entity[],
): ComponentValue | undefined {
  const result = { ...value };
  for (const { name, type } of component.fields) {
    const reference = type === "entity" ? Number(result[name] ?? 0) : 0;
    if (reference >= 0) continue;
    const entity = spawned[-reference - 1];
    if (!entity) return undefined;
    result[name] = entity;
  }
  return result;
}
