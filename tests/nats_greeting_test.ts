import { assertEquals, assertThrows } from "@std/assert";
import { connectForServer, infoForPage } from "../editor/server/page_greeting.ts";
import { FirstLine, parseCommand } from "../lib/bus/nats_greeting.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("FirstLine gives the first line, however it is cut, and what is behind it", () => {
  const text = "CONNECT {}\r\nPING\r\n";
  for (let cut = 0; cut < text.length; cut++) {
    const first = new FirstLine();
    const found = first.push(encode(text.slice(0, cut)));
    const { line, rest } = found ?? first.push(encode(text.slice(cut))) ?? {};
    const behind = found === undefined ? "" : text.slice(cut);
    assertEquals([line, decode(rest ?? encode("")) + behind], ["CONNECT {}", "PING\r\n"]);
  }
});

Deno.test("FirstLine refuses a line without an end", () => {
  const first = new FirstLine();
  const part = encode("x".repeat(40_000));
  assertEquals(first.push(part), undefined);
  assertThrows(() => first.push(part), RangeError, "65536 bytes");
  assertThrows(() => new FirstLine().push(encode(`${"x".repeat(70_000)}\r\n`)), RangeError);
});

Deno.test("a page's INFO says nothing of TLS, credentials and other servers", () => {
  const greeting = parseCommand(
    "INFO",
    'INFO {"server_id":"A","max_payload":8,"headers":true,"auth_required":true,"nonce":"n",' +
      '"tls_required":true,"tls_verify":true,"connect_urls":["north:4222"]}',
  );
  assertEquals(
    decode(infoForPage(greeting)),
    'INFO {"server_id":"A","max_payload":8,"headers":true}\r\n',
  );
  for (const line of ["-ERR 'no'", "INFO", "INFO [1]", 'INFO "x"', "INFO {"]) {
    assertThrows(() => parseCommand("INFO", line), SyntaxError);
  }
});

Deno.test("a page's CONNECT gets the credentials of the editor's process, for the server's nonce", () => {
  const authenticator = (nonce?: string) => ({ nkey: "U", sig: `signed ${nonce}` });
  const login = { name: "the user", authenticator };
  const line = 'CONNECT {"verbose":false,"name":"editor page","sig":"of the page"}';
  assertEquals(
    decode(connectForServer(line, { login, greeting: { nonce: "n" } })),
    'CONNECT {"verbose":false,"name":"editor page","sig":"signed n","nkey":"U"}\r\n',
  );
  assertEquals(
    decode(connectForServer('connect {"name":"a"}', { login: undefined, greeting: {} })),
    'CONNECT {"name":"a"}\r\n',
  );
  assertThrows(() => connectForServer("GET / HTTP/1.1", { login, greeting: {} }), SyntaxError);
});
