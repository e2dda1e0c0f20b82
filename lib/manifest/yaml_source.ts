/**
 * A YAML source is one manifest's text, parsed, that knows where each of its
 * values stands, so that a mistake found later is still reported at its place.
 *
 * @module
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type ScalarTag,
  type YAMLError,
} from "yaml";
import { FILE_BYTES_MAX, NESTING_MAX, PROBLEMS_MAX } from "./limits.ts";
import type { Problem } from "./problem.ts";
import { type Aliases, yamlValue, YamlValueError } from "./yaml_value.ts";

/** The keys and indices that lead from a file's root to a value. */
export type Path = readonly (string | number)[];

export interface YamlSourceOptions {
  /** How problems name the file. */
  readonly file: string;
  /** Where problems are collected. */
  readonly problems: Problem[];
}

export class YamlSource {
  readonly file: string;
  /** Plain values; an integer is a bigint where a number could not hold it exactly. */
  readonly value: unknown;
  readonly #root: Node | null;
  readonly #aliases: Aliases;
  readonly #place: Place;

  private constructor(root: Node | null, place: Place, aliases: Aliases) {
    this.file = place.file;
    this.#root = root;
    this.#place = place;
    this.#aliases = aliases;
    this.value = root === null ? null : yamlValue(root, aliases);
  }

  /** Parses `text`, or reports why it is not YAML and returns undefined. */
  static parse(text: string, options: YamlSourceOptions): YamlSource | undefined {
    const lines = new LineCounter();
    const place = new Place(lines, options);
    if (text.length > FILE_BYTES_MAX) {
      place.report(0, `the file is larger than ${FILE_BYTES_MAX} bytes`);
      return undefined;
    }
    const document = parseDocument<Node>(text, {
      lineCounter: lines,
      prettyErrors: false,
      intAsBigInt: true,
      customTags: [BINARY],
    });
    if (!reportSyntax([...document.errors, ...document.warnings], text, place)) return undefined;
    try {
      return new YamlSource(document.contents, place, (alias) => alias.resolve(document));
    } catch (error) {
      if (!(error instanceof YamlValueError)) throw error;
      place.report(error.offset, error.message);
      return undefined;
    }
  }

  /** Reports a problem with the value at `path`, or with the key that holds it. */
  report(path: Path, message: string, part: "key" | "value" = "value"): void {
    if (!this.#place.isFull) this.#place.report(this.#offsetOf(path, part), message);
  }

  #offsetOf(path: Path, part: "key" | "value"): number {
    let node = this.#root;
    let offset = offsetOfNode(node) ?? 0;
    for (const [depth, step] of path.entries()) {
      const child = this.#childOf(node, step);
      if (child === undefined) return offset;
      const isKeyMeant = part === "key" && depth === path.length - 1;
      node = child.value;
      offset = (isKeyMeant ? undefined : offsetOfNode(node)) ?? offsetOfNode(child.key) ?? offset;
    }
    return offset;
  }

  #childOf(node: Node | null, step: string | number): Child | undefined {
    const target = isAlias(node) ? this.#aliases(node) ?? null : node;
    if (isSeq<Node>(target)) return { key: null, value: target.items[Number(step)] ?? null };
    if (!isMap<Node, Node>(target)) return undefined;
    return target.items.find(({ key }) => isScalar(key) && String(key.value) === `${step}`);
  }
}

type Child = Pick<Pair<Node | null, Node | null>, "key" | "value">;

/** Where a node's text starts; undefined for a value that is left out. */
function offsetOfNode(node: Node | null): number | undefined {
  if (!node?.range) return undefined;
  const [start, end] = node.range;
  return isScalar(node) && node.value === null && start === end ? undefined : start;
}

/** Turns offsets in a file into reported problems. */
class Place {
  readonly file: string;
  readonly #lines: LineCounter;
  readonly #problems: Problem[];
  #count = 0;

  constructor(lines: LineCounter, { file, problems }: YamlSourceOptions) {
    this.file = file;
    this.#lines = lines;
    this.#problems = problems;
  }

  get isFull(): boolean {
    return this.#count >= PROBLEMS_MAX;
  }

  report(offset: number, message: string): void {
    this.#count++;
    const { line, col } = this.#lines.linePos(offset);
    this.#problems.push({
      file: this.file,
      line: Math.max(1, line),
      column: Math.max(1, col),
      message,
    });
  }
}

/** False when the text is not YAML; of several syntax errors the later ones are mostly echoes. */
function reportSyntax(errors: readonly YAMLError[], text: string, place: Place): boolean {
  for (const error of errors.filter(isDuplicateKey)) {
    const key = text.slice(error.pos[0]).match(/^["']?([^:\s"']+)/)?.[1] ?? "key";
    place.report(error.pos[0], `"${key}" is given twice`);
  }
  const syntax = errors.find((error) => !isDuplicateKey(error));
  if (syntax) reportSyntaxError(syntax, place);
  return syntax === undefined;
}

function isDuplicateKey(error: YAMLError): boolean {
  return error.code === "DUPLICATE_KEY";
}

function reportSyntaxError({ code, message, pos }: YAMLError, place: Place): void {
  if (message.includes("call stack")) {
    place.report(0, `nested deeper than ${NESTING_MAX} levels`);
  } else if (code === "MULTIPLE_DOCS") {
    place.report(pos[0], "a second document starts: a manifest is one");
  } else {
    const [first = ""] = message.split("\n");
    place.report(pos[0], `not valid YAML: ${first.charAt(0).toLowerCase()}${first.slice(1)}`);
  }
}

/** `!!binary`, as YAML 1.1 has it: base64, where white space is ignored. */
const BINARY: ScalarTag = {
  tag: "tag:yaml.org,2002:binary",
  resolve(text, onError) {
    try {
      return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    } catch {
      onError("!!binary takes base64");
      return text;
    }
  },
};
