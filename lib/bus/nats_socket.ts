/**
 * A connection to a NATS server that has greeted, encrypted where one of the two wants it.
 *
 * @module
 */
import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { type Clock, systemClock } from "../clock.ts";
import type { NatsAddress } from "./nats_access.ts";
import { FirstLine, type Greeting, parseCommand } from "./nats_greeting.ts";

/** How long a server may take to greet, and to agree on keys. */
const GREETING_MS = 5000;
/** What is read at a time of what is not encrypted; a large message takes few turns then. */
const READ_BYTES_MAX = 1024 ** 2;

export interface SocketOptions {
  /** Undefined: encrypted only where the server can be. */
  readonly tls: ConnectionOptions | undefined;
  /** Whose certificate it has to have, where that is not the address's host. */
  readonly tlsName?: string;
  /**
   * Takes what comes behind the greeting; the bytes are good for the call only.
   * Without it the socket is read like any other.
   */
  readonly receive?: (bytes: Uint8Array) => void;
  readonly clock?: Clock;
}

/** It is paused, has a listener for errors, and says only "close" of them. */
export interface GreetedSocket {
  readonly socket: Socket;
  /** What the server's first line says. */
  readonly greeting: Greeting;
  readonly isEncrypted: boolean;
  /** Lets `receive` have what comes; it is of no use without. */
  start(): void;
}

/** TLS is asked for, and the server has none. */
export class NoTlsError extends Error {
  override readonly name = "NoTlsError";
}

/**
 * @throws {NoTlsError} when the server has none, but `tls` is given.
 * @throws {Error} when it does not answer, is no NATS server, or has a wrong certificate.
 */
export function openSocket(address: NatsAddress, options: SocketOptions): Promise<GreetedSocket> {
  const { tls, receive } = options;
  return open(address, options, receive && tls === undefined ? new Inlet(receive) : undefined);
}

async function open(
  address: NatsAddress,
  options: SocketOptions,
  inlet: Inlet | undefined,
): Promise<GreetedSocket> {
  const { hostname, port } = address;
  const { tls, tlsName = hostname, receive, clock = systemClock } = options;
  const socket = connectTcp({ port, host: hostname, ...(inlet && { onread: inlet.onread }) });
  socket.setNoDelay(true);
  // Who waits for it is told by its end, but one without a listener would end the process.
  socket.on("error", () => {});
  const timer = clock.after(GREETING_MS, () => socket.destroy(new Error("timeout")));
  try {
    const greeting = parseCommand("INFO", await readLine(socket, inlet));
    const { tls_required: isRequired = false, tls_available: isAvailable = false } = greeting;
    if (tls !== undefined && !isRequired && !isAvailable) throw new NoTlsError("it has no TLS");
    const isEncrypted = tls !== undefined || isRequired || isAvailable;
    if (isEncrypted && inlet) {
      // What is encrypted cannot be read past the socket's stream, so begin again with it.
      socket.destroy();
      return await open(address, options, undefined);
    }
    const ready = isEncrypted ? await encrypt(socket, { ...tls, servername: tlsName }) : socket;
    if (receive && !inlet) ready.on("data", receive);
    const start = () => {
      inlet?.start();
      ready.resume();
    };
    return { socket: ready, greeting, isEncrypted, start };
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    timer.cancel();
  }
}

/** Reads a socket into a buffer of its own, past its stream: first a line, and then whatever comes. */
class Inlet {
  readonly onread: OnReadOpts = {
    buffer: new Uint8Array(READ_BYTES_MAX),
    callback: (count, buffer) => this.#take(buffer.subarray(0, count)),
  };
  readonly line: Promise<string>;
  readonly #first = new FirstLine();
  readonly #receive: (bytes: Uint8Array) => void;
  readonly #greeted = Promise.withResolvers<string>();
  #rest: Uint8Array | undefined;

  constructor(receive: (bytes: Uint8Array) => void) {
    this.#receive = receive;
    this.line = this.#greeted.promise;
  }

  /** Gives away what came with the line. */
  start(): void {
    if (this.#rest && this.#rest.length > 0) this.#receive(this.#rest);
  }

  /** True when there is to be read more. */
  #take(bytes: Uint8Array): boolean {
    if (this.#rest !== undefined) {
      this.#receive(bytes);
      return true;
    }
    try {
      const found = this.#first.push(bytes);
      if (found === undefined) return true;
      this.#rest = found.rest.slice();
      this.#greeted.resolve(found.line);
    } catch (error) {
      this.#greeted.reject(error);
    }
    return false;
  }
}

/** Reads the first line, and nothing behind it. */
function readLine(socket: Socket, inlet: Inlet | undefined): Promise<string> {
  const first = new FirstLine();
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const take = (bytes: Uint8Array) => {
    try {
      const found = first.push(bytes);
      if (found === undefined) return;
      socket.pause();
      if (found.rest.length > 0) socket.unshift(found.rest);
      resolve(found.line);
    } catch (error) {
      reject(error);
    }
  };
  const end = () => reject(new Error("the server has hung up"));
  if (inlet) inlet.line.then(resolve, reject);
  else socket.on("data", take);
  socket.once("error", reject);
  socket.once("close", end);
  return promise.finally(() => {
    socket.off("data", take);
    socket.off("error", reject);
    socket.off("close", end);
  });
}

/** The server has said `INFO` in plain, and expects TLS from here on. */
function encrypt(
  socket: Socket,
  { servername, ...options }: ConnectionOptions & { servername: string },
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  // A name is what is told to the server; an address is no name.
  const name = isIP(servername) === 0 ? { servername } : { servername: "", host: servername };
  const secure = connectTls(
    { ...options, ...name, socket, rejectUnauthorized: true },
    () => resolve(secure),
  );
  secure.pause();
  secure.on("error", reject);
  secure.once("close", () => reject(new Error("the server has hung up")));
  return promise;
}
