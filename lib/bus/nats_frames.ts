/**
 * Cuts what a NATS server sends where its messages end, so that each comes in one
 * piece, however the network has cut it.
 *
 * The client library takes a message that is whole as it is; one that comes in
 * pieces it copies anew each time that it has outgrown its buffer, which cost more
 * than all else in reading a large one.
 *
 * @module
 */
import { concat, LINE_BYTES_MAX, LINE_FEED } from "./nats_greeting.ts";

/** What the library takes for a size. */
const PAYLOAD_BYTES_MAX = 64 * 1024 ** 2;
const LINE_END_BYTES = 2;
const SPACE = 32;
const DIGIT_0 = 48;
const DIGIT_9 = 57;
/** The first letters of `MSG` and `HMSG`, behind whose lines a payload comes. */
const WITH_PAYLOAD: readonly number[] = [..."MHmh"].map((letter) => letter.charCodeAt(0));
/** A piece that is so large is given away: whoever keeps a message keeps its piece. */
const PIECE_BYTES = 64 * 1024;

export class NatsFrames {
  /** The beginning of a line that is yet to end. */
  #line: Uint8Array | undefined;
  /** A message that is yet to be filled, and how far it is. */
  #message: Uint8Array | undefined;
  #filled = 0;

  /**
   * What has become whole with the next bytes: any number of lines and messages in
   * each piece. Pieces are copies, so `bytes` may be used again.
   * @throws {RangeError} when a line does not end.
   */
  *push(bytes: Uint8Array): Generator<Uint8Array> {
    let rest = bytes;
    if (this.#message !== undefined) {
      const part = bytes.subarray(0, this.#message.length - this.#filled);
      this.#message.set(part, this.#filled);
      this.#filled += part.length;
      if (this.#filled < this.#message.length) return;
      const message = this.#message;
      this.#message = undefined;
      rest = bytes.subarray(part.length);
      yield message;
    }
    if (this.#line !== undefined) rest = concat(this.#line, rest);
    this.#line = undefined;
    let begin = 0;
    let end = 0;
    let next = nextEnd(rest, end);
    for (; next !== undefined && next <= rest.length; next = nextEnd(rest, end)) {
      end = next;
      if (end - begin < PIECE_BYTES) continue;
      yield rest.slice(begin, end);
      begin = end;
    }
    if (end > begin) yield rest.slice(begin, end);
    if (next !== undefined) this.#begin(rest.subarray(end), next - end);
    else if (end < rest.length) this.#keep(rest.subarray(end));
  }

  #begin(part: Uint8Array, length: number): void {
    this.#message = new Uint8Array(length);
    this.#message.set(part);
    this.#filled = part.length;
  }

  #keep(line: Uint8Array): void {
    if (line.length > LINE_BYTES_MAX) {
      throw new RangeError(`a line of the server's has more than ${LINE_BYTES_MAX} bytes`);
    }
    this.#line = line.slice();
  }
}

/** Where the line or message ends, or will, that begins at `from`; undefined where its line is not whole. */
function nextEnd(bytes: Uint8Array, from: number): number | undefined {
  const lineFeed = bytes.indexOf(LINE_FEED, from);
  return lineFeed < 0 ? undefined : lineFeed + 1 + payloadBytes(bytes, { from, to: lineFeed });
}

/** Bytes behind a line up to its message's end; what is malformed is left for the library to refuse. */
function payloadBytes(bytes: Uint8Array, { from, to }: { from: number; to: number }): number {
  if (!WITH_PAYLOAD.includes(bytes[from])) return 0;
  let size = 0;
  let scale = 1;
  for (let at = to - LINE_END_BYTES; at > from && bytes[at] !== SPACE; at--) {
    const byte = bytes[at];
    if (byte < DIGIT_0 || byte > DIGIT_9) return 0;
    size += (byte - DIGIT_0) * scale;
    scale *= 10;
  }
  return size <= PAYLOAD_BYTES_MAX ? size + LINE_END_BYTES : 0;
}
