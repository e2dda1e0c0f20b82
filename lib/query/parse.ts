/**
 * The text of a query, such as
 *
 *     Transform3D, Velocity.linear, !Static, ?Label
 *       where Velocity.linear.y > 3 and (Label.text contains "ship" or Health.hp != 0)
 *       sort by Velocity.linear.y desc, Entity
 *       limit 100
 *
 * `C` reads a component and `C.field` a field; rows lack `!C`, may lack `?C`, and
 * have `+C`, of which nothing is read. `*`, like no term at all, stands for
 * whatever components there are. A row without the component that a comparison
 * names fails it.
 *
 * @module
 */
import { ENTITY_NAME } from "../manifest/names.ts";
import { suggestion } from "../manifest/nearest.ts";
import { UserError } from "../user_error.ts";
import {
  type Comparison,
  type Condition,
  CONDITION_DEPTH_MAX,
  CONDITIONS_MAX,
  type Scalar,
  SORT_KEYS_MAX,
} from "../wire/condition.ts";
import { type ComparisonOp, operandOf } from "./compare.ts";
import { type Components, PathError, resolvePath, type ValueKind } from "./path.ts";
import { EVERYTHING, type QuerySpec, type SortKey } from "./spec.ts";
import { QueryTextError } from "./text_error.ts";
import { type Token, tokensOf } from "./tokens.ts";

const CLAUSES = ["where", "sort", "limit"];
const OPS: Readonly<Record<string, ComparisonOp>> = {
  "=": "=",
  "==": "=",
  "!=": "!=",
  "<": "<",
  "<=": "<=",
  ">": ">",
  ">=": ">=",
  contains: "contains",
};
const LIMIT_MAX = 2 ** 32 - 1;

/**
 * @param components what there is; with it, names and values are checked, too
 * @throws {QueryTextError} with the place and what was expected there.
 */
export function parseQueryText(text: string, components?: Components): QuerySpec {
  return new Parser(text, components).parse();
}

