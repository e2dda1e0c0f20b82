/**
 * What a NATS server and its client say first, one line each: the server's `INFO`, the
 * client's `CONNECT`.
 *
 * @module
 */

/** More than any server's `INFO` with the addresses of a large cluster, or any other line of it. */
export const LINE_BYTES_MAX = 64 * 1024;
export const LINE_FEED = 10;

/** The server's `INFO`, as far as it matters before the protocol begins. */
export interface Greeting extends Readonly<Record<string, unknown>> {
  readonly tls_required?: boolean;
  readonly tls_available?: boolean;
  /** What a client signs that has a key. */
  readonly nonce?: string;
}

/** Collects bytes until the first line is whole. */
export class FirstLine {
  #line = new Uint8Array(0);

  /**
   * Returns the line without its end, and the bytes behind it; undefined while it has none.
   * @throws {RangeError} when it is too long.
   */
  push(bytes: Uint8Array): { line: string; rest: Uint8Array } | undefined {
    const end = bytes.indexOf(LINE_FEED);
    const part = end < 0 ? bytes : bytes.subarray(0, end);
    const line = concat(this.#line, part);
    if (line.length > LINE_BYTES_MAX) {
      throw new RangeError(`A first line has more than ${LINE_BYTES_MAX} bytes`);
    }
    this.#line = line;
    if (end < 0) return undefined;
    return { line: new TextDecoder().decode(line).trimEnd(), rest: bytes.subarray(end + 1) };
  }
}

/** The object of an `INFO` or `CONNECT`. @throws {SyntaxError} when the line is none. */
export function parseCommand(name: "INFO" | "CONNECT", line: string): Greeting {
  const [word, text] = [line.slice(0, name.length), line.slice(name.length)];
  const value: unknown = word.toUpperCase() === name ? JSON.parse(text) : undefined;
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Greeting;
  }
  throw new SyntaxError(`A first line is no ${name}`);
}

/** The line, with its end. */
export function formatCommand(name: "INFO" | "CONNECT", value: object): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${name} ${JSON.stringify(value)}\r\n`);
}

export function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
