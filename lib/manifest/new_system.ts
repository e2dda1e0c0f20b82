/**
 * Writes the texts of a new system: a manifest and a script that run as they
 * are, over what the folder's components offer.
 *
 * @module
 */
import { dirname, relative } from "node:path";
import type { ComponentType, Field, Schema } from "../ecs/component.ts";
import type { FieldType } from "../ecs/field_type.ts";
import { requiredComponents } from "../ecs/query.ts";
import { UserError } from "../user_error.ts";
import { schemaLine } from "./generated_files.ts";
import type { Manifests } from "./manifest.ts";
import { COMPONENTS_FILE } from "./manifests.ts";
import { ENTITY_NAME, systemName } from "./names.ts";

export interface NewSystem {
  readonly manifest: string;
  readonly script: string;
}

/**
 * A manifest and a script for the system `name`, whose script is at the absolute path `script`.
 *
 * @throws {UserError} when no system can have this name, or one has it.
 */
export function newSystem(
  manifests: Manifests,
  { name, script }: { name: string; script: string },
): NewSystem {
  checkName(manifests, name);
  const template = chooseTemplate(manifests.schema);
  const module = relative(dirname(script), `${manifests.folder}/components.ts`);
  return {
    manifest: manifestText(name, template, conflicting(manifests, template.components)),
    script: scriptText(template, module.startsWith(".") ? module : `./${module}`),
  };
}

function checkName(manifests: Manifests, name: string): void {
  const file = `${name}.yaml`;
  if (!systemName.safeParse(name).success || file === COMPONENTS_FILE) {
    throw new UserError(`Cannot name a system "${name}": it takes a name like move_boids`);
  }
  if (manifests.systems.some((system) => system.name === name)) {
    throw new UserError(`Cannot make the system "${name}" anew: ${file} is there already`);
  }
}

/** What a new system does. */
interface Template {
  readonly description: string;
  /** Lines of the manifest's query. */
  readonly query: readonly string[];
  /** Components whose columns are accessed. */
  readonly components: readonly ComponentType[];
  /** What the script's function takes apart. */
  readonly parameters: string;
  readonly body: readonly string[];
}

function chooseTemplate(schema: Schema): Template {
  return motionTemplate(schema) ?? fieldTemplate(schema) ?? rowsTemplate(schema);
}

function motionTemplate(schema: Schema): Template | undefined {
  const [place, motion] = [schema.get("Transform3D"), schema.get("Velocity")];
  const isMovable = place?.fields.some(isVec3("translation")) &&
    motion?.fields.some(isVec3("linear"));
  if (!place || !motion || !isMovable) return undefined;
  return {
    description: "Moves everything by its velocity.",
    query: ["read: [Velocity.linear]", "write: [Transform3D.translation]"],
    components: [place, motion],
    parameters: "{ rows, dt }",
    body: [
      "const { translation } = rows.write(Transform3D);",
      "const { linear } = rows.read(Velocity);",
      "for (let i = 0; i < translation.length; i++) translation[i] += linear[i] * dt;",
    ],
  };
}

function isVec3(name: string): (field: Field) => boolean {
  return (field) => field.name === name && field.type === "vec3";
}

/** What is added to an element of a field in each tick, for the types that are numbers. */
const STEPS: Partial<Record<FieldType, string>> = {
  vec3: "dt",
  vec2: "dt",
  vec4: "dt",
  f32: "dt",
  f64: "dt",
  i32: "1",
  u32: "1",
  i16: "1",
  u16: "1",
  i8: "1",
  u8: "1",
  i64: "1n",
  u64: "1n",
};

/** Counts a numeric field up; vectors are preferred. */
function fieldTemplate(schema: Schema): Template | undefined {
  for (const [type, step] of Object.entries(STEPS)) {
    for (const component of schema.values()) {
      const field = component.fields.find((field) => field.type === type);
      if (!field) continue;
      return {
        description: `Counts ${component.name}.${field.name} up.`,
        query: [`write: [${component.name}.${field.name}]`],
        components: [component],
        parameters: step === "dt" ? "{ rows, dt }" : "{ rows }",
        body: [
          `const { ${field.name}: values } = rows.write(${component.name});`,
          `for (let i = 0; i < values.length; i++) values[i] += ${step};`,
        ],
      };
    }
  }
  return undefined;
}

/** Goes through the rows of the first component, or of all entities where there is none. */
function rowsTemplate(schema: Schema): Template {
  const [component] = schema.values();
  const query = component ? `with: [${component.name}]` : `read: [${ENTITY_NAME}]`;
  return {
    description: "Goes through its rows.",
    query: [query],
    components: [],
    parameters: "{ rows }",
    body: [
      "for (let row = 0; row < rows.count; row++) {",
      "  // What the system does with one row goes here.",
      "}",
    ],
  };
}

/** Systems that access these components, so that a new one states its order to them. */
function conflicting({ systems }: Manifests, components: readonly ComponentType[]): string[] {
  return systems.filter(({ query, broadcast }) =>
    [query, ...broadcast.values()].some((query) =>
      [...requiredComponents(query), ...query.optional.map((access) => access.component)]
        .some((component) => components.includes(component))
    )
  ).map((system) => system.name);
}

function manifestText(name: string, template: Template, after: readonly string[]): string {
  const lines = [
    schemaLine(`${name}.yaml`),
    `system: ${name}`,
    `description: ${template.description}`,
    "query:",
    ...template.query.map((line) => `  ${line}`),
    ...(after.length > 0 ? ["after:", ...after.map((system) => `  - ${system}`)] : []),
  ];
  return `${lines.join("\n")}\n`;
}

function scriptText({ components, parameters, body }: Template, module: string): string {
  const handles = components.map((component) => component.name).join(", ");
  const lines = [
    `import { defineSystem } from "orrery";`,
    ...(handles ? [`import { ${handles} } from "${module}";`] : []),
    "",
    `export default defineSystem(import.meta, (${parameters}) => {`,
    ...body.map((line) => `  ${line}`),
    "});",
  ];
  return `${lines.join("\n")}\n`;
}
