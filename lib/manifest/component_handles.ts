/**
 * Writes the TypeScript module that names a folder's components for scripts.
 *
 * @module
 */
import type { ComponentType, Field } from "../ecs/component.ts";
import { type Annotations, annotationText } from "./annotation.ts";
import type { Manifests } from "./manifest.ts";

const LINE_WIDTH = 100;

const HEADER = `// Generated from components.yaml by \`deno task types\`; do not edit.
import { component } from "orrery";
`;

/** The module's text, as `deno fmt` would have it. */
export function componentHandles({ schema, annotations }: Manifests): string {
  if (schema.size === 0) return HEADER.replace(/^import.*\n/m, "") + "export {};\n";
  const handles = [...schema.values()].map((component) => handle(component, annotations));
  return `${HEADER}\n${handles.join("\n")}`;
}

function handle({ name, fields }: ComponentType, annotations: Annotations): string {
  const doc = comment(annotationText(annotations.get(name)), "");
  const texts = fields.map((field) => annotationText(annotations.get(`${name}.${field.name}`)));
  const isDescribed = texts.some((text) => text !== undefined);
  const head = `export const ${name} = component("${name}", `;
  const line = `${head}${inlineLayout(fields)});`;
  if (!isDescribed && line.length <= LINE_WIDTH) return `${doc}${line}\n`;
  const lines = fields.map((field, i) => `${comment(texts[i], "  ")}  ${property(field)},\n`);
  return `${doc}${head}{\n${lines.join("")}});\n`;
}

function inlineLayout(fields: readonly Field[]): string {
  return fields.length === 0 ? "{}" : `{ ${fields.map(property).join(", ")} }`;
}

function property({ name, type }: Field): string {
  return `${name}: "${type}"`;
}

/** `text` as a doc comment, wrapped; empty where there is none. */
function comment(text: string | undefined, indent: string): string {
  const words = (text ?? "").replaceAll("*/", "*\\/").split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return "";
  const line = `${indent}/** ${words.join(" ")} */`;
  if (line.length <= LINE_WIDTH) return `${line}\n`;
  const prefix = `${indent} *`;
  const lines = [prefix];
  for (const word of words) {
    const last = lines.length - 1;
    const longer = `${lines[last]} ${word}`;
    if (longer.length <= LINE_WIDTH || lines[last] === prefix) lines[last] = longer;
    else lines.push(`${prefix} ${word}`);
  }
  return `${indent}/**\n${lines.join("\n")}\n${indent} */\n`;
}
