/**
 * How the names in manifests are written.
 *
 * @module
 */
import { z } from "zod";
import { NAME_LENGTH_MAX } from "./limits.ts";

/** Asks for the rows' entities in a query's `read`; no component can have this name. */
export const ENTITY_NAME = "Entity";

export const COMPONENT_PATTERN = /^[A-Z][A-Za-z0-9]*$/;
/** Names that every JavaScript object has are left out: a value without the field would seem to have it. */
export const FIELD_PATTERN =
  /^(?!(?:constructor|hasOwnProperty|isPrototypeOf|propertyIsEnumerable|toLocaleString|toString|valueOf)$)[a-z][A-Za-z0-9_]*$/;
/** Of systems and worlds, which are also file names and subject tokens. */
export const SYSTEM_PATTERN = /^[a-z][a-z0-9_]*$/;
const ENTITY_PATTERN = /^[A-Za-z_][A-Za-z0-9_]*$/;
const SUBJECT_PATTERN = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

export const systemName = nameShape(SYSTEM_PATTERN, "a name like move_boids");
export const fieldName = nameShape(FIELD_PATTERN, "a name like maxSpeed or max_speed");
export const entityName = nameShape(ENTITY_PATTERN, "a name like camera_1");
export const subject = nameShape(SUBJECT_PATTERN, "NATS tokens like q.physics");

function nameShape(pattern: RegExp, like: string): z.ZodString {
  const taken = `${like} of at most ${NAME_LENGTH_MAX} characters`;
  return z.string(taken).regex(pattern, taken).max(NAME_LENGTH_MAX, taken);
}

/** What a name in a manifest may be, where other files declare it. */
export interface Names {
  readonly component: z.ZodType<string>;
  /** `Component` or `Component.field`. */
  readonly access: z.ZodType<string>;
  /** The same, or `Entity`. */
  readonly readable: z.ZodType<string>;
  readonly system: z.ZodType<string>;
}

/** Any text: for parsing, which looks the names up later to say what is near. */
export const UNCHECKED_NAMES: Names = {
  component: z.string("components"),
  access: z.string("components or their fields, like Velocity.linear"),
  readable: z.string("components or their fields, like Velocity.linear"),
  system: z.string("names of systems"),
};
