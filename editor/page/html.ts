/**
 * Markup in templates: `html` makes preact elements of them.
 *
 * @module
 */
import htm from "htm";
import { h, type VNode } from "preact";

/** The package's types have it as a module, which it is not when it is bundled. */
const template = htm as unknown as { bind(create: typeof h): typeof html };

export const html: (strings: TemplateStringsArray, ...values: unknown[]) => VNode = template.bind(
  h,
);

/** Class names of those that apply. */
export function classes(names: Readonly<Record<string, boolean | undefined>>): string {
  return Object.keys(names).filter((name) => names[name]).join(" ");
}
