/**
 * Mutations of texts: mistakes of whoever edits a manifest, and worse.
 *
 * @module
 */
import type { Draw } from "../sim/draw.ts";

type Mutation = (text: string, draw: Draw, others: readonly string[]) => string;

const MUTATIONS_MAX = 4;

/** What means something to YAML, or to a manifest. */
const TOKENS: readonly string[] = [
  ":",
  "- ",
  "? ",
  "{",
  "}",
  "[",
  "]",
  ",",
  "&a ",
  "*a",
  "<<: *a",
  "!!binary ",
  "!!set ",
  "!x ",
  "|\n",
  ">-\n",
  "'",
  '"',
  "#",
  "%YAML 1.1\n---\n",
  "---\n",
  "...\n",
  "\t",
  "\r",
  "\u0000",
  "\ufeff",
  "\ud800",
  "~",
  ".nan",
  "-.inf",
  "0x7fffffffffffffff",
  "1e999",
  "99999999999999999999",
  "-1",
  "null",
  "true",
  "__proto__",
  "constructor",
  "Entity",
  "C0",
  "C0.a",
  "s0",
  "1.5s",
  "{ uniform: [0, 1] }",
  "{ uniform: [1] }",
  "@x",
  "[".repeat(500),
  "a: &b [*b]\n",
  "x".repeat(5000),
];

const MUTATIONS: readonly Mutation[] = [
  insertToken,
  replaceToken,
  replaceToken,
  changeCharacter,
  cut,
  copyLine,
  dropLine,
  moveLine,
  indentLine,
  spliceTexts,
  aliases,
];

export function mutateText(text: string, draw: Draw, others: readonly string[]): string {
  let mutated = text;
  for (let count = draw.between(1, MUTATIONS_MAX); count > 0; count--) {
    mutated = draw.pick(MUTATIONS)(mutated, draw, others);
  }
  return mutated;
}

function insertToken(text: string, draw: Draw): string {
  const at = draw.below(text.length + 1);
  return text.slice(0, at) + draw.pick(TOKENS) + text.slice(at);
}

/** Another word for a word. */
function replaceToken(text: string, draw: Draw): string {
  const words = [...text.matchAll(/[\w.]+|[^\s\w]/g)];
  if (words.length === 0) return insertToken(text, draw);
  const { index, 0: word } = draw.pick(words);
  const other = draw.chance(0.5) ? draw.pick(TOKENS) : draw.pick(words)[0];
  return text.slice(0, index) + other + text.slice(index + word.length);
}

function changeCharacter(text: string, draw: Draw): string {
  const at = draw.below(text.length + 1);
  return text.slice(0, at) + String.fromCharCode(draw.below(256)) + text.slice(at + 1);
}

function cut(text: string, draw: Draw): string {
  const from = draw.below(text.length + 1);
  return draw.chance(0.5)
    ? text.slice(0, from)
    : text.slice(0, from) + text.slice(from + 1 + Math.floor(draw.exponential(10)));
}

function copyLine(text: string, draw: Draw): string {
  const lines = text.split("\n");
  return lines.toSpliced(draw.below(lines.length), 0, draw.pick(lines)).join("\n");
}

function dropLine(text: string, draw: Draw): string {
  const lines = text.split("\n");
  return lines.toSpliced(draw.below(lines.length), 1).join("\n");
}

function moveLine(text: string, draw: Draw): string {
  const lines = text.split("\n");
  const [line] = lines.splice(draw.below(lines.length), 1);
  return lines.toSpliced(draw.below(lines.length + 1), 0, line).join("\n");
}

function indentLine(text: string, draw: Draw): string {
  const lines = text.split("\n");
  const at = draw.below(lines.length);
  const indented = draw.chance(0.5) ? ` ${lines[at]}` : lines[at].replace(/^ /, "");
  return lines.with(at, indented).join("\n");
}

function spliceTexts(text: string, draw: Draw, others: readonly string[]): string {
  if (others.length === 0) return text;
  const other = draw.pick(others);
  return text.slice(0, draw.below(text.length + 1)) + other.slice(draw.below(other.length + 1));
}

/** Aliases of aliases, which would grow beyond all bounds when they are followed. */
function aliases(text: string, draw: Draw): string {
  const lines = ["x0: &x0 [1, 2]"];
  for (let i = 1; i <= draw.between(1, 30); i++) {
    lines.push(`x${i}: &x${i} [${`*x${i - 1},`.repeat(draw.between(1, 9))}]`);
  }
  return `${text}\n${lines.join("\n")}\n`;
}
