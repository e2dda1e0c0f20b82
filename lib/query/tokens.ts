/**
 * A query's text, cut into tokens.
 *
 * @module
 */
import { QueryTextError } from "./text_error.ts";

export type TokenKind = "path" | "word" | "number" | "string" | "sign" | "end";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Where it begins in the text, from 0. */
  readonly offset: number;
}

export const QUERY_TEXT_LENGTH_MAX = 16_384;

const SPACE = /\s+/y;
/** In the order in which they are tried. */
const PATTERNS: readonly (readonly [kind: TokenKind, pattern: RegExp])[] = [
  ["path", /[A-Z][A-Za-z0-9]*(?:\.[A-Za-z0-9_]+)*/y],
  ["word", /[a-z_][A-Za-z0-9_]*/y],
  ["number", /-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y],
  ["string", /"(?:[^"\\]|\\.)*"/ys],
  ["sign", /==|!=|<=|>=|[=<>!?+*,()]/y],
];

/** The last token is of kind `end`. @throws {QueryTextError} at what is no token. */
export function tokensOf(text: string): Token[] {
  if (text.length > QUERY_TEXT_LENGTH_MAX) {
    const why = `it has more than ${QUERY_TEXT_LENGTH_MAX} characters`;
    throw new QueryTextError(why, { text, offset: QUERY_TEXT_LENGTH_MAX, length: 1 });
  }
  const tokens: Token[] = [];
  for (let offset = skipSpace(text, 0); offset < text.length;) {
    const token = tokenAt(text, offset);
    tokens.push(token);
    offset = skipSpace(text, offset + token.text.length);
  }
  return [...tokens, { kind: "end", text: "", offset: text.length }];
}

function skipSpace(text: string, offset: number): number {
  SPACE.lastIndex = offset;
  return SPACE.test(text) ? SPACE.lastIndex : offset;
}

function tokenAt(text: string, offset: number): Token {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = offset;
    const match = pattern.exec(text);
    if (match) return { kind, text: match[0], offset };
  }
  const isString = text[offset] === '"';
  const why = isString ? "the string does not end" : `nothing begins with "${text[offset]}"`;
  throw new QueryTextError(why, { text, offset, length: isString ? text.length - offset : 1 });
}