class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  readonly #components: Components | undefined;
  #at = 0;
  #conditions = 0;

  constructor(text: string, components: Components | undefined) {
    this.#text = text;
    this.#tokens = tokensOf(text);
    this.#components = components;
  }

  parse(): QuerySpec {
    const query = this.#terms();
    const where = this.#takeWord("where") ? this.#disjunction(1) : undefined;
    const sort = this.#takeWord("sort") ? this.#sort() : undefined;
    const limit = this.#takeWord("limit") ? this.#limit() : undefined;
    if (this.#next.kind !== "end") this.#failAtEnd({ where, sort, limit });
    return { query, ...(where && { where }), ...(sort && { sort }), ...(limit && { limit }) };
  }

  get #next(): Token {
    return this.#tokens[this.#at];
  }

  #terms(): QuerySpec["query"] {
    const query: Record<"read" | "optional" | "with" | "without", string[]> = {
      read: [],
      optional: [],
      with: [],
      without: [],
    };
    const { kind, text } = this.#next;
    if (kind === "end" || (kind === "word" && CLAUSES.includes(text))) {
      return { optional: [EVERYTHING] };
    }
    do this.#term(query); while (this.#takeSign(","));
    return Object.fromEntries(
      Object.entries(query).filter(([, names]) => names.length > 0)
        .map(([list, names]) => [list, [...new Set(names)]]),
    );
  }

  #term(query: Record<"read" | "optional" | "with" | "without", string[]>): void {
    if (this.#takeSign("*")) {
      query.optional.push(EVERYTHING);
      return;
    }
    const sign = ["!", "?", "+"].find((sign) => this.#takeSign(sign));
    const token = this.#next;
    if (token.kind !== "path") {
      this.#fail(token, sign ? "a component" : 'a component, "*", "where", "sort" or "limit"', [
        ...this.#components?.keys() ?? [],
      ]);
    }
    this.#at++;
    const parts = token.text.split(".");
    if (parts[0] === ENTITY_NAME && (sign || parts.length > 1)) {
      this.#failAt(token, `every row has "${ENTITY_NAME}", and it has no fields`);
    }
    if ((sign === "!" || sign === "+") && parts.length > 1) {
      this.#failAt(token, `"${sign}" takes a whole component: ${sign}${parts[0]}`);
    }
    if (parts.length > 2) {
      this.#failAt(token, `a term is a component or a field: ${parts[0]}.${parts[1]}`);
    }
    this.#checkTerm(token, parts);
    const list = sign === "!"
      ? "without"
      : sign === "?"
      ? "optional"
      : sign === "+"
      ? "with"
      : "read";
    query[list].push(token.text);
  }

  #checkTerm(token: Token, [component, field]: readonly string[]): void {
    if (this.#components === undefined || component === ENTITY_NAME) return;
    const known = this.#components.get(component);
    if (known === undefined) {
      const near = suggestion(component, this.#components.keys());
      this.#failAt(token, `unknown component "${component}"${near}`, 0);
    }
    const names = known.fields.map(({ name }) => name);
    if (field === undefined || names.includes(field)) return;
    this.#failAt(token, `"${component}" has no field "${field}"${suggestion(field, names)}`, 1);
  }

  #disjunction(depth: number): Condition {
    return this.#joined("or", () => this.#joined("and", () => this.#negation(depth + 1)));
  }

  #joined(op: "and" | "or", operand: () => Condition): Condition {
    const of = [operand()];
    while (this.#takeWord(op)) of.push(operand());
    if (of.length === 1) return of[0];
    this.#count(this.#next);
    return { op, of };
  }

  #negation(depth: number): Condition {
    const token = this.#next;
    if (2 * depth > CONDITION_DEPTH_MAX) this.#failAt(token, "it is nested too deep");
    if (this.#takeWord("not")) {
      this.#count(token);
      return { op: "not", of: [this.#negation(depth + 1)] };
    }
    if (!this.#takeSign("(")) return this.#comparison();
    const inner = this.#disjunction(depth);
    if (!this.#takeSign(")")) this.#fail(this.#next, '"and", "or" or ")"');
    return inner;
  }

  #comparison(): Comparison {
    const token = this.#next;
    if (token.kind !== "path") this.#fail(token, 'a field such as Velocity.linear.x, "not" or "("');
    this.#at++;
    this.#count(token);
    const kind = this.#checkPath(token);
    const opToken = this.#next;
    const op = Object.hasOwn(OPS, opToken.text) ? OPS[opToken.text] : undefined;
    if (op === undefined) this.#fail(opToken, "=, !=, <, <=, >, >= or contains");
    this.#at++;
    const valueToken = this.#next;
    const comparison = { op, path: token.text, value: this.#value() };
    try {
      if (kind !== undefined) operandOf(kind, comparison);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#failAt(op === "contains" ? opToken : valueToken, error.message);
    }
    return comparison;
  }

  #value(): Scalar {
    const token = this.#next;
    const { kind, text } = token;
    if (kind === "number") {
      this.#at++;
      return numberOf(text);
    }
    if (kind === "string") {
      this.#at++;
      return this.#string(token);
    }
    if (this.#takeWord("true")) return true;
    if (this.#takeWord("false")) return false;
    return this.#fail(token, 'a number, a "string", true or false');
  }

  #string(token: Token): string {
    try {
      return JSON.parse(token.text.replaceAll("\n", "\\n").replaceAll("\t", "\\t"));
    } catch {
      return this.#failAt(token, 'the string is not as JSON has it: "\\" goes before " and \\');
    }
  }

  #sort(): SortKey[] {
    if (!this.#takeWord("by")) this.#fail(this.#next, '"by"');
    const keys: SortKey[] = [];
    do {
      const token = this.#next;
      if (token.kind !== "path") this.#fail(token, "a field such as Velocity.linear.x, or Entity");
      if (keys.length === SORT_KEYS_MAX) {
        this.#failAt(token, `rows are sorted by ${SORT_KEYS_MAX} values at the most`);
      }
      this.#at++;
      this.#checkPath(token);
      const descending = this.#takeWord("desc");
      if (!descending) this.#takeWord("asc");
      keys.push({ by: token.text, ...(descending && { descending }) });
    } while (this.#takeSign(","));
    return keys;
  }

  #limit(): number {
    const token = this.#next;
    const limit = token.kind === "number" ? Number(token.text) : NaN;
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= LIMIT_MAX)) {
      this.#fail(token, "a number of rows, from 1");
    }
    this.#at++;
    return limit;
  }

  /** How the values compare that a path leads to; undefined where it is not known what there is. */
  #checkPath(token: Token): ValueKind | undefined {
    const { text } = token;
    if (this.#components === undefined) {
      const parts = text.split(".");
      const isEntity = parts[0] === ENTITY_NAME;
      if (isEntity ? parts.length === 1 : parts.length === 2 || parts.length === 3) {
        return undefined;
      }
      const like = isEntity ? ENTITY_NAME : `${parts[0]}.field, or ${parts[0]}.field.x of a vector`;
      this.#failAt(token, `"${text}" names no value; it takes ${like}`);
    }
    try {
      return resolvePath(this.#components, text).kind;
    } catch (error) {
      if (!(error instanceof PathError)) throw error;
      return this.#failAt(token, error.message, error.part);
    }
  }

  #count(token: Token): void {
    if (++this.#conditions > CONDITIONS_MAX) {
      this.#failAt(token, `it has more than ${CONDITIONS_MAX} conditions`);
    }
  }

  #takeWord(word: string): boolean {
    return this.#take("word", word);
  }

  #takeSign(sign: string): boolean {
    return this.#take("sign", sign);
  }

  #take(kind: Token["kind"], text: string): boolean {
    if (this.#next.kind !== kind || this.#next.text !== text) return false;
    this.#at++;
    return true;
  }

  /** Says what may follow what has been read. */
  #failAtEnd(read: { where: unknown; sort: unknown; limit: unknown }): never {
    if (read.limit) this.#fail(this.#next, "the end");
    if (read.sort) this.#fail(this.#next, '",", "limit" or the end');
    if (read.where) this.#fail(this.#next, '"and", "or", "sort", "limit" or the end');
    return this.#fail(this.#next, '",", "where", "sort", "limit" or the end');
  }

  /** @param names what may be meant by a word, beside those in `expected` */
  #fail(token: Token, expected: string, names: readonly string[] = []): never {
    const found = token.kind === "end"
      ? "the end"
      : token.kind === "string"
      ? token.text
      : `"${token.text}"`;
    const words = expected.match(/(?<=")\w+(?=")/g) ?? [];
    const near = token.kind === "word"
      ? /, did you mean.*/.exec(suggestion(token.text, [...words, ...names]))
      : null;
    return this.#failAt(token, `expected ${expected}, found ${found}${near?.[0] ?? ""}`);
  }

  /** @param part which of the parts of a path is wrong, from 0 */
  #failAt({ offset, text }: Token, why: string, part?: number): never {
    const parts = text.split(".");
    const skipped = part === undefined
      ? ""
      : parts.slice(0, part).map((each) => `${each}.`).join("");
    const length = part === undefined ? text.length : parts[part]?.length ?? 1;
    throw new QueryTextError(why, { text: this.#text, offset: offset + skipped.length, length });
  }
}

/** An integer that a number cannot hold is a bigint. */
function numberOf(text: string): number | bigint {
  const value = Number(text);
  if (/^-?\d+$/.test(text) && !Number.isSafeInteger(value)) return BigInt(text);
  return value === 0 ? 0 : value;
}
