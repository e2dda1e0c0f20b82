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
import { COMPONENTS_MAX, FIELDS_MAX, NAME_LENGTH_MAX } from "./limits.ts";
import { COMPONENT_PATTERN, ENTITY_NAME, FIELD_PATTERN } from "./names.ts";
import { checkShape, type Lenient } from "./shape.ts";
import { componentsShape } from "./shapes.ts";
import type { YamlSource } from "./yaml_source.ts";
import type { z } from "zod";

/** What the components' file declares, as far as it is right. */
export interface Declarations {
  readonly schema: Schema;
  /** By component (`Mesh`) or field (`Mesh.extent`). */
  readonly descriptions: ReadonlyMap<string, string>;
  /** Components whose declaration is wrong somewhere, so that a field of theirs may be unknown. */
  readonly broken: ReadonlySet<string>;
  /** False when the file could not be read at all, so that any name may be right. */
  readonly isComplete: boolean;
}

type ComponentShape = NonNullable<z.output<ReturnType<typeof componentsShape>>[string]>;
type FieldShape = Lenient<Exclude<ComponentShape[string], undefined>>;

/** The declarations of `source`; of a file that is not there, or not YAML, an incomplete set. */
export function parseComponents(source: YamlSource | undefined): Declarations {
  const reader = new ComponentReader();
  if (source) reader.read(source);
  return {
    schema: createSchema(reader.components),
    descriptions: reader.descriptions,
    broken: reader.broken,
    isComplete: source !== undefined,
  };
}

class ComponentReader {
  readonly components: ComponentType[] = [];
  readonly descriptions = new Map<string, string>();
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
    if (!isFieldType(description)) this.descriptions.set(name, description);
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
    const [component, name] = path;
    if (!FIELD_PATTERN.test(name) || name.length > NAME_LENGTH_MAX) {
      source.report(path, `"${name}" is not a field name like maxSpeed or max_speed`, "key");
      return undefined;
    }
    const field = typeof declared === "string" ? { type: declared } : declared;
    if (field?.type === undefined) return undefined;
    if (field.description !== undefined) {
      this.descriptions.set(`${component}.${name}`, field.description);
    }
    if (field.default === undefined) return { name, type: field.type, default: zeroOf(field.type) };
    const value = parseDefault(source, path, { type: field.type, value: field.default });
    return value === undefined ? undefined : { name, type: field.type, default: value };
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
