/**
 * `docs/protocol.md` as tests read it: its fenced blocks, which carry a tag
 * behind their language, and the tables below its headings.
 *
 * @module
 */
import type { ValueType } from "@std/msgpack";

const DOCUMENT = new URL("../docs/protocol.md", import.meta.url);

/** A fenced block, such as the one that begins with "```text bytes=TickAck". */
export interface Block {
  /** Such as `bytes=TickAck`. */
  readonly tag: string;
  readonly text: string;
}

/** A table's row, cell by cell, without the backticks around a cell. */
export type Row = readonly string[];

export interface Section {
  /** The heading, without backticks. */
  readonly title: string;
  /** The first table below it, without its head. */
  readonly rows: readonly Row[];
}

export interface ProtocolDocument {
  readonly blocks: readonly Block[];
  readonly sections: readonly Section[];
}

export async function readProtocol(): Promise<ProtocolDocument> {
  const text = await Deno.readTextFile(DOCUMENT);
  const blocks = [...text.matchAll(/^```\w+ (\S+)\n([^]*?)^```$/gm)]
    .map(([, tag, text]) => ({ tag, text }));
  const prose = text.replaceAll(/^```[^]*?^```$/gm, "");
  const sections = prose.split(/^(?=##+ )/m).map(parseSection);
  return { blocks, sections };
}

/** The only block with this tag. */
export function blockTagged({ blocks }: ProtocolDocument, tag: string): string {
  const found = blocks.filter((block) => block.tag === tag);
  if (found.length === 1) return found[0].text;
  throw new RangeError(`Cannot find the block "${tag}": there are ${found.length}`);
}

function parseSection(text: string): Section {
  const [heading, ...lines] = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith("|"));
  const end = lines.findIndex((line, i) => i > start && !line.startsWith("|"));
  const table = start < 0 ? [] : lines.slice(start + 2, end);
  return { title: unquote(heading.replace(/^#+ /, "")), rows: table.map(parseRow) };
}

function parseRow(line: string): Row {
  return line.slice(1, -1).split("|").map((cell) => unquote(cell.trim()));
}

function unquote(text: string): string {
  return text.replace(/^`([^`]*)`$/, "$1");
}

/** The bytes of a block of hex with comments behind `#`. */
export function parseHex(text: string): Uint8Array {
  const digits = text.replaceAll(/#.*$/gm, "").replaceAll(/\s/g, "");
  const bytes = digits.match(/../g) ?? [];
  return Uint8Array.from(bytes, (byte) => {
    if (!/^[0-9a-f]{2}$/.test(byte)) throw new SyntaxError(`Cannot read "${byte}" as a byte`);
    return parseInt(byte, 16);
  });
}

/** A value as the examples write it in JSON, with `$bin` and `$u64`. */
export function parseValue(text: string): ValueType {
  return JSON.parse(text, (_, value) => {
    if (typeof value?.$bin === "string") return parseHex(value.$bin);
    if (typeof value?.$u64 === "string") return BigInt(value.$u64);
    return value;
  });
}
