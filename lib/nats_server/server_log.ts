/**
 * What a nats-server says on its error output: where it listens, that it is
 * ready, and, should it fail, why.
 *
 * @module
 */

import { EXIT_PATTERN } from "./guard.ts";

/** Lines that are kept for error messages. */
const TAIL_LINES_MAX = 20;

/** Where the server listens; a port is undefined until the server has named it. */
export interface ListenPorts {
  readonly port: number | undefined;
  readonly websocketPort: number | undefined;
}

/** One life of the server. */
export interface ServerRun {
  /** Resolves when the server takes connections; never, should it fail before. */
  readonly ready: Promise<void>;
  /** Resolves with its exit code; undefined where nobody has told it. */
  readonly exited: Promise<number | undefined>;
}

/** Reads a server's output to its end, over all of its lives. */
export class ServerLog {
  /** Resolves at the end of the output. */
  readonly ended: Promise<void>;
  readonly #tail: string[] = [];
  #pid: number | undefined;
  #ports: ListenPorts = { port: undefined, websocketPort: undefined };
  #ready = Promise.withResolvers<void>();
  #exited = Promise.withResolvers<number | undefined>();

  constructor(output: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.ended = this.#read(output);
  }

  get ports(): ListenPorts {
    return this.#ports;
  }

  /** The server that runs, or else the one that is started next. */
  get run(): ServerRun {
    return { ready: this.#ready.promise, exited: this.#exited.promise };
  }

  /** The process id of the server that has spoken last; undefined before the first line. */
  get pid(): number | undefined {
    return this.#pid;
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
    this.#exited.resolve(undefined);
  }

  #take(line: string): void {
    const code = EXIT_PATTERN.exec(line)?.[1];
    if (code !== undefined) return this.#end(Number(code));
    this.#tail.push(line);
    if (this.#tail.length > TAIL_LINES_MAX) this.#tail.shift();
    const pid = /^\[(\d+)\]/.exec(line)?.[1];
    if (pid !== undefined) this.#pid = Number(pid);
    const client = /Listening for client connections on \S*:(\d+)/.exec(line)?.[1];
    if (client !== undefined) this.#ports = { ...this.#ports, port: Number(client) };
    const websocket = /Listening for websocket clients on \S*:(\d+)/.exec(line)?.[1];
    if (websocket !== undefined) {
      this.#ports = { ...this.#ports, websocketPort: Number(websocket) };
    }
    if (line.includes("Server is ready")) this.#ready.resolve();
  }

  #end(code: number): void {
    const exited = this.#exited;
    this.#ready = Promise.withResolvers();
    this.#exited = Promise.withResolvers();
    exited.resolve(code);
  }
}
