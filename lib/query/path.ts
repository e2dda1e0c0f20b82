/**
 * Paths name what conditions and orders are about: `Entity`, a field such as
 * `Health.hp`, or one number of a vector such as `Velocity.linear.y`.
 *
 * @module
 */
import { ENTITY_NAME } from "../manifest/names.ts";
import { suggestion } from "../manifest/nearest.ts";
import { UserError } from "../user_error.ts";

/** What is known of a world's components: its schema, or what a schema's request is answered. */
export type Components = ReadonlyMap<string, {
  readonly fields: readonly {
    readonly name: string;
    readonly type: string;
    readonly unit?: string | undefined;
  }[];
}>;

/** How the values that a path leads to compare; `f32` as numbers of that precision. */
export type ValueKind = "f32" | "number" | "integer" | "bool" | "string" | "any";

export interface ValuePath {
  /** Undefined: the entity itself. */
  readonly component: string | undefined;
  readonly field: string;
  /** Place within a vector; 0 for what is none. */
  readonly lane: number;
  readonly kind: ValueKind;
}

/** A path that leads nowhere; `part` is the first of its parts that is wrong, from 0. */
export class PathError extends UserError {
  override readonly name: string = "PathError";

  constructor(message: string, readonly part: number) {
    super(message);
  }
}

const LANES: Readonly<Record<string, readonly string[]>> = {
  vec2: ["xy"],
  vec3: ["xyz", "rgb"],
  vec4: ["xyzw", "rgba"],
  quat: ["xyzw"],
  mat4: [],
};
const LANE_COUNTS: Readonly<Record<string, number>> = {
  vec2: 2,
  vec3: 3,
  vec4: 4,
  quat: 4,
  mat4: 16,
};
const ENTITY_PATH: ValuePath = { component: undefined, field: "", lane: 0, kind: "number" };

/** @throws {PathError} saying what is wrong with it, and what is near. */
export function resolvePath(components: Components, path: string): ValuePath {
  const [component, field, lane, ...rest] = path.split(".");
  if (component === ENTITY_NAME) {
    if (field !== undefined) throw new PathError(`"${ENTITY_NAME}" has no fields`, 1);
    return ENTITY_PATH;
  }
  const known = components.get(component);
  if (known === undefined) {
    const near = suggestion(component, components.keys());
    throw new PathError(`unknown component "${component}"${near}`, 0);
  }
  const names = known.fields.map(({ name }) => name);
  if (field === undefined) {
    const why = names.length === 0
      ? `"${component}" is a tag without values; select it with +${component}`
      : `"${component}" needs a field, such as ${component}.${names[0]}`;
    throw new PathError(why, 0);
  }
  const type = known.fields.find(({ name }) => name === field)?.type;
  if (type === undefined) {
    throw new PathError(`"${component}" has no field "${field}"${suggestion(field, names)}`, 1);
  }
  if (rest.length > 0) throw new PathError(`"${path}" has too many parts`, 3);
  return {
    component,
    field,
    lane: laneOf(`${component}.${field}`, type, lane),
    kind: kindOf(type),
  };
}

function laneOf(path: string, type: string, lane: string | undefined): number {
  const count = LANE_COUNTS[type];
  if (count === undefined) {
    if (type === "bytes") throw new PathError(`"${path}" is bytes, which do not compare`, 1);
    if (lane === undefined) return 0;
    throw new PathError(`"${path}" is of type ${type}, which has no "${lane}"`, 2);
  }
  const names = LANES[type] ?? [];
  const shown = names.length > 0
    ? [...names[0]].map((name) => `.${name}`).join(", ")
    : `.0 to .${count - 1}`;
  if (lane === undefined) {
    throw new PathError(`"${path}" is a ${type}: name one of its numbers, ${shown}`, 1);
  }
  const number = /^(0|[1-9]\d?)$/.test(lane) ? Number(lane) : -1;
  const place = Math.max(number, ...names.map((set) => lane.length === 1 ? set.indexOf(lane) : -1));
  if (place >= 0 && place < count) return place;
  throw new PathError(`"${path}" is a ${type}, which has no ".${lane}", only ${shown}`, 2);
}

function kindOf(type: string): ValueKind {
  if (type === "f32" || Object.hasOwn(LANE_COUNTS, type)) return "f32";
  if (type === "i64" || type === "u64") return "integer";
  if (type === "bool" || type === "string" || type === "any") return type;
  return "number";
}
