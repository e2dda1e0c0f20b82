/**
 * Reads `components.yaml`: the layouts that every other manifest refers to.
 *
 * @module
 */
import {
  type ComponentType,
  componentType,
  createSchema,
  type Field,
  type Schema,
} from "../ecs/component.ts";
import { type FieldType, type FieldValue, isFieldType, zeroOf } from "../ecs/field_type.ts";
import { parseFieldValue } from "../ecs/field_value.ts";
import type { Annotation, Annotations } from "./annotation.ts";
import { COMPONENTS_MAX, FIELDS_MAX, NAME_LENGTH_MAX } from "./limits.ts";
import { COMPONENT_PATTERN, ENTITY_NAME, FIELD_PATTERN } from "./names.ts";
import { checkShape, type Lenient } from "./shape.ts";
import { componentsShape } from "./shapes.ts";
import type { YamlSource } from "./yaml_source.ts";
import type { z } from "zod";

/** What the components' file declares, as far as it is right. */
export interface Declarations {
  readonly schema: Schema;
  readonly annotations: Annotations;
  /** Components whose declaration is wrong somewhere, so that a field of theirs may be unknown. */
  readonly broken: ReadonlySet<string>;
  /** False when the file could not be read at all, so that any name may be right. */
  readonly isComplete: boolean;
}

/** What no unit counts; a rotation is shown in degrees, whatever its numbers are. */
const UNITLESS_TYPES: readonly FieldType[] = ["bool", "quat", "entity", "string", "bytes", "any"];

type ComponentShape = NonNullable<z.output<ReturnType<typeof componentsShape>>[string]>;
type FieldShape = Lenient<Exclude<ComponentShape[string], undefined>>;

/** The declarations of `source`; of a file that is not there, or not YAML, an incomplete set. */
export function parseComponents(source: YamlSource | undefined): Declarations {
  const reader = new ComponentReader();
  if (source) reader.read(source);
  return {
    schema: createSchema(reader.components),
    annotations: reader.annotations,
    broken: reader.broken,
    isComplete: source !== undefined,
  };
}

class ComponentReader {
  readonly components: ComponentType[] = [];
  readonly annotations = new Map<string, Annotation>();
  readonly broken = new Set<string>();

  read(source: YamlSource): void {
    const declared = source.value === null ? {} : checkShape(source, componentsShape()) ?? {};
    const names = Object.keys(declared);
    if (names.length > COMPONENTS_MAX) {
      source.report([], `${names.length} components, which is more than ${COMPONENTS_MAX}`);
      return;
    }
    for (const name of names) {
      if (isComponentName(source, name)) this.#readComponent(source, name, declared[name] ?? {});
      else this.broken.add(name);
    }
  }

  #readComponent(source: YamlSource, name: string, declared: Lenient<ComponentShape>): void {
    const { description, ...declaredFields } = declared;
    if (typeof description === "string") this.#describe(source, name, description);
    const entries = Object.entries(declaredFields);
    if (entries.length > FIELDS_MAX) {
      source.report([name], `${entries.length} fields, which is more than ${FIELDS_MAX}`, "key");
    }
    const fields: Field[] = [];
    for (const [fieldName, declaredField] of entries) {
      const field = this.#readField(source, [name, fieldName], declaredField);
      if (field) fields.push(field);
      else this.broken.add(name);
    }
    this.components.push(componentType(name, fields));
  }

  #describe(source: YamlSource, name: string, description: string): void {
    if (!isFieldType(description)) this.annotations.set(name, { description });
    else {
      source.report(
        [name, "description"],
        `"description" is text about the component, so no field can have that name`,
        "key",
      );
    }
  }

  #readField(
    source: YamlSource,
    path: readonly [component: string, field: string],
    declared: FieldShape | undefined,
  ): Field | undefined {
    const [, name] = path;
    if (!FIELD_PATTERN.test(name) || name.length > NAME_LENGTH_MAX) {
      source.report(path, `"${name}" is not a field name like maxSpeed or max_speed`, "key");
      return undefined;
    }
    const field = typeof declared === "string" ? { type: declared } : declared;
    if (field?.type === undefined) return undefined;
    const { type, unit, description } = field;
    this.#annotate(source, path, { type, unit, description });
    if (field.default === undefined) return { name, type, default: zeroOf(type) };
    const value = parseDefault(source, path, { type, value: field.default });
    return value === undefined ? undefined : { name, type, default: value };
  }

  #annotate(
    source: YamlSource,
    path: readonly [component: string, field: string],
    { type, unit, description }: {
      type: FieldType;
      unit: string | undefined;
      description: string | undefined;
    },
  ): void {
    if (unit !== undefined && UNITLESS_TYPES.includes(type)) {
      const message = `${type} has no unit, only numbers and vectors have`;
      return source.report([...path, "unit"], message, "key");
    }
    if (unit === undefined && description === undefined) return;
    this.annotations.set(path.join("."), {
      ...(description !== undefined && { description }),
      ...(unit !== undefined && { unit }),
    });
  }
}

function parseDefault(
  source: YamlSource,
  path: readonly string[],
  { type, value }: { type: FieldType; value: unknown },
): FieldValue | undefined {
  try {
    return parseFieldValue(type, value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    source.report([...path, "default"], error.message);
    return undefined;
  }
}

function isComponentName(source: YamlSource, name: string): boolean {
  if (name === ENTITY_NAME) {
    source.report([name], `"${ENTITY_NAME}" is reserved: it stands for a row's entity`, "key");
    return false;
  }
  if (COMPONENT_PATTERN.test(name) && name.length <= NAME_LENGTH_MAX) return true;
  source.report([name], `"${name}" is not a component name like Transform3D`, "key");
  return false;
}
