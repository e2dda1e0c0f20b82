/**
 * The first line of each side, as the bridge passes it on. It keeps from the page what
 * is between this process and the server, and says for the page who it is.
 *
 * @module
 */
import type { Login } from "../../lib/bus/nats_access.ts";
import { formatCommand, type Greeting, parseCommand } from "../../lib/bus/nats_greeting.ts";

/** What is not the page's affair, or would lead it to another server. */
const NOT_FOR_THE_PAGE: readonly string[] = [
  "auth_required",
  "connect_urls",
  "nonce",
  "tls_available",
  "tls_required",
  "tls_verify",
  "ws_connect_urls",
];

/** The `INFO` that a page gets. */
export function infoForPage(greeting: Greeting): Uint8Array<ArrayBuffer> {
  const shown = Object.entries(greeting).filter(([name]) => !NOT_FOR_THE_PAGE.includes(name));
  return formatCommand("INFO", Object.fromEntries(shown));
}

/**
 * The `CONNECT` that a server gets: the page's, with who this process is.
 * @throws {SyntaxError} when the page's line is none.
 */
export function connectForServer(
  line: string,
  { login, greeting }: { login: Login | undefined; greeting: Greeting },
): Uint8Array {
  const connect = parseCommand("CONNECT", line);
  return formatCommand("CONNECT", { ...connect, ...login?.authenticator(greeting.nonce) });
}
