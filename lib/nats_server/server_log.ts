/**
 * What a nats-server says on its error output: where it listens, that it is
 * ready, and, should it fail, why.
 *
 * @module
 */

/** Lines that are kept for error messages. */
const TAIL_LINES_MAX = 20;

/** Where the server listens; a port is undefined until the server has named it. */
export interface ListenPorts {
  readonly port: number | undefined;
  readonly websocketPort: number | undefined;
}

/** Reads a server's output to its end. */
export class ServerLog {
  /** Resolves when the server takes connections; never, should it fail before. */
  readonly ready: Promise<void>;
  /** Resolves at the end of the output. */
  readonly ended: Promise<void>;
  readonly #tail: string[] = [];
  #ports: ListenPorts = { port: undefined, websocketPort: undefined };
  #resolveReady: () => void;

  constructor(output: ReadableStream<Uint8Array<ArrayBuffer>>) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#resolveReady = resolve;
    this.ended = this.#read(output);
  }

  get ports(): ListenPorts {
    return this.#ports;
  }

  /** The server's process id, which begins each line; undefined before the first. */
  get pid(): number | undefined {
    const pid = /^\[(\d+)\]/.exec(this.#tail.at(-1) ?? "")?.[1];
    return pid === undefined ? undefined : Number(pid);
  }

  /** The last lines. */
  get tail(): string {
    return this.#tail.join("\n");
  }

  async #read(output: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = "";
    for await (const text of output.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(line);
    }
    if (rest !== "") this.#take(rest);
  }

  #take(line: string): void {
    this.#tail.push(line);
    if (this.#tail.length > TAIL_LINES_MAX) this.#tail.shift();
    const client = /Listening for client connections on \S*:(\d+)/.exec(line)?.[1];
    if (client !== undefined) this.#ports = { ...this.#ports, port: Number(client) };
    const websocket = /Listening for websocket clients on \S*:(\d+)/.exec(line)?.[1];
    if (websocket !== undefined) {
      this.#ports = { ...this.#ports, websocketPort: Number(websocket) };
    }
    if (line.includes("Server is ready")) this.#resolveReady();
  }
}
