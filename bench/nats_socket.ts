/**
 * The NATS protocol over a bare socket, and nothing else: no client, no headers,
 * no buffers but the kernel's. What is received is counted and thrown away. See
 * https://docs.nats.io/reference/reference-protocols/nats-protocol
 *
 * @module
 */

const READ_BYTES = 256 * 1024;
const LINE_FEED = "\n".charCodeAt(0);
const LINE_END_BYTES = 2;

export class NatsSocket {
  readonly #connection: Deno.Conn;
  readonly #onMessage: (bytes: number) => void;
  #writing: Promise<void> = Promise.resolve();
  #line = "";
  /** Size of the message that is being received, and what of it is missing. */
  #bytes = 0;
  #missing = 0;
  #pong = Promise.withResolvers<void>();

  /** Connects, and calls `onMessage` with the size of each message that comes on `subject`. */
  static async open(
    servers: string,
    { subject, onMessage }: { subject: string; onMessage: (bytes: number) => void },
  ): Promise<NatsSocket> {
    const { hostname, port } = new URL(servers);
    const connection = await Deno.connect({ hostname, port: Number(port) });
    connection.setNoDelay();
    const socket = new NatsSocket(connection, onMessage);
    socket.send(text(`CONNECT {"verbose":false}\r\nSUB ${subject} 1\r\nPING\r\n`));
    await socket.#pong.promise;
    return socket;
  }

  private constructor(connection: Deno.Conn, onMessage: (bytes: number) => void) {
    this.#connection = connection;
    this.#onMessage = onMessage;
    this.#read();
  }

  /** Queues a frame, such as {@linkcode publishFrame} makes. */
  send(frame: Uint8Array): void {
    this.#writing = this.#writing.then(() => this.#write(frame));
  }

  close(): void {
    this.#connection.close();
  }

  async #write(frame: Uint8Array): Promise<void> {
    for (let at = 0; at < frame.length;) {
      at += await this.#connection.write(frame.subarray(at));
    }
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    for (;;) {
      const count = await this.#connection.read(buffer).catch(() => null);
      if (count === null) return;
      this.#take(buffer.subarray(0, count));
    }
  }

  #take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#missing > 0) {
        const step = Math.min(this.#missing, bytes.length - at);
        at += step;
        this.#missing -= step;
        if (this.#missing === 0) this.#onMessage(this.#bytes);
        continue;
      }
      const end = bytes.indexOf(LINE_FEED, at);
      const next = end < 0 ? bytes.length : end + 1;
      this.#line += new TextDecoder().decode(bytes.subarray(at, next));
      at = next;
      if (end >= 0) this.#takeLine();
    }
  }

  #takeLine(): void {
    const words = this.#line.trimEnd().split(" ");
    this.#line = "";
    if (words[0] === "MSG") {
      this.#bytes = Number(words.at(-1));
      this.#missing = this.#bytes + LINE_END_BYTES;
    } else if (words[0] === "PING") this.send(text("PONG\r\n"));
    else if (words[0] === "PONG") this.#pong.resolve();
  }
}

/** A message of `bytes` zeros, as it goes over the socket. */
export function publishFrame(subject: string, bytes: number): Uint8Array {
  const head = text(`PUB ${subject} ${bytes}\r\n`);
  const frame = new Uint8Array(head.length + bytes + LINE_END_BYTES);
  frame.set(head);
  frame.set(text("\r\n"), head.length + bytes);
  return frame;
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}
