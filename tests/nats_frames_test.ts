import { Kind, Parser, type ParserEvent } from "@nats-io/nats-core/internal";
import { assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { NatsFrames } from "../lib/bus/nats_frames.ts";

const encode = (text: string) => new TextEncoder().encode(text);

const payloads = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.constantFrom("MSG a 1 9\r\n", "\r\n\r\n", "HMSG").map(encode),
);
const messages = fc.oneof(
  fc.constantFrom("PING\r\n", "PONG\r\n", "+OK\r\n", "-ERR 'no'\r\n", "INFO {}\r\n").map(encode),
  payloads.map((data) => frame(`MSG a.b 7 ${data.length}`, data)),
  payloads.map((data) => frame(`MSG a.b 7 _INBOX.x ${data.length}`, data)),
  payloads.map((data) => {
    const headers = encode("NATS/1.0\r\na: b\r\n\r\n");
    const all = concat([headers, data]);
    return frame(`HMSG a 12 ${headers.length} ${all.length}`, all);
  }),
);

Deno.test("NatsFrames gives all that comes, in whole messages, however it is cut", () => {
  fc.assert(
    fc.property(fc.array(messages, { maxLength: 12 }), fc.array(fc.nat(400)), (sent, cuts) => {
      const bytes = concat(sent);
      const ends = new Set(sent.map((_, i) => concat(sent.slice(0, i + 1)).length));
      const frames = new NatsFrames();
      let passed = 0;
      const pieces = cutAt(bytes, cuts).flatMap((part) => [...frames.push(part)]);
      for (const piece of pieces) {
        passed += piece.length;
        assertEquals(ends.has(passed), true, `${passed} is within a message`);
      }
      assertEquals(concat(pieces), bytes);
      assertEquals(parse(pieces), parse([bytes]));
    }),
  );
});

Deno.test("NatsFrames leaves what it cannot read to the library", () => {
  for (const line of ["MSG a 1 x\r\n", "MSG\r\n", "MSG a 1 99999999999\r\n", "hello\r\n"]) {
    const pieces = [...new NatsFrames().push(encode(line))];
    assertEquals(pieces, [encode(line)]);
    assertThrows(() => parse(pieces), Error);
  }
});

Deno.test("NatsFrames refuses a line without an end", () => {
  const frames = new NatsFrames();
  const part = encode("x".repeat(40_000));
  assertEquals([...frames.push(part)], []);
  assertThrows(() => [...frames.push(part)], RangeError, "65536 bytes");
});

/** What the library makes of the pieces. */
function parse(pieces: readonly Uint8Array[]): unknown[] {
  const events: unknown[] = [];
  const parser = new Parser({
    push: ({ kind, msg, data }: ParserEvent) =>
      events.push([kind, data && [...data], kind === Kind.MSG && [...msg!.subject]]),
  });
  for (const piece of pieces) parser.parse(piece);
  return events;
}

function frame(line: string, data: Uint8Array): Uint8Array {
  return concat([encode(`${line}\r\n`), data, encode("\r\n")]);
}

function cutAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.filter((at) => at < bytes.length).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
