/**
 * The bridge between a browser and NATS: a browser can only open WebSockets, and a
 * nats-server need not listen for them. What comes in one way goes out the other,
 * byte by byte, so the browser speaks the same protocol as everyone else. Only each
 * side's first line is another: who the client is and how the connection is encrypted
 * is between this process and the server.
 *
 * @module
 */
import type { Socket } from "node:net";
import type { Login, NatsAccess } from "../../lib/bus/nats_access.ts";
import { FirstLine } from "../../lib/bus/nats_greeting.ts";
import { type GreetedSocket, openSocket } from "../../lib/bus/nats_socket.ts";
import { type Clock, delay } from "../../lib/clock.ts";
import { connectForServer, infoForPage } from "./page_greeting.ts";

/** What may wait for a browser, or for the server, before the other side is no longer read. */
const PENDING_BYTES_MAX = 32 * 1024 * 1024;
/** A WebSocket does not say when there is room again. */
const ROOM_POLL_MS = 5;
const NORMAL_CLOSURE = 1000;
/** The application's own range of close codes. */
const NO_SERVER_CODE = 4502;
const TOO_MUCH_CODE = 4413;

export interface BridgeOptions {
  /** The NATS servers, of which the first that will do is taken. */
  readonly access: NatsAccess;
  readonly clock: Clock;
}

/** Joins an opening WebSocket and a NATS server; resolves when either has ended. */
export async function bridge(page: WebSocket, { access, clock }: BridgeOptions): Promise<void> {
  page.binaryType = "arraybuffer";
  const inbound = new Inbound(page);
  const server = await dial(access, clock);
  if (server === undefined) {
    inbound.drop();
    return close(page, NO_SERVER_CODE, "no NATS server answers");
  }
  try {
    await inbound.opened;
    page.send(infoForPage(server.greeting));
    await Promise.race([
      pumpIn(inbound, { server, login: access.login }),
      pumpOut(server.socket, page, clock),
    ]);
  } catch {
    // Either side hung up, or the page speaks another protocol; it connects again by itself.
  }
  server.socket.destroy();
  close(page, NORMAL_CLOSURE, "");
}

/** The first server that will do. */
async function dial(access: NatsAccess, clock: Clock): Promise<GreetedSocket | undefined> {
  for (const address of access.addresses) {
    try {
      return await openSocket(address, { tls: access.tls, clock });
    } catch {
      // The next one may be there.
    }
  }
  return undefined;
}

/** What the browser sent and NATS has not taken yet. */
class Inbound {
  readonly opened: Promise<void>;
  readonly #page: WebSocket;
  readonly #waiting: Uint8Array[] = [];
  #bytes = 0;
  #isEnded = false;
  #wake: () => void = () => {};

  constructor(page: WebSocket) {
    this.#page = page;
    this.opened = new Promise((resolve) => {
      if (page.readyState !== WebSocket.CONNECTING) resolve();
      page.addEventListener("open", () => resolve(), { once: true });
      // One that fails before it has opened says nothing else.
      for (const end of ["close", "error"]) page.addEventListener(end, () => resolve());
    });
    page.addEventListener("message", ({ data }) => this.#take(data));
    page.addEventListener("close", () => this.drop());
    page.addEventListener("error", () => this.drop());
  }

  drop(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** Whoever goes on after another gets what that one has not taken. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    while (true) {
      const bytes = this.#waiting.shift();
      if (bytes !== undefined) {
        this.#bytes -= bytes.length;
        yield bytes;
      } else if (this.#isEnded) {
        return;
      } else {
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    }
  }

  #take(data: unknown): void {
    const bytes = typeof data === "string"
      ? new TextEncoder().encode(data)
      : new Uint8Array(data as ArrayBuffer);
    this.#bytes += bytes.length;
    if (this.#bytes > PENDING_BYTES_MAX) {
      close(this.#page, TOO_MUCH_CODE, "more than NATS takes");
      return this.drop();
    }
    this.#waiting.push(bytes);
    this.#wake();
  }
}

async function pumpIn(
  inbound: Inbound,
  { server: { socket, greeting }, login }: { server: GreetedSocket; login: Login | undefined },
): Promise<void> {
  const first = await readLine(inbound);
  if (first === undefined) return;
  await writeAll(socket, connectForServer(first.line, { login, greeting }));
  await writeAll(socket, first.rest);
  for await (const bytes of inbound) await writeAll(socket, bytes);
}

async function readLine(inbound: Inbound): Promise<ReturnType<FirstLine["push"]>> {
  const first = new FirstLine();
  for await (const bytes of inbound) {
    const found = first.push(bytes);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Resolves when the bytes are with the system. */
function writeAll(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    // Deno never says of an encrypted socket that nothing has been written.
    if (bytes.length === 0) return resolve();
    socket.write(bytes, (error) => error ? reject(error) : resolve());
  });
}

/** A browser that does not read is not read for: NATS then drops it as a slow consumer. */
async function pumpOut(socket: Socket, page: WebSocket, clock: Clock): Promise<void> {
  for await (const bytes of socket) {
    while (page.bufferedAmount > PENDING_BYTES_MAX) {
      if (page.readyState !== WebSocket.OPEN) return;
      await delay(clock, ROOM_POLL_MS);
    }
    if (page.readyState !== WebSocket.OPEN) return;
    page.send(bytes);
  }
}

function close(page: WebSocket, code: number, reason: string): void {
  if (page.readyState === WebSocket.CONNECTING) {
    page.addEventListener("open", () => page.close(code, reason), { once: true });
  } else if (page.readyState === WebSocket.OPEN) {
    page.close(code, reason);
  }
}
