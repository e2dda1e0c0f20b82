/**
 * The bridge between a browser and NATS: a browser can only open WebSockets, and a
 * nats-server need not listen for them. What comes in one way goes out the other,
 * byte by byte, so the browser speaks the same protocol as everyone else.
 *
 * @module
 */
import { type Clock, delay } from "../../lib/clock.ts";

/** What may wait for a browser, or for the server, before the other side is no longer read. */
const PENDING_BYTES_MAX = 32 * 1024 * 1024;
/** A WebSocket does not say when there is room again. */
const ROOM_POLL_MS = 5;
const NORMAL_CLOSURE = 1000;
const NATS_PORT_DEFAULT = 4222;
/** The application's own range of close codes. */
const NO_SERVER_CODE = 4502;
const TOO_MUCH_CODE = 4413;

export interface BridgeOptions {
  /** NATS servers, as `host:port`; the first that answers is taken. */
  readonly servers: readonly URL[];
  readonly clock: Clock;
}

/** The addresses of `--nats`. */
export function parseServers(servers: string): URL[] {
  return servers.split(",").map((server) => {
    const text = server.trim();
    return new URL(text.includes("://") ? text : `nats://${text}`);
  });
}

/** Joins an opening WebSocket and a NATS server; resolves when either has ended. */
export async function bridge(socket: WebSocket, options: BridgeOptions): Promise<void> {
  socket.binaryType = "arraybuffer";
  const inbound = new Inbound(socket);
  const connection = await dial(options.servers);
  if (connection === undefined) {
    inbound.drop();
    return close(socket, NO_SERVER_CODE, "no NATS server answers");
  }
  try {
    await inbound.opened;
    await Promise.race([
      inbound.pumpInto(connection),
      pumpOut(connection, socket, options.clock),
    ]);
  } catch {
    // Either side hung up; the browser connects again by itself.
  }
  closeQuietly(connection);
  close(socket, NORMAL_CLOSURE, "");
}

async function dial(servers: readonly URL[]): Promise<Deno.TcpConn | undefined> {
  for (const { hostname, port } of servers) {
    try {
      const connection = await Deno.connect({
        hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
        port: Number(port) || NATS_PORT_DEFAULT,
      });
      connection.setNoDelay(true);
      return connection;
    } catch {
      // The next one may be there.
    }
  }
  return undefined;
}

/** What the browser sent and NATS has not taken yet. */
class Inbound {
  readonly opened: Promise<void>;
  readonly #socket: WebSocket;
  readonly #waiting: Uint8Array[] = [];
  #bytes = 0;
  #isEnded = false;
  #wake: () => void = () => {};

  constructor(socket: WebSocket) {
    this.#socket = socket;
    this.opened = new Promise((resolve) => {
      if (socket.readyState !== WebSocket.CONNECTING) resolve();
      socket.addEventListener("open", () => resolve(), { once: true });
      socket.addEventListener("close", () => resolve(), { once: true });
    });
    socket.addEventListener("message", ({ data }) => this.#take(data));
    socket.addEventListener("close", () => this.drop());
    socket.addEventListener("error", () => this.drop());
  }

  drop(): void {
    this.#isEnded = true;
    this.#wake();
  }

  async pumpInto(connection: Deno.TcpConn): Promise<void> {
    while (true) {
      const bytes = this.#waiting.shift();
      if (bytes !== undefined) {
        await writeAll(connection, bytes);
        this.#bytes -= bytes.length;
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
      close(this.#socket, TOO_MUCH_CODE, "more than NATS takes");
      return this.drop();
    }
    this.#waiting.push(bytes);
    this.#wake();
  }
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await connection.write(bytes.subarray(written));
  }
}

/** A browser that does not read is not read for: NATS then drops it as a slow consumer. */
async function pumpOut(
  connection: Deno.TcpConn,
  socket: WebSocket,
  clock: Clock,
): Promise<void> {
  for await (const bytes of connection.readable.values({ preventCancel: true })) {
    while (socket.bufferedAmount > PENDING_BYTES_MAX) {
      if (socket.readyState !== WebSocket.OPEN) return;
      await delay(clock, ROOM_POLL_MS);
    }
    if (socket.readyState !== WebSocket.OPEN) return;
    socket.send(bytes);
  }
}

function close(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState === WebSocket.CONNECTING) {
    socket.addEventListener("open", () => socket.close(code, reason), { once: true });
  } else if (socket.readyState === WebSocket.OPEN) {
    socket.close(code, reason);
  }
}

function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // The other side has closed it.
  }
}
