/**
 * The plain value that a YAML node stands for, within bounds: aliases can make
 * a short text stand for an endless value.
 *
 * @module
 */
import { type Alias, isAlias, isMap, isScalar, isSeq, type Node, type YAMLMap } from "yaml";
import { ALIASES_MAX, NESTING_MAX, VALUES_MAX } from "./limits.ts";

/** The node that an alias stands for. */
export type Aliases = (alias: Alias) => Node | undefined;

/** Says at which offset of the text something is wrong. */
export class YamlValueError extends Error {
  override readonly name = "YamlValueError";
  readonly offset: number;

  constructor(node: Node, message: string) {
    super(message);
    this.offset = node.range?.[0] ?? 0;
  }
}

/**
 * Maps become objects, lists arrays; an integer is a bigint only where a number
 * could not hold it exactly.
 *
 * @throws {YamlValueError} for an unknown alias, a key that is not text, and
 * past the bounds of nesting and size.
 */
export function yamlValue(root: Node, aliases: Aliases): unknown {
  let count = 0;
  let aliasCount = 0;

  function valueOf(node: Node | null, depth: number): unknown {
    if (node === null) return null;
    if (++count > VALUES_MAX) throw new YamlValueError(node, `more than ${VALUES_MAX} values`);
    if (depth > NESTING_MAX) {
      throw new YamlValueError(node, `nested deeper than ${NESTING_MAX} levels`);
    }
    if (isAlias(node)) return valueOf(targetOf(node), depth + 1);
    if (isScalar(node)) return plain(node.value);
    if (isSeq<Node>(node)) return node.items.map((item) => valueOf(item, depth + 1));
    if (isMap<Node, Node>(node)) return objectOf(node, depth);
    throw new YamlValueError(node, "neither a value, nor a list, nor a map");
  }

  function objectOf(map: YAMLMap<Node, Node>, depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    for (const { key, value } of map.items) {
      object[keyOf(key ?? map)] = valueOf(value, depth + 1);
    }
    return object;
  }

  function targetOf(alias: Alias): Node {
    if (++aliasCount > ALIASES_MAX) {
      throw new YamlValueError(alias, `more than ${ALIASES_MAX} aliases`);
    }
    const target = aliases(alias);
    if (!target) throw new YamlValueError(alias, `nothing is anchored as "${alias.source}" above`);
    return target;
  }

  return valueOf(root, 0);
}

function keyOf(node: Node): string {
  if (!isScalar(node)) throw new YamlValueError(node, "a key must be text");
  const key = String(node.value);
  if (key === "__proto__") throw new YamlValueError(node, `a key cannot be "__proto__"`);
  return key;
}

function plain(value: unknown): unknown {
  const isSafe = typeof value === "bigint" && Number.isSafeInteger(Number(value));
  return isSafe ? Number(value) : value;
}
