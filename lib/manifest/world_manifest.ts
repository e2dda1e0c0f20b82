/**
 * Reads a world's manifest: the entities that a world starts with.
 *
 * @module
 */
import { z } from "zod";
import type { ComponentType, Field } from "../ecs/component.ts";
import type { FieldValue } from "../ecs/field_type.ts";
import { parseFieldValue } from "../ecs/field_value.ts";
import { createRandom } from "../random.ts";
import type { Declarations } from "./component_manifest.ts";
import { type Generator, isGenerator, parseGenerator } from "./generator.ts";
import { ENTITIES_MAX } from "./limits.ts";
import type { EntityComponents, EntityGroup, WorldManifest } from "./manifest.ts";
import { ENTITY_NAME } from "./names.ts";
import { suggestion } from "./nearest.ts";
import { checkShape, type Lenient, showValue } from "./shape.ts";
import { worldShape } from "./shapes.ts";
import type { Path, YamlSource } from "./yaml_source.ts";

const UNCHECKED_VALUES = z.record(
  z.string(),
  z.union([z.null(), z.record(z.string(), z.unknown())], "a map of field values"),
  "a map of components",
);
const SHAPE = worldShape(UNCHECKED_VALUES);

type WorldValues = Lenient<z.output<typeof SHAPE>>;
type Template = NonNullable<NonNullable<WorldValues["entities"]>[number]>;

/** An entity of the manifest, ready to be drawn `count` times. */
interface Spawner {
  readonly count: number;
  readonly components: readonly (readonly [name: string, fields: readonly FieldSource[]])[];
}

type FieldSource = readonly [name: string, generate: Generator];

/** The world in `source`, whose name must be `name`; what is wrong is reported and left out. */
export function parseWorld(
  source: YamlSource,
  { name, declarations }: { name: string; declarations: Declarations },
): WorldManifest {
  const values = checkShape(source, SHAPE) ?? {};
  if (values.world !== undefined && values.world !== name) {
    source.report(["world"], `"world" must be "${name}" as the file's name, not "${values.world}"`);
  }
  const templates = values.entities ?? [];
  const entityCount = templates.reduce((sum, template) => sum + (template?.count ?? 0), 0);
  if (entityCount > ENTITIES_MAX) {
    source.report(["entities"], `${entityCount} entities, which is more than ${ENTITIES_MAX}`);
  }
  const reader = new TemplateReader(source, declarations, numberNames(source, templates));
  const spawners = templates.map((template, index) => reader.read(template ?? {}, index));
  const seed = values.seed ?? 1;
  return {
    name,
    entities: () => spawn(spawners, seed),
    groups: groupsOf(spawners),
    file: source.file,
  };
}

function groupsOf(spawners: readonly Spawner[]): EntityGroup[] {
  return spawners.map(({ count, components }) => ({
    components: components.map(([name]) => name),
    count,
  }));
}

function* spawn(spawners: readonly Spawner[], seed: number): Iterable<EntityComponents> {
  const random = createRandom(seed);
  for (const { count, components } of spawners) {
    for (let i = 0; i < count; i++) {
      const entity: Record<string, Record<string, FieldValue>> = {};
      for (const [component, fields] of components) {
        const value: Record<string, FieldValue> = {};
        for (const [field, generate] of fields) value[field] = generate(random);
        entity[component] = value;
      }
      yield entity;
    }
  }
}

/** The entity that a template's name stands for; undefined where it spawns several. */
type NumberedNames = ReadonlyMap<string, number | undefined>;

/**
 * What each `@name` stands for. The coordinator allocates entities from 1
 * upwards, one by one as it spawns a manifest into an empty world; so the
 * entity of a template is known beforehand: it is the ordinal of its spawn.
 */
function numberNames(
  source: YamlSource,
  templates: readonly (Template | undefined)[],
): NumberedNames {
  const numbered = new Map<string, number | undefined>();
  let spawned = 0;
  for (const [index, template] of templates.entries()) {
    const { name, count = 1 } = template ?? {};
    if (name !== undefined && numbered.has(name)) {
      source.report(["entities", index, "name"], `the name "${name}" is taken above`);
    } else if (name !== undefined) {
      numbered.set(name, count === 1 ? spawned + 1 : undefined);
    }
    spawned += count;
  }
  return numbered;
}

class TemplateReader {
  readonly #source: YamlSource;
  readonly #declarations: Declarations;
  readonly #names: NumberedNames;

  constructor(source: YamlSource, declarations: Declarations, names: NumberedNames) {
    this.#source = source;
    this.#declarations = declarations;
    this.#names = names;
  }

  read({ count = 1, components = {} }: Template, index: number): Spawner {
    return {
      count,
      components: Object.entries(components).flatMap(([name, values]) => {
        const path = ["entities", index, "components", name];
        const component = this.#findComponent(name, path);
        if (!component) return [];
        return [[name, this.#readFields(component, values ?? {}, path)] as const];
      }),
    };
  }

  #findComponent(name: string, path: Path): ComponentType | undefined {
    const { schema, broken, isComplete } = this.#declarations;
    const component = schema.get(name);
    if (!component && isComplete && !broken.has(name)) {
      const hint = name === ENTITY_NAME ? "" : suggestion(name, schema.keys());
      this.#source.report(path, `unknown component "${name}"${hint}`, "key");
    }
    return component;
  }

  #readFields(
    component: ComponentType,
    values: Readonly<Record<string, unknown>>,
    path: Path,
  ): FieldSource[] {
    return Object.entries(values).flatMap(([name, value]) => {
      const fieldPath = [...path, name];
      const field = component.fields.find((field) => field.name === name);
      if (!field) {
        this.#reportUnknown(component, name, fieldPath);
        return [];
      }
      try {
        return [[name, this.#parseValue(field, value)] as const];
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        this.#source.report(fieldPath, error.message);
        return [];
      }
    });
  }

  #reportUnknown(component: ComponentType, name: string, path: Path): void {
    if (this.#declarations.broken.has(component.name)) return;
    const names = component.fields.map((field) => field.name);
    const hint = names.length === 0 ? ", which is a tag" : suggestion(name, names);
    this.#source.report(path, `unknown field "${name}" of "${component.name}"${hint}`, "key");
  }

  #parseValue({ type }: Field, value: unknown): Generator {
    if (isGenerator(type, value)) return parseGenerator(type, value);
    const constant = type === "entity" ? this.#findEntity(value) : parseFieldValue(type, value);
    return () => constant;
  }

  #findEntity(value: unknown): number {
    if (typeof value !== "string" || !value.startsWith("@")) {
      throw new TypeError(`entity takes the @name of an entity, not ${showValue(value)}`);
    }
    const name = value.slice(1);
    const entity = this.#names.get(name);
    if (entity !== undefined) return entity;
    if (this.#names.has(name)) {
      throw new TypeError(`"${value}" stands for several entities: its count must be 1`);
    }
    const names = [...this.#names.keys()].map((name) => `@${name}`);
    throw new TypeError(`unknown entity "${value}"${suggestion(value, names)}`);
  }
}
