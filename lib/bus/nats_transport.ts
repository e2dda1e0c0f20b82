/**
 * The NATS client library over Node's sockets.
 *
 * The library has a transport of its own for that. It takes its listeners off a socket
 * before it destroys it, so a server that refuses a client and hangs up may end the
 * process; and it waits until nothing has been written, which Deno never says of an
 * encrypted socket, so a client would not reconnect.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import type { Socket } from "node:net";
import type { ConnectionOptions, NatsConnection, Server } from "@nats-io/nats-core";
import {
  NatsConnectionImpl,
  setTransportFactory,
  type Transport,
} from "@nats-io/nats-core/internal";
import { NatsFrames } from "./nats_frames.ts";
import { formatCommand } from "./nats_greeting.ts";
import { openSocket } from "./nats_socket.ts";

/** As the library's own `connect`; who has been let in goes on trying when it is refused later. */
export async function connect(options: ConnectionOptions): Promise<NatsConnection> {
  setTransportFactory({
    factory: () => new SocketTransport(),
    dnsResolveFn: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  });
  const connection = await NatsConnectionImpl.connect(options);
  // The library looks at its options whenever it happens.
  if (connection instanceof NatsConnectionImpl) connection.options.ignoreAuthErrorAbort = true;
  return connection;
}

class SocketTransport implements Transport {
  /** What the server's monitoring shows. */
  readonly lang = "nats.js";
  readonly version = "3";
  closeError?: Error;
  readonly #closed = Promise.withResolvers<void | Error>();
  #socket: Socket | undefined;
  #isEncrypted = false;
  #isDone = false;
  readonly #frames = new NatsFrames();
  #received: Uint8Array[] = [];
  #arrival = Promise.withResolvers<void>();

  get isClosed(): boolean {
    return this.#isDone;
  }

  async connect(server: Server, { tls }: ConnectionOptions): Promise<void> {
    const opened = await openSocket(server, {
      tls: tls ?? undefined,
      ...(server.tlsName !== "" && { tlsName: server.tlsName }),
      receive: (bytes) => this.#receive(bytes),
    });
    const { socket, greeting, isEncrypted } = opened;
    if (this.#isDone) return void socket.destroy();
    this.#socket = socket;
    this.#isEncrypted = isEncrypted;
    // What is said in plain, before a certificate has been shown, is no address to follow.
    const { connect_urls: _, ...info } = greeting;
    this.#receive(formatCommand("INFO", isEncrypted ? info : greeting));
    let failure: Error | undefined;
    socket.on("error", (error) => failure = error);
    socket.on("close", () => this.#end(failure));
    opened.start();
  }

  isEncrypted(): boolean {
    return this.#isEncrypted;
  }

  /** Whether it arrives is seen by what comes back. */
  send(frame: Uint8Array): void {
    if (!this.#isDone) this.#socket?.write(frame);
  }

  /** The library knows of this end, and is not told of it as well. */
  close(error?: Error): Promise<void> {
    if (error !== undefined) this.closeError = error;
    this.discard();
    return Promise.resolve();
  }

  disconnect(): void {
    this.#end();
  }

  closed(): Promise<void | Error> {
    return this.#closed.promise;
  }

  discard(): void {
    this.#isDone = true;
    this.#socket?.destroy();
    this.#arrival.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    try {
      while (true) {
        if (this.#received.length === 0) await this.#arrival.promise;
        const received = this.#received;
        this.#received = [];
        yield* received;
        if (this.#isDone) return;
        if (this.#received.length === 0) this.#arrival = Promise.withResolvers();
      }
    } finally {
      // The library stops reading at what it cannot parse.
      this.#end(new Error("the server's messages cannot be read"));
    }
  }

  #receive(bytes: Uint8Array): void {
    try {
      this.#received.push(...this.#frames.push(bytes));
      this.#arrival.resolve();
    } catch (error) {
      this.#end(error as Error);
    }
  }

  #end(error?: Error): void {
    if (this.#isDone) return;
    if (error !== undefined) this.closeError = error;
    this.discard();
    this.#closed.resolve(error);
  }
}
